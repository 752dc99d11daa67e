package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// IdentityPool names identities and issues AWS credentials. Errors are faults.
type IdentityPool interface {
	Identify(ctx context.Context, logins map[string]string) (string, error)
	Issue(ctx context.Context, identity string, logins map[string]string, clock cognito.Clock) (cognito.Issued, error)
}

// TokenSource returns a token of another provider.
type TokenSource func(ctx context.Context) (store.Secret, error)

// claimTime is how long a user who has just signed in waits for the guest's own call to
// end before the user gets an identity without the guest's.
const claimTime = 2 * time.Second

// credentialsJob renews the AWS credentials of one account: a user, the guest, or the
// session of another provider.
type credentialsJob struct {
	reader  reader
	owner   *Owner
	records *Records
	pool    IdentityPool
	flight  *flight
	want    Want
	// login returns the user's state with tokens that are good now, or new ones.
	login func(ctx context.Context, force bool) (*State, error)
	// source is the registered token source of a provider; nil if there is none.
	source func(provider string) TokenSource
	log    *slog.Logger

	held     Held           // whose credentials are renewed
	identity store.Identity // what the identity pool gave to it
	// guestID is the guest's identity that the user's first call links.
	guestID  string
	claimed  bool   // the guest's record is to be deleted
	release  func() // ends the claim on the guest
	begun    bool
	replaced bool // an identity that is gone was given up for another
	renewed  bool // a login token that the pool found too old was renewed
}

// ofUser reports whether the credentials are those of a user of the user pool.
func (j *credentialsJob) ofUser() bool { return j.flight.key.account.Username != "" }

// memory is the present state, if it is of the account and epoch of the renewal.
func (j *credentialsJob) memory() *State {
	if s := j.owner.load(); s != nil && s.epoch == j.flight.key.epoch && s.holder().Record.Account == j.flight.key.account {
		return s
	}
	return nil
}

// read reads the record, and prepares the first call.
func (j *credentialsJob) read(ctx context.Context) (outcome, bool) {
	if j.begun {
		return outcome{}, false // later rounds repeat the call with the same identity
	}
	memory := j.memory()
	if memory == nil {
		return outcome{err: errMoved}, true
	}
	got, err := j.records.read(ctx, j.flight.key.account)
	if err != nil {
		return outcome{err: storeFault(err)}, true // there may be an identity to keep
	}
	j.hold(got.Held)
	if j.gone(memory) {
		return j.tellGone(memory), true
	}
	if out, done := j.adopt(memory); done {
		return out, true
	}
	j.begun = true
	if j.ofUser() && j.identity.ID == "" {
		j.claimGuest(ctx)
	}
	if j.ofUser() && memory.tokens.Left(time.Now()) <= 0 {
		if err := j.renewLogin(ctx, false); err != nil {
			return outcome{err: err}, true
		}
	}
	return outcome{}, false
}

// hold takes a record, with what the identity pool gave to it.
func (j *credentialsJob) hold(held Held) {
	j.held, j.identity = held, j.reader.identity(held.Record)
}

// gone reports whether the record is of another login than the one that the renewal
// was started for.
func (j *credentialsJob) gone(memory *State) bool {
	if j.ofUser() {
		return !live(j.held.Record) || j.held.Record.Sub != memory.user.Record.Sub
	}
	mine, other := j.held.Record.Federation, memory.guest.Record.Federation
	return (mine == nil) != (other == nil) || mine != nil && *mine != *other
}

// tellGone has memory follow: what another process did to a user's session is known
// now; what it did to a guest's will be when the store is read again.
func (j *credentialsJob) tellGone(memory *State) outcome {
	j.owner.edit(j.flight.key.epoch, func(now *State) change {
		if now != memory {
			return change{}
		}
		if j.ofUser() {
			found := j.reader.state(j.held, time.Now(), nil)
			event := changeOf(memory, found)
			event.Username = j.flight.key.account.Username
			return change{state: found, events: []Event{event}, newEpoch: true}
		}
		again := copyOf(memory)
		again.readAt = time.Time{}
		updateFreshness(again)
		return change{state: again}
	})
	return outcome{err: errMoved}
}

