package session

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/store"
)

// bound is a store as the client of one service sees it. Records that were kept under
// other scopes before, by earlier versions or at former addresses of the same service, are
// read as if they were in its own scope, and move there with the next change. Records of
// other services are not there.
type bound struct {
	store.Store
	scope store.Scope
	// account is the username that is always the active one; empty to go by the pointer.
	// The guest's record does not exist then.
	account string
	// former are the scopes in which the service's records may be too, the best first.
	former []store.Scope
	// ours reports whether tokens of an issuer can be the service's.
	ours func(issuer string) bool
	// identityOrigin is where the identity pool is called, formerIdentityOrigins where it
	// was called before.
	identityOrigin        string
	formerIdentityOrigins []string
}

// named reports whether the key of a record names its service.
func (b *bound) named(scope store.Scope) bool {
	blind, ok := b.Store.(store.ServiceBlind)
	return scope.Service != "" && !(ok && blind.ServiceBlind())
}

// take decides whether a record of one of the scopes belongs to the service. If the key does
// not name the service, the issuer decides. A record without an issuer is accepted, but its
// pending revocations could belong to another service and are not sent.
func (b *bound) take(scope store.Scope, r store.Record) (store.Record, bool) {
	if b.named(scope) || b.ours == nil {
		return r, true
	}
	issuer := r.Issuer
	if issuer == "" {
		issuer = cognito.IssuerOf(r)
	}
	if issuer == "" {
		r.Pending = nil
		return r, true
	}
	return r, b.ours(issuer)
}

// in is an account in another scope.
func in(scope store.Scope, account store.Account) store.Account {
	account.Scope = scope
	return account
}

// hides reports whether an account does not exist for a client of one account: the guest's.
func (b *bound) hides(account store.Account) bool { return b.account != "" && account.Username == "" }

func (b *bound) Load(ctx context.Context, account store.Account) (store.Record, error) {
	if b.hides(account) {
		return store.Record{}, store.ErrNotFound
	}
	if account.Scope != b.scope {
		return b.Store.Load(ctx, account)
	}
	record, err := b.own(ctx, account)
	if !errors.Is(err, store.ErrNotFound) || len(b.former) == 0 {
		return record, err
	}
	if record, _, err = b.earlier(ctx, account); !errors.Is(err, store.ErrNotFound) {
		return record, err
	}
	return b.own(ctx, account) // another process may have moved it between the two reads
}

// own is the record of an account in the scope of the service.
func (b *bound) own(ctx context.Context, account store.Account) (store.Record, error) {
	record, err := b.Store.Load(ctx, account)
	if err != nil {
		return record, err
	}
	if taken, ok := b.take(account.Scope, record); ok {
		return taken, nil
	}
	return store.Record{}, store.ErrNotFound
}

// earlier is the record of an account in a former scope, and that scope.
func (b *bound) earlier(ctx context.Context, account store.Account) (store.Record, store.Scope, error) {
	for _, scope := range b.former {
		record, err := b.Store.Load(ctx, in(scope, account))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			var ok bool
			if record, ok = b.take(scope, record); !ok {
				continue
			}
		}
		record.Account = account
		b.moveIdentities(&record)
		return record, scope, err
	}
	return store.Record{}, store.Scope{}, store.ErrNotFound
}

// moveIdentities makes identities of the identity pool at its former addresses those of
// the pool at its address of today, unless the record has one of that.
func (b *bound) moveIdentities(record *store.Record) {
	for _, identity := range record.Identities {
		if identity.Endpoint == b.identityOrigin || !slices.Contains(b.formerIdentityOrigins, identity.Endpoint) {
			continue
		}
		gone, moved := identity, identity
		gone.ID, gone.Credentials = "", nil
		record.SetIdentity(gone)
		moved.Endpoint = b.identityOrigin
		if !slices.ContainsFunc(record.Identities, moved.SameKey) {
			record.SetIdentity(moved)
		}
	}
}

// Save puts a record into the scope of the service. If the one before is in a former
// scope, the record moves.
func (b *bound) Save(ctx context.Context, record store.Record, previous uint64) error {
	err := b.Store.Save(ctx, record, previous)
	if !errors.Is(err, store.ErrConflict) || record.Account.Scope != b.scope {
		return err
	}
	kept, loadErr := b.Store.Load(ctx, record.Account)
	switch {
	case loadErr == nil && previous == 0 && !b.holds(record.Account.Scope, kept):
		// A store whose keys do not name the service has one place for both.
		return b.Store.Save(ctx, record, kept.Generation)
	case !errors.Is(loadErr, store.ErrNotFound):
		return err
	}
	old, scope, loadErr := b.earlier(ctx, record.Account)
	if loadErr != nil || old.Generation != previous {
		return err
	}
	return b.move(ctx, record, scope)
}

// move stores a record in the scope of the service and deletes it in a former one, with
// the pointer if it names the account.
func (b *bound) move(ctx context.Context, record store.Record, scope store.Scope) error {
	if err := b.Store.Save(ctx, record, 0); err != nil {
		return err
	}
	old := in(scope, record.Account)
	if active, err := b.Store.Active(ctx, scope); err == nil && active == old {
		if _, err := b.Store.Active(ctx, b.scope); errors.Is(err, store.ErrNotFound) {
			if err := b.Store.SetActive(ctx, record.Account); err != nil {
				return nil // the record is stored, and found by its old pointer
			}
		}
	}
	_ = b.Store.Delete(ctx, old) // if it stays, the new one comes first
	return nil
}

