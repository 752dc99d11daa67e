package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Ended is what is left of a session that was ended here.
type Ended struct {
	Username string       // who was signed in; empty if no user was
	Record   store.Record // the tombstone
	// Refresh is the token to be revoked; empty if there is none. Queued says that the
	// record names it, so that the next client revokes it if this one does not.
	Refresh store.Secret
	Queued  bool
	// Err is what the store said; nil if the session is forgotten there too.
	Err error
}

// EndOptions say how a session ends.
type EndOptions struct {
	Cause     Cause // of the event
	Local     bool  // the service is left out: nothing is queued for it
	KeepGuest bool  // the guest's identity stays
}

// End ends the active session here and in the store. It does not call the service. An
// error means that there is no session to end; what the store said is in Ended.
func (e *Engine) End(ctx context.Context, o EndOptions) (Ended, error) {
	ctx = context.WithoutCancel(ctx)
	_ = e.changing.acquire(ctx) // the context does not end
	defer e.changing.release()
	bounded, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	s, err := e.Ready(bounded)
	if s == nil && !errors.Is(err, fault.Closed) {
		s = e.unreadable(bounded)
	}
	if s == nil {
		return Ended{Err: err}, err
	}
	over := Ended{Username: s.user.Record.Account.Username}
	if s.user.Record.Generation == 0 && err == nil || over.Username == "" {
		over.Username = s.user.Record.Account.Username
		over.Err = storeFault(e.endGuest(ctx, s, o))
		return over, nil
	}
	if s.Live() {
		over.Refresh = s.user.Record.Tokens.Refresh
	}
	// From here on no caller is handed this session, whatever the store does.
	interim := Held{Record: tombstone(s.user.Record, SignedOutReason, ""), Stored: s.user.Stored}
	interim.Record.Generation = max(s.user.Record.Generation, s.user.Stored) + 1
	e.owner.replace(e.reader.state(interim, time.Now(), nil))
	held, err := e.bury(ctx, s.user, &over, o)
	guestErr := e.endGuest(ctx, s, o)
	e.publishEnd(s, held, o.Cause)
	if err != nil {
		e.records.persist(held)
	}
	over.Err = storeFault(errors.Join(err, guestErr))
	return over, nil
}

// bury replaces an account's session with a tombstone; before is what memory had. The store
// may hold a newer refresh token than memory, which another process has rotated since. The
// tombstone lists the token as a pending revocation, so that the next program revokes it if
// this one is killed now.
func (e *Engine) bury(ctx context.Context, before Held, over *Ended, o EndOptions) (Held, error) {
	account := before.Record.Account
	held, err := e.records.Update(ctx, account, nil, func(old Held) (store.Record, error) {
		if old.Record.Tokens != nil && !before.replaces(old.Record) {
			over.Refresh = old.Record.Tokens.Refresh
		}
		next := tombstone(e.known(old), SignedOutReason, "")
		if !o.Local && !over.Refresh.IsZero() {
			e.queue.enqueue(&next, over.Refresh)
		}
		if o.Local {
			next.Redirect = nil
		}
		return next, nil
	})
	over.Record, over.Queued = held.Record, err == nil && !o.Local
	if err != nil && e.records.drop(ctx, account) == nil {
		err, held.Stored = nil, 0
	}
	return held, err
}

// endGuest forgets the guest, or the session of another provider in its place.
func (e *Engine) endGuest(ctx context.Context, s *State, o EndOptions) error {
	provider := s.view.provider
	if e.reader.pool == "" || o.KeepGuest && provider == "" {
		return nil
	}
	if !s.Live() && s.user.Record.Generation == 0 {
		var events []Event
		if provider != "" {
			events = []Event{{Kind: SignedOut, Provider: provider, Cause: o.Cause}}
		}
		e.owner.replace(e.reader.signedOut(time.Now()), events...)
	}
	_, err := e.records.load(ctx, e.reader.guestAccount())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return e.records.drop(ctx, e.reader.guestAccount())
}

