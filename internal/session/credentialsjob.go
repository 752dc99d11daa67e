package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// IdentityPool names identities and issues AWS credentials. Errors are faults.
type IdentityPool interface {
	Identify(ctx context.Context, logins map[string]string) (string, error)
	Issue(ctx context.Context, identity string, logins map[string]string, clock cognito.Clock) (cognito.Issued, error)
}

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
	claimed  bool   // the guest's record must be deleted
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

// call asks the identity pool: for the identity unless it is known, and for
// credentials. It stores what is issued.
func (j *credentialsJob) call(ctx context.Context) (outcome, error) {
	issued, err := j.ask(ctx)
	if err != nil {
		return outcome{}, err
	}
	return j.keep(ctx, issued), nil
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

// finish ends the claim on the guest.
func (j *credentialsJob) finish() {
	if j.release != nil {
		j.release()
		j.release = nil
	}
}

// failed sends an event if the provider must issue a new token.
func (j *credentialsJob) failed(now *State, err error, changed bool) change {
	if now == nil || !changed || now.view.provider == "" || !errors.Is(err, fault.NeedsSignIn) {
		return change{}
	}
	return change{events: []Event{{Kind: RefreshFailed, Provider: now.view.provider, Err: err}}}
}