// holds reports whether a record of one of the scopes is the service's.
func (b *bound) holds(scope store.Scope, r store.Record) bool {
	_, ok := b.take(scope, r)
	return ok
}

// isOurs reports whether an account of one of the scopes is the service's. It does not
// read the record if the key is enough: a store reports damage only once, and that report is
// for the caller that wants the record.
func (b *bound) isOurs(ctx context.Context, account store.Account) bool {
	if b.named(account.Scope) {
		return true
	}
	record, err := b.Store.Load(ctx, account)
	if err != nil {
		return account.Scope == b.scope && !errors.Is(err, store.ErrNotFound)
	}
	return b.holds(account.Scope, record)
}

// Delete deletes the service's records of an account in all its scopes.
func (b *bound) Delete(ctx context.Context, account store.Account) error {
	if b.hides(account) {
		return nil
	}
	if account.Scope != b.scope {
		return b.Store.Delete(ctx, account)
	}
	var errs []error
	for _, scope := range append([]store.Scope{b.scope}, b.former...) {
		if old := in(scope, account); b.isOurs(ctx, old) {
			errs = append(errs, b.Store.Delete(ctx, old))
		}
	}
	return errors.Join(errs...)
}

func (b *bound) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	if scope != b.scope {
		return b.Store.List(ctx, scope)
	}
	var accounts []store.Account
	// The former scopes come first, so that a record that another process moves now is seen.
	for _, from := range append(slices.Clone(b.former), scope) {
		listed, err := b.Store.List(ctx, from)
		if err != nil {
			return nil, err
		}
		for _, other := range listed {
			account := in(scope, other)
			if slices.Contains(accounts, account) {
				continue
			}
			if b.isOurs(ctx, other) {
				accounts = append(accounts, account)
			}
		}
	}
	slices.SortFunc(accounts, func(x, y store.Account) int { return strings.Compare(x.Username, y.Username) })
	return accounts, nil
}

// SetActive moves the pointer, which is not for a client of one account.
func (b *bound) SetActive(ctx context.Context, account store.Account) error {
	if b.account != "" {
		return nil
	}
	return b.Store.SetActive(ctx, account)
}

func (b *bound) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if b.account != "" {
		return store.Account{Scope: scope, Username: b.account}, nil
	}
	account, err := b.activeNow(ctx, scope)
	if errors.Is(err, store.ErrNotFound) && scope == b.scope && len(b.former) > 0 {
		return b.activeNow(ctx, scope) // another process may have moved it between the reads
	}
	return account, err
}

// activeNow is Active by one look at each scope.
func (b *bound) activeNow(ctx context.Context, scope store.Scope) (store.Account, error) {
	account, err := b.Store.Active(ctx, scope)
	if scope != b.scope || b.named(scope) && !errors.Is(err, store.ErrNotFound) {
		return account, err
	}
	failure := error(store.ErrNotFound)
	for _, from := range append([]store.Scope{scope}, b.former...) {
		account, err := b.Store.Active(ctx, from)
		if err == nil {
			var record store.Record
			record, err = b.Store.Load(ctx, account)
			unreadable := err != nil && !errors.Is(err, store.ErrNotFound)
			if err == nil && b.holds(from, record) || unreadable && from == scope {
				return in(scope, account), nil // the next Load reports what cannot be read
			}
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failure = err // the session may be there
		}
	}
	return store.Account{}, failure
}

// Lock acquires the store's lock of an account, if the store has locks.
func (b *bound) Lock(ctx context.Context, account store.Account) (unlock func(), err error) {
	if locker, ok := b.Store.(store.Locker); ok {
		return locker.Lock(ctx, account)
	}
	return func() {}, nil
}

// watcher is the store's watcher, nil if it cannot be watched.
func (b *bound) watcher() store.Watcher {
	w, _ := b.Store.(store.Watcher)
	return w
}

// elsewhere names another service at which a user of the same pool and client is signed
// in; empty if there is none, none that the store can tell of, or if the client is one of one
// account.
func (b *bound) elsewhere(ctx context.Context) string {
	if b.account != "" {
		return ""
	}
	for _, scope := range append([]store.Scope{b.scope}, b.former...) {
		account, err := b.Store.Active(ctx, scope)
		if err != nil {
			continue
		}
		if record, err := b.Store.Load(ctx, account); err == nil && live(record) && !b.holds(scope, record) {
			return cognito.IssuerOf(record)
		}
	}
	lister, ok := b.Store.(store.ServiceLister)
	if !ok {
		return ""
	}
	services, err := lister.Services(ctx, b.scope.PoolID, b.scope.ClientID)
	if err != nil {
		return ""
	}
	for _, service := range services {
		known := func(s store.Scope) bool { return s.Service == service }
		if service != "" && service != b.scope.Service && !slices.ContainsFunc(b.former, known) {
			return service
		}
	}
	return ""
}