// adopt takes what the record holds, if that will do.
func (j *credentialsJob) adopt(memory *State) (outcome, bool) {
	c := j.identity.Credentials
	if c == nil {
		return outcome{}, false
	}
	now := time.Now()
	window := j.reader.storedCredentials(now, *c)
	if held := j.reader.identity(memory.holder().Record).Credentials; held != nil && held.SessionToken.Equal(c.SessionToken) {
		window = memory.credentials // its clocks are better than those of a record read anew
	} else if j.want.Force && !c.ReceivedAt.Before(j.flight.started.Round(0)) {
		return j.publish(&window), true
	}
	if needOf(&window, now, j.want.Force, j.want.MinCredentials) != needNothing {
		return outcome{}, false
	}
	return j.publish(&window), true
}

// renewLogin gets a good ID token; with force another one, though the present one looks
// good.
func (j *credentialsJob) renewLogin(ctx context.Context, force bool) error {
	s, err := j.login(ctx, force)
	if err != nil {
		return err
	}
	if !s.Live() || s.user.Record.Account != j.flight.key.account {
		return errMoved
	}
	j.held.Record.Tokens = s.user.Record.Tokens
	return nil
}

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

// finish ends the claim on the guest.
func (j *credentialsJob) finish() {
	if j.release != nil {
		j.release()
		j.release = nil
	}
}

// call asks the identity pool: for the identity unless it is known, and for
// credentials. It stores what is issued.
func (j *credentialsJob) call(ctx context.Context) (outcome, error) {
	issued, err := j.ask(ctx)
	if err != nil {
		return outcome{}, err
	}
	return j.keep(ctx, issued), nil
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

// clock is what is known of the service's clock: by the tokens of a user whom the pool is
// asked for, which are good at this moment, else by what was measured last.
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

// logins are what proves the login to the pool; a guest has none. The name of a user
// pool's login is its issuer without the scheme, which for AWS is
// cognito-idp.<region>.amazonaws.com/<pool>.
func (j *credentialsJob) logins(ctx context.Context) (map[string]string, error) {
	switch {
	case j.held.Record.Federation != nil:
		return j.federatedLogins(ctx)
	case !j.ofUser():
		return nil, nil
	}
	id, err := jwt.Decode(j.held.Record.Tokens.ID.Reveal())
	if err != nil {
		return nil, &fault.Fault{Kind: fault.Store, Message: "cannot read the stored ID token", Err: err}
	}
	issuer := id.Issuer()
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		issuer = rest
	}
	if issuer == "" {
		return nil, cognito.Malformed("", "the ID token names no issuer", nil)
	}
	return map[string]string{issuer: id.Raw()}, nil
}

// federatedLogins asks the registered source for a token of the same user as before: with
// another one's the pool might give that user this identity.
func (j *credentialsJob) federatedLogins(ctx context.Context) (map[string]string, error) {
	f := j.held.Record.Federation
	source := j.source(f.Provider)
	if source == nil {
		return nil, needsSignIn(f.Provider, errors.New("no source of its tokens is registered"))
	}
	token, err := source(ctx)
	if err == nil && token.IsZero() {
		err = errNoToken
	}
	if err != nil {
		return nil, needsSignIn(f.Provider, err)
	}
	if subject := subjectOf(token); subject != f.Subject {
		return nil, &fault.Fault{
			Kind: fault.WrongAccount, Provider: f.Provider,
			Message: "the source gave a token of another user", Hint: "call Federate for that user",
		}
	}
	return map[string]string{f.Provider: token.Reveal()}, nil
}

var errNoToken = errors.New("the source gave no token")

// subjectOf is the sub claim of a token that can be read, and empty for others, such as
// Facebook's.
func subjectOf(token store.Secret) string {
	if read, err := jwt.Decode(token.Reveal()); err == nil {
		return read.Subject()
	}
	return ""
}

// needsSignIn is the fault of a session whose provider has to be asked again.
func needsSignIn(provider string, cause error) *fault.Fault {
	return &fault.Fault{
		Kind: fault.NeedsSignIn, Provider: provider, Err: cause,
		Hint: "sign in with the provider, then call Federate with its token",
	}
}

