package session

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Federate begins a session that comes from another provider straight to the identity
// pool. If it fails, nothing has changed, except with a fault of kind Store: then the
// session is active for as long as the process runs.
func (e *Engine) Federate(ctx context.Context, federation store.Federation, source TokenSource) (*View, error) {
	before, err := e.Ready(ctx)
	if err == nil {
		err = e.unbound()
	}
	if err != nil {
		return nil, err
	}
	if before.Live() {
		return nil, errSignedIn()
	}
	account := e.reader.guestAccount()
	bounded, cancel := context.WithTimeoutCause(ctx, flightTime, cognito.ErrTimeout)
	defer cancel()
	unlock, err := e.records.lock(bounded, e.reader.credentialsLock(account))
	if err != nil {
		return nil, storeFault(err)
	}
	defer unlock()
	old, err := e.records.forUpdate(bounded, account)
	if err != nil {
		return nil, storeFault(err)
	}
	j := e.newCredentialsJob(&flight{key: flightKey{kind: credentialsFlight, account: account}}, Want{})
	j.hold(Held{Record: store.Record{Account: account, Federation: &federation}})
	if old.Record.Federation == nil {
		j.guestID = e.reader.identity(old.Record).ID // a guest's, and no other login's
	}
	issued, err := j.begin(bounded, source)
	if err != nil {
		return nil, err
	}
	if err := e.takeTurn(ctx, before); err != nil {
		j.claimed = j.guestID != "" && issued.Identity == j.guestID // the pool has linked it to the login
		j.forgetClaimed(ctx)
		return nil, err
	}
	defer e.changing.release()
	return e.activateFederated(ctx, j, issued, source)
}

// takeTurn acquires e.changing for a session of another provider, unless the login has
// changed since before was the state.
func (e *Engine) takeTurn(ctx context.Context, before *State) error {
	if err := e.changing.acquire(ctx); err != nil {
		return err
	}
	var err error
	switch now := e.owner.load(); {
	case e.life.isClosed():
		err = errClosed
	case now != nil && now.Live():
		err = errSignedIn()
	case now == nil || now.epoch != before.epoch:
		err = errMoved
	}
	if err != nil {
		e.changing.release()
	}
	return err
}

func errSignedIn() error { return fault.New("", fault.AlreadySignedIn, "sign out first") }

// begin is call for a session that does not exist yet.
func (j *credentialsJob) begin(ctx context.Context, source TokenSource) (cognito.Issued, error) {
	provider := j.held.Record.Federation.Provider
	token, err := source(ctx)
	if err == nil && token.IsZero() {
		err = errNoToken
	}
	if err != nil {
		return cognito.Issued{}, needsSignIn(provider, err)
	}
	j.held.Record.Federation.Subject = subjectOf(token)
	j.source = func(string) TokenSource {
		return func(context.Context) (store.Secret, error) { return token, nil }
	}
	for tries := 0; ; {
		issued, err := j.ask(ctx)
		f := fault.Find(err)
		switch {
		case err == nil:
			return issued, nil
		case j.giveUpIdentity(f): // the guest's identity cannot be the login's
		case f.Class == fault.StaleLogin:
			return cognito.Issued{}, needsSignIn(provider, err)
		default:
			if tries++; !pause(ctx, f, tries) {
				return cognito.Issued{}, err
			}
		}
	}
}

// activateFederated stores a session of another provider and makes it the active one.
func (e *Engine) activateFederated(ctx context.Context, j *credentialsJob, issued cognito.Issued, source TokenSource) (*View, error) {
	ctx = context.WithoutCancel(ctx)
	account := j.held.Record.Account
	held, err := e.records.Update(ctx, account, nil, func(Held) (store.Record, error) {
		next := j.held.Record
		identity := e.reader.identity(next)
		identity.ID, identity.Credentials = issued.Identity, &issued.Credentials
		next.SetIdentity(identity)
		next.SavedAt = time.Now().Round(0)
		return next, nil
	})
	if err == nil {
		err = e.records.setActive(ctx, account)
	}
	window := expiry.New(issued.Received, issued.Life, issued.Life, e.reader.ahead)
	s := e.reader.signedOut(time.Now())
	e.reader.setGuest(s, held, &window)
	if err != nil {
		err = &fault.Fault{Kind: fault.Store, Err: err, Hint: "the session lasts as long as this process"}
		e.log.ErrorContext(ctx, "latchkey: cannot store the session", "provider", s.view.provider, "error", err)
	}
	e.sources.register(s.view.provider, source)
	e.owner.replace(s, Event{Kind: SignedIn, Provider: s.view.provider, Err: err})
	return &s.view, err
}
