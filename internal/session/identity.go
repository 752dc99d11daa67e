package session

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
)

// claimTime is how long a user who has just signed in waits for the guest's own call to
// end before the user gets an identity without the guest's.
const claimTime = 2 * time.Second

// claimGuest takes the guest's identity for the user who has signed in, and keeps other
// processes from doing the same until finish. Where the guest's record cannot be read,
// the user gets an identity without it.
func (j *credentialsJob) claimGuest(ctx context.Context) {
	guest := j.reader.guestAccount()
	bounded, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	unlock, err := j.records.lock(bounded, j.reader.credentialsLock(guest))
	if err != nil {
		return
	}
	j.release = unlock
	record, err := j.records.load(ctx, guest)
	if err == nil && record.Federation == nil {
		j.guestID, j.claimed = j.reader.identity(record).ID, true
	}
}

func (j *credentialsJob) ask(ctx context.Context) (cognito.Issued, error) {
	logins, err := j.logins(ctx)
	if err != nil {
		return cognito.Issued{}, err
	}
	identity := j.identity.ID
	if f := j.held.Record.Federation; f != nil && f.IdentityID != "" {
		identity = f.IdentityID
	}
	if identity == "" {
		identity = j.guestID
	}
	if identity == "" {
		if identity, err = j.pool.Identify(ctx, logins); err != nil {
			return cognito.Issued{}, err
		}
		j.identity.ID = identity // also when what follows fails; see partly
	}
	return j.pool.Issue(ctx, identity, logins, j.clock())
}

// clock is the best known reading of the service's clock: from the user's tokens, which are
// valid now, else the last measurement.
func (j *credentialsJob) clock() cognito.Clock {
	now, s := time.Now(), j.owner.load()
	if tokens := j.held.Record.Tokens; j.ofUser() && tokens != nil {
		if pair, err := cognito.DecodePair(tokens.Access.Reveal(), tokens.ID.Reveal()); err == nil {
			record := j.held.Record
			window := expiry.Tokens(now, tokens.ReceivedAt, pair.Issued, pair.Life, record.Drift, j.reader.ahead)
			if s != nil && s.Live() && tokens.Access.Equal(s.user.Record.Tokens.Access) {
				window = s.tokens // it has the monotonic clock
			}
			return cognito.Clock{Drift: pair.Issued.Add(window.Age(now)).Sub(now.Round(0)), Measured: true}
		}
	}
	if s == nil || s.view.drift.Abs() >= expiry.MaxDrift {
		return cognito.Clock{} // a drift at the limit may be more
	}
	return cognito.Clock{Drift: s.view.drift}
}

// giveUpIdentity reports whether the identity that was asked for is given up for another:
// once, if it is gone, and if it was the guest's also if the pool refuses to link it to the
// login. An identity that the application has named is not given up.
func (j *credentialsJob) giveUpIdentity(f *fault.Fault) bool {
	named := j.held.Record.Federation != nil && j.held.Record.Federation.IdentityID != ""
	if j.replaced || named || j.identity.ID == "" && j.guestID == "" {
		return false
	}
	refused := f.Class == fault.Misconfigured || f.Class == fault.Conflict
	if f.Class != fault.IdentityGone && !(refused && j.guestID != "") {
		return false
	}
	j.replaced, j.guestID, j.identity.ID = true, "", ""
	return true
}