// judge says what a failed call means.
func (j *credentialsJob) judge(ctx context.Context, f *fault.Fault, err error) (outcome, step) {
	switch {
	case j.giveUpIdentity(f):
		return outcome{}, again
	case f.Class == fault.StaleLogin && j.ofUser() && !j.renewed:
		// Only a refresh can tell whether the session is over.
		j.renewed = true
		if err := j.renewLogin(ctx, true); err != nil {
			return outcome{err: err}, giveUp
		}
		return outcome{}, again
	case f.Class == fault.StaleLogin && j.held.Record.Federation != nil:
		return outcome{err: needsSignIn(j.held.Record.Federation.Provider, err)}, giveUp
	case f.Class == fault.IdentityGone:
		return j.partly(ctx, err), giveUp // another one was given up already
	}
	return outcome{}, later
}

func (j *credentialsJob) abandon(ctx context.Context, err error) outcome { return j.partly(ctx, err) }

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

// keep stores what was issued, before anything else is done with it. That it cannot be
// stored is no failure of the call: it lasts as long as the process then.
func (j *credentialsJob) keep(ctx context.Context, issued cognito.Issued) outcome {
	window := expiry.New(issued.Received, issued.Life, issued.Life, j.reader.ahead)
	if out, ok := j.store(ctx, issued.Identity, &issued.Credentials); !ok {
		return out
	}
	return j.publish(&window)
}

// store writes identity and credentials into the record. ok is false if the record is
// another login's by now: what was issued is of no use then.
func (j *credentialsJob) store(ctx context.Context, identity string, credentials *store.Credentials) (out outcome, ok bool) {
	from, first := j.held, true
	held, err := j.records.Update(ctx, j.flight.key.account, &from, func(old Held) (store.Record, error) {
		if !first { // it was changed meanwhile
			memory := j.memory()
			changed := credentialsJob{flight: j.flight, held: old}
			if old.Stored == 0 || memory == nil || changed.gone(memory) {
				return store.Record{}, errMoved
			}
		}
		first = false
		next := old.Record
		j.identity.ID, j.identity.Credentials = identity, credentials
		next.SetIdentity(j.identity)
		next.SavedAt = time.Now().Round(0)
		return next, nil
	})
	if isMoved(err) {
		return outcome{err: errMoved}, false
	}
	j.held = held
	if err != nil {
		j.log.WarnContext(ctx, "latchkey: cannot store AWS credentials", "username", j.flight.key.account.Username, "error", err)
		return outcome{}, true
	}
	if j.claimed {
		j.claimed = false
		if err := j.records.forgetGuest(ctx, j.reader.guestAccount(), j.identity); err != nil {
			j.log.WarnContext(ctx, "latchkey: the guest's identity stays in the store though a user has it", "error", err)
		}
	}
	return outcome{}, true
}

// partly keeps the identity that the pool has named, though it issued no credentials: to
// ask again would make another guest.
func (j *credentialsJob) partly(ctx context.Context, cause error) outcome {
	memory := j.memory()
	if j.identity.ID == "" || memory == nil || j.reader.identity(memory.holder().Record).ID == j.identity.ID {
		return outcome{err: cause}
	}
	if out, ok := j.store(ctx, j.identity.ID, nil); !ok {
		return out
	}
	out := j.publish(nil)
	out.err = cause
	return out
}

// publish shows the record's identity and credentials.
func (j *credentialsJob) publish(window *expiry.Window) outcome {
	return outcome{change: func(now *State) change {
		if now == nil || now.holder().Record.Account != j.flight.key.account {
			return change{}
		}
		next := copyOf(now)
		if next.Live() {
			j.mergeInto(&next.user)
		} else {
			next.guest = j.held
		}
		j.reader.readIdentity(next, time.Now(), window)
		return change{state: next}
	}}
}

// mergeInto puts identity and credentials into the user's record in memory. The tokens
// there are the record's, unless another process has refreshed them: that is for the
// next refresh to find.
func (j *credentialsJob) mergeInto(user *Held) {
	same := live(j.held.Record) && j.held.Record.Tokens.Access.Equal(user.Record.Tokens.Access)
	user.Record.SetIdentity(j.identity)
	if same && j.held.Stored > user.Stored && !j.held.unsaved() {
		user.Record.Generation, user.Stored = j.held.Stored, j.held.Stored
		user.Record.Pending = j.held.Record.Pending
	}
}

// failed tells subscribers that a provider has to be asked again.
func (j *credentialsJob) failed(now *State, err error, changed bool) change {
	if now == nil || !changed || now.view.provider == "" || !errors.Is(err, fault.NeedsSignIn) {
		return change{}
	}
	return change{events: []Event{{Kind: RefreshFailed, Provider: now.view.provider, Err: err}}}
}
