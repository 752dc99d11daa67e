package amplifystore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/internal/keylock"
)

// Store keeps sessions in a [KeyValue]. It is a [store.Store] and a
// [store.Locker]. Goroutines share one Store; processes may share the storage if
// it is a [Locker]. Make it with [New]; methods of a nil *Store, of the zero value
// and of a Store over a nil storage return an error.
type Store struct {
	kv       KeyValue
	prefix   string
	patience time.Duration
	// locks are taken before those of the storage, so that a process waits there
	// but once.
	locks keylock.Group[string]
}

// Option changes how a [Store] works.
type Option struct{ apply func(*Store) }

// WithKeyPrefix puts prefix before every key, such as "@MemoryStorage:" for what
// Amplify keeps in React Native's AsyncStorage.
func WithKeyPrefix(prefix string) Option { return Option{func(s *Store) { s.prefix = prefix }} }

// WithPatience sets for how long Load waits for JavaScript to complete a session
// that it seems to be writing. The default is a quarter of a second; 0 is not at all.
func WithPatience(patience time.Duration) Option {
	return Option{func(s *Store) { s.patience = patience }}
}

const (
	defaultPatience = 250 * time.Millisecond
	pause           = 25 * time.Millisecond // between two looks
	looks           = 8                     // at keys that change under Load's eyes
)

// New returns a store over kv. It reads and writes nothing yet.
func New(kv KeyValue, options ...Option) *Store {
	s := &Store{kv: kv, patience: defaultPatience}
	for _, option := range options {
		if option.apply != nil {
			option.apply(s)
		}
	}
	return s
}

var errNoStorage = errors.New("amplifystore: the Store has no storage; make it with New")

// usable returns an error if s has no storage or ctx has ended.
func (s *Store) usable(ctx context.Context) error {
	if s == nil || s.kv == nil {
		return errNoStorage
	}
	return ctx.Err()
}

// Load reads an account's record. What JavaScript changed, and what a crash cut
// off, is taken in; see the package's documentation. Errors: store.ErrNotFound,
// [*store.DamagedError], [*store.SchemaError], and the storage's own.
func (s *Store) Load(ctx context.Context, account store.Account) (store.Record, error) {
	if err := s.usable(ctx); err != nil {
		return store.Record{}, err
	}
	st, err := s.look(ctx, account)
	if err == nil && (st.err != nil || st.moved || st.unfinished()) {
		st, err = s.settle(ctx, account)
	}
	switch {
	case err != nil:
		return store.Record{}, err
	case st.err != nil:
		return store.Record{}, st.err
	case !st.kept:
		return store.Record{}, store.ErrNotFound
	}
	return st.record, nil
}

// settle looks again with the lock, when no other Go program is writing, until
// it sees the same twice. It waits for JavaScript to complete a session, and
// writes down what it found.
func (s *Store) settle(ctx context.Context, account store.Account) (state, error) {
	unlock, err := s.exclude(ctx, account.Scope)
	if err != nil {
		return state{}, err
	}
	defer unlock()
	st, err := s.look(ctx, account)
	deadline := time.Now().Add(s.patience)
	for range looks {
		for err == nil && st.underWay() && time.Now().Before(deadline) {
			if err = sleep(ctx, pause); err == nil {
				st, err = s.look(ctx, account)
			}
		}
		if err != nil || st.err != nil || !st.moved {
			break
		}
		before := st
		if st, err = s.look(ctx, account); err == nil && st.text == before.text && st.found.same(before.found) {
			break
		}
	}
	if err != nil {
		return state{}, err
	}
	// What was read is right whether or not it can be written down: the same keys
	// give the same generation next time.
	if st.unfinished() {
		_ = s.complete(ctx, account, st)
	} else if st.moved {
		_ = s.adopt(ctx, account, st)
	}
	return st, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lock waits for the account's lock. It excludes the goroutines that share s, and
// every program if the storage is a [Locker]; JavaScript it cannot hold off.
func (s *Store) Lock(ctx context.Context, account store.Account) (unlock func(), err error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	return s.lock(ctx, s.ownKey(account)+".refresh")
}

// exclude locks the scope's keys against other writers. It is a different lock than Lock's,
// so that a holder of Lock can save.
func (s *Store) exclude(ctx context.Context, scope store.Scope) (unlock func(), err error) {
	// Scopes of one client id share Amplify's keys.
	return s.lock(ctx, s.key(escape(scope.ClientID), "write"))
}

func (s *Store) lock(ctx context.Context, name string) (unlock func(), err error) {
	inner, err := s.locks.Lock(ctx, name)
	if err != nil {
		return nil, err
	}
	locker, ok := s.kv.(Locker)
	if !ok {
		return inner, nil
	}
	outer, err := locker.Lock(ctx, name)
	if err != nil {
		inner()
		return nil, err
	}
	return func() { outer(); inner() }, nil
}

// List gives the accounts of a scope that have a record, also one that cannot be
// read. JavaScript's user is among them if LastAuthUser names it, or Load has
// seen it.
func (s *Store) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	p, err := s.readPointer(ctx, scope)
	if err != nil {
		return nil, err
	}
	if p.err != nil {
		return nil, p.err
	}
	names := p.index.Usernames
	if p.last != "" {
		names = append(slices.Clone(names), p.last)
	}
	slices.Sort(names)
	var accounts []store.Account
	for _, name := range slices.Compact(names) {
		account := store.Account{Scope: scope, Username: name}
		st, err := s.look(ctx, account)
		if err != nil {
			return nil, err
		}
		if st.kept || st.err != nil {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// ServiceBlind reports true: Amplify's keys do not name the service.
func (s *Store) ServiceBlind() bool { return true }
