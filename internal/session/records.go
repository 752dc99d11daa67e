package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

const (
	// saveTime bounds one access to the store.
	saveTime = 5 * time.Second
	// SignedOutReason is the reason of a session that its user ended.
	SignedOutReason = "signed-out"
)

// Records reads and writes the store. It compares what it reads with what memory holds
// of the same account, so that a change that could not be stored yet, and a record
// that the store has lost to damage, are handled in one place.
type Records struct {
	store *bound
	scope store.Scope
	owner *Owner
	life  *lifecycle
	log   *slog.Logger
	// healing is held from the load of a record that no caller asked for until what
	// damaged it is mended; see inspect.
	healing turn
}

// load reads a record in bounded time.
func (r *Records) load(ctx context.Context, account store.Account) (store.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.Load(ctx, account)
}

// save stores a record. It has its own deadline and ignores the end of ctx, and a panic of
// the store is an error, because what it stores cannot be issued a second time.
func (r *Records) save(ctx context.Context, record store.Record, previous uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return guard(r.log, func() error { return r.store.Save(ctx, record, previous) })
}

// drop deletes a record.
func (r *Records) drop(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return r.store.Delete(ctx, account)
}

// forgetGuest removes an identity that is a user's now, or gone, from the guest's record.
func (r *Records) forgetGuest(ctx context.Context, guest store.Account, identity store.Identity) error {
	identity.ID, identity.Credentials = "", nil
	left := 0
	_, err := r.Update(context.WithoutCancel(ctx), guest, nil, func(old Held) (store.Record, error) {
		next := old.Record
		next.SetIdentity(identity)
		if left = len(next.Identities); left == 0 {
			return next, errUnchanged
		}
		return next, nil
	})
	if err != nil || left > 0 {
		return err
	}
	return r.drop(ctx, guest)
}

// list lists the scope's accounts.
func (r *Records) list(ctx context.Context) ([]store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.List(ctx, r.scope)
}

// active is the account that the scope's pointer names.
func (r *Records) active(ctx context.Context) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.Active(ctx, r.scope)
}

// setActive moves the scope's pointer.
func (r *Records) setActive(ctx context.Context, account store.Account) error {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	return r.store.SetActive(ctx, account)
}

// lock acquires the store's lock of an account.
func (r *Records) lock(ctx context.Context, account store.Account) (unlock func(), err error) {
	return r.store.Lock(ctx, account)
}

// memory is what the present state holds of an account, if it is a session.
func (r *Records) memory(account store.Account) (Held, bool) {
	s := r.owner.load()
	held, ok := s.of(account)
	if !ok || held.Record.Generation == 0 || account.Username != "" && !s.Live() {
		return Held{}, false
	}
	return *held, true
}

// storeFault wraps the error of a store.
func storeFault(err error) error {
	if err == nil {
		return nil
	}
	return fault.OfStore("", err)
}