// publishEnd makes the end of a session the present state and sends the event.
func (e *Engine) publishEnd(before *State, held Held, cause Cause) {
	after := e.reader.state(held, time.Now(), nil)
	e.owner.revise(func(*State) change {
		c := change{state: after}
		ended := before.user.Record.Ended
		if before.view.provider != "" {
			c.events = []Event{{Kind: SignedOut, Provider: before.view.provider, Cause: cause}}
		} else if ended == nil || ended.Reason != SignedOutReason {
			c.events = []Event{{Kind: SignedOut, Username: before.user.Record.Account.Username, Cause: cause}}
		}
		return c
	})
}

// unreadable stands for a session that the store cannot read; nil if the store does not
// even say whose it is.
func (e *Engine) unreadable(ctx context.Context) *State {
	account, err := e.records.active(ctx)
	if err != nil {
		return nil
	}
	return e.reader.state(Held{Record: store.Record{Account: account}}, time.Now(), nil)
}

// EndOther is End for an account that is not the active one. It refuses one that has
// become active meanwhile: that session was begun after the call.
func (e *Engine) EndOther(ctx context.Context, account store.Account, o EndOptions) Ended {
	ctx = context.WithoutCancel(ctx)
	_ = e.changing.acquire(ctx) // the context does not end
	defer e.changing.release()
	over := Ended{Username: account.Username}
	if s := e.owner.load(); s != nil && s.user.Record.Account == account && s.Live() {
		over.Err = fault.New("", fault.InvalidParameter, account.Username+" became active meanwhile; call again")
		return over
	}
	_, err := e.bury(ctx, Held{Record: store.Record{Account: account}}, &over, o)
	over.Err = storeFault(err)
	return over
}

// Others lists the scope's accounts that have something to sign out of, without the guest
// and the one named. An engine of one account has no others.
func (e *Engine) Others(ctx context.Context, except string) ([]store.Account, error) {
	if e.records.store.account != "" {
		return nil, nil
	}
	known, err := e.records.list(ctx)
	if err != nil {
		return nil, storeFault(err)
	}
	var accounts []store.Account
	for _, account := range known {
		if account.Username == "" || account.Username == except {
			continue
		}
		record, err := e.records.load(ctx, account)
		over := err == nil && record.Tokens == nil && (record.Ended == nil || record.Ended.Reason == SignedOutReason)
		if !over && !errors.Is(err, store.ErrNotFound) {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// Revoke has the service revoke the token of a session that was just ended, and takes it
// off the record's list. It reports whether the token is left in the queue.
func (e *Engine) Revoke(ctx context.Context, over Ended) (queued bool, err error) {
	err = e.userPool.Revoke(ctx, over.Refresh)
	switch {
	case !over.Queued:
		return false, err
	case err != nil && worthRepeating(err):
		e.queue.start(ownTime)
		return true, err
	}
	if dequeueErr := e.queue.dequeue(ctx, over.Record.Account, over.Refresh); dequeueErr != nil {
		e.log.WarnContext(ctx, "latchkey: a refresh token stays on the list of those to revoke", "error", dequeueErr)
	}
	return false, err
}

// Discard revokes the token of a session that was not begun, if it has one.
func (e *Engine) Discard(ctx context.Context, refresh store.Secret) {
	if refresh.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	if err := e.userPool.Revoke(ctx, refresh); err != nil {
		e.log.WarnContext(ctx, "latchkey: cannot revoke the token of a sign-in that failed", "error", err)
	}
}

// LeftPages notes that the browser's session at the sign-in pages has ended with the
// account's session, unless the user has signed in since.
func (e *Engine) LeftPages(ctx context.Context, account store.Account) error {
	return e.records.EditPending(ctx, account, func(r *store.Record) {
		if r.Ended != nil {
			r.Redirect = nil
		}
	})
}
