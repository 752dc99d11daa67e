package store

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/latchkey-auth/latchkey/store/internal/keylock"
)

// Memory is a [Store], a [Locker], a [Watcher] and a [ServiceLister] that lives as
// long as the process and is shared by its goroutines: for servers, tests and
// programs that must leave nothing behind. It refuses what [Encode] refuses, so that
// a program that works on Memory works on a store that keeps bytes.
//
// The zero value is an empty store. Methods of a nil *Memory return an error.
type Memory struct {
	mu       sync.RWMutex // guards the maps; never held while waiting
	records  map[Account]Record
	active   map[Scope]Account
	watchers map[chan struct{}]Scope // each has room for one change
	locks    keylock.Group[Account]
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return new(Memory) }

var errNilMemory = errors.New("store: the *Memory is nil")

// usable returns an error if m is nil or ctx has ended.
func (m *Memory) usable(ctx context.Context) error {
	if m == nil {
		return errNilMemory
	}
	return ctx.Err()
}

// put sets a value of a map that the zero Memory does not have.
func put[K comparable, V any](values *map[K]V, key K, value V) {
	if *values == nil {
		*values = make(map[K]V)
	}
	(*values)[key] = value
}

// Load returns a copy of the account's record.
func (m *Memory) Load(ctx context.Context, account Account) (Record, error) {
	if err := m.usable(ctx); err != nil {
		return Record{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	record, ok := m.records[account]
	if !ok {
		return Record{}, ErrNotFound
	}
	return record.Clone(), nil
}

// Save keeps a copy of record; see [Store] for the rules.
func (m *Memory) Save(ctx context.Context, record Record, previous uint64) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	// Encoding costs some 20 µs, once per refresh, and is what keeps Memory as
	// strict as the rest.
	if _, err := Encode(record); err != nil {
		return err
	}
	record = record.Clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.records[record.Account].Generation // 0 if there is none
	if err := Admit(record.Generation, previous, kept); err != nil {
		return err
	}
	put(&m.records, record.Account, record)
	m.tell(record.Account.Scope)
	return nil
}

// Delete forgets the account's record, and the scope's pointer if it names the
// account.
func (m *Memory) Delete(ctx context.Context, account Account) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, account)
	if m.active[account.Scope] == account {
		delete(m.active, account.Scope)
	}
	m.tell(account.Scope)
	return nil
}

// List returns the scope's accounts that have a record.
func (m *Memory) List(ctx context.Context, scope Scope) ([]Account, error) {
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var accounts []Account
	for account := range maps.Keys(m.records) {
		if account.Scope == scope {
			accounts = append(accounts, account)
		}
	}
	SortAccounts(accounts)
	return accounts, nil
}

// Active returns the account that SetActive named last.
func (m *Memory) Active(ctx context.Context, scope Scope) (Account, error) {
	if err := m.usable(ctx); err != nil {
		return Account{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	account, ok := m.active[scope]
	if !ok {
		return Account{}, ErrNotFound
	}
	return account, nil
}

// SetActive moves the pointer of the account's scope.
func (m *Memory) SetActive(ctx context.Context, account Account) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	if _, err := EncodeAccount(account); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	put(&m.active, account.Scope, account)
	m.tell(account.Scope)
	return nil
}

// Services returns the services with a live session of a pool and client; see
// [ServiceLister].
func (m *Memory) Services(ctx context.Context, poolID, clientID string) ([]string, error) {
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var services []string
	for scope, account := range m.active {
		if scope.PoolID == poolID && scope.ClientID == clientID && m.records[account].Live() {
			services = append(services, scope.Service)
		}
	}
	slices.Sort(services)
	return services, nil
}

// Lock waits for the account's lock, in the order of arrival. It excludes the
// goroutines that share m; Memory has no other sharers.
func (m *Memory) Lock(ctx context.Context, account Account) (unlock func(), err error) {
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	return m.locks.Lock(ctx, account)
}

// Watch reports changes at once; see [Watcher]. It fails only when ctx ends.
func (m *Memory) Watch(ctx context.Context, scope Scope, changed func()) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	news := make(chan struct{}, 1)
	news <- struct{}{} // the first call
	m.mu.Lock()
	put(&m.watchers, news, scope)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, news)
	}()
	for ctx.Err() == nil {
		select {
		case <-news:
			changed()
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// tell wakes who watches the scope. m.mu is held.
func (m *Memory) tell(scope Scope) {
	for news, watched := range m.watchers {
		if watched != scope {
			continue
		}
		select {
		case news <- struct{}{}:
		default: // it has not looked since the change before
		}
	}
}

// SortAccounts puts accounts in the order that [Store.List] promises: by the
// bytes of their usernames, the guest first.
func SortAccounts(accounts []Account) {
	slices.SortFunc(accounts, func(a, b Account) int { return cmp.Compare(a.Username, b.Username) })
}
