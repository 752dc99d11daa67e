package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// How says how a user signed in.
type How struct {
	SignIn   *store.SignIn   // nil after a redirect
	Redirect *store.Redirect // nil otherwise
}

// Establish makes a grant the active session. It goes on when ctx ends: the service has
// already signed the user in. If it fails with a fault of kind Store, the session is active
// for as long as the process runs.
func (e *Engine) Establish(ctx context.Context, issued cognito.Grant, how How) error {
	ctx = context.WithoutCancel(ctx)
	if err := e.changing.acquire(ctx); err != nil {
		return err
	}
	defer e.changing.release()
	if err := e.Closed(); err != nil {
		e.Discard(ctx, issued.Refresh)
		return err
	}
	username := issued.Pair.Access.Username()
	if bound := e.records.store.account; bound != "" && username != bound {
		e.Discard(ctx, issued.Refresh)
		return &fault.Fault{Kind: fault.WrongAccount, Message: username + " signed in, and this client is of " + bound, Hint: "sign in as " + bound + ", or with the client of the active account"}
	}
	_ = e.saveUnsaved(ctx) // the user before may come back; the failure is logged
	account := store.Account{Scope: e.reader.scope, Username: username}
	held, err := e.records.Update(ctx, account, nil, func(old Held) (store.Record, error) {
		return e.signedIn(account, e.known(old), issued, how), nil
	})
	if err == nil {
		err = e.records.setActive(ctx, account)
	}
	ended := e.endFederated(ctx)
	s := e.reader.state(held, time.Now(), issued.Window(e.reader.ahead))
	if err != nil {
		err = &fault.Fault{Kind: fault.Store, Err: err, Hint: "the session lasts as long as this process; repair the store and sign in again"}
		e.log.ErrorContext(ctx, "latchkey: cannot store the session", "username", account.Username, "error", err)
	}
	e.owner.replace(s, append(ended, Event{Kind: SignedIn, Username: account.Username, Err: err})...)
	e.records.persist(held)
	return err
}

// known is what memory has of an account whose record could not be read.
func (e *Engine) known(old Held) store.Record {
	if held, ok := e.owner.load().of(old.Record.Account); ok && old.Stored == 0 {
		return held.Record
	}
	return old.Record
}

// signedIn is the record of a new session. It keeps the device and the pending revocations of
// the previous one, and the identity id if the user is the same; credentials are fetched anew.
func (e *Engine) signedIn(account store.Account, old store.Record, issued cognito.Grant, how How) store.Record {
	next := issued.Apply(store.Record{Account: account, SignIn: how.SignIn, Redirect: how.Redirect, Device: old.Device, Pending: old.Pending})
	if old.Sub == next.Sub {
		for _, identity := range old.Identities {
			identity.Credentials = nil
			next.SetIdentity(identity)
		}
	}
	if issued.Device != nil {
		next.Device = issued.Device
	}
	return next
}

// endFederated ends a session of another provider, whose place a user takes. Nothing of
// it becomes the user's.
func (e *Engine) endFederated(ctx context.Context) []Event {
	if e.reader.pool == "" {
		return nil
	}
	record, err := e.records.load(ctx, e.reader.guestAccount())
	if err != nil || record.Federation == nil {
		return nil
	}
	if err := e.records.drop(ctx, record.Account); err != nil {
		e.log.ErrorContext(ctx, "latchkey: the session of another provider stays in the store", "provider", record.Federation.Provider, "error", err)
	}
	return []Event{{Kind: SignedOut, Provider: record.Federation.Provider, Cause: CauseLocal}}
}

// Switch makes another stored account the active one. One that is not in the store, or not
// signed in, is a fault of kind SignedOut, and nothing changes.
func (e *Engine) Switch(ctx context.Context, username string) error {
	if err := e.changing.acquire(ctx); err != nil {
		return err
	}
	defer e.changing.release()
	if err := e.Closed(); err != nil {
		return err
	}
	if err := e.unbound(); err != nil {
		return err
	}
	account := store.Account{Scope: e.reader.scope, Username: username}
	if err := e.saveUnsaved(ctx); err != nil {
		return err
	}
	record, err := e.records.load(ctx, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return storeFault(err)
	}
	if err != nil || !live(record) || username == "" {
		return fault.New("", fault.SignedOut, "sign in as this user first")
	}
	if err := e.records.setActive(ctx, account); err != nil {
		return storeFault(err)
	}
	e.owner.replace(e.reader.state(stored(record), time.Now(), nil), Event{Kind: Restored, Username: username})
	return nil
}

// unbound fails for an engine of one account.
func (e *Engine) unbound() error {
	if bound := e.records.store.account; bound != "" {
		return fault.New("", fault.NotSupported, "this client is of "+bound+" alone; use the client of the active account")
	}
	return nil
}

// saveUnsaved stores the active session's tokens if they could not be stored before. It is
// called before another session takes its place, because the background save ends then.
func (e *Engine) saveUnsaved(ctx context.Context) error {
	s := e.owner.load()
	if s == nil || !s.Live() || !s.user.unsaved() {
		return nil
	}
	if _, done := e.records.retrySave(ctx, s.user); !done {
		return &fault.Fault{Kind: fault.Store, Message: "the newest tokens of " + s.view.username + " are not stored yet", Hint: "repair the store, then call again"}
	}
	return nil
}

// Stored is one account of the scope with its record.
type Stored struct {
	Record store.Record
	Active bool
}

// Accounts lists the users of the scope by username, and what could not be read.
func (e *Engine) Accounts(ctx context.Context) (accounts []Stored, failures []error, err error) {
	if err := e.Closed(); err != nil {
		return nil, nil, err
	}
	active, err := e.records.active(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, storeFault(err)
	}
	known, err := e.records.list(ctx)
	if err != nil {
		return nil, nil, storeFault(err)
	}
	for _, account := range known {
		if account.Username == "" {
			continue // the guest
		}
		record, err := e.records.inspect(ctx, account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failures = append(failures, storeFault(err))
		}
		record.Account = account
		accounts = append(accounts, Stored{Record: record, Active: account == active})
	}
	return accounts, failures, nil
}
