// Package memory keeps the service's state in memory, for tests, for trying
// things out and for servers whose users may all sign in again after a restart.
//
// The whole state is one immutable value: a set of ordered trees that share
// what did not change. View reads the newest one without a lock, however long
// it takes, and never waits for Update nor holds it up. Update works on its own
// copy and publishes it when the closure returns nil; the copy of a closure that fails is
// discarded. Entities are copied
// on the way in and on the way out, so callers may change what they hold.
package memory

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

var (
	errReadOnly = errors.New("memory: View does not change anything: use Update")
	errOver     = errors.New("memory: transaction used after its closure returned")
)

// Store is a storage.Store in memory. It is safe for concurrent use.
type Store struct {
	state  atomic.Pointer[state]
	writer chan struct{} // holds a token while a change runs

	mu      sync.Mutex // orders enter and Close
	closed  bool
	running sync.WaitGroup
}

var _ storage.Store = (*Store)(nil)

// state is everything at one moment. Trees hold pointers to entities that are
// never changed again.
type state struct {
	pools          tree[*storage.Pool]
	clients        tree[*storage.Client]
	poolClients    tree[struct{}] // pool, client
	domains        tree[*storage.Domain]
	poolDomains    tree[struct{}] // pool, domain
	resources      tree[*storage.ResourceServer]
	providers      tree[*storage.IdentityProvider]
	brandings      tree[*storage.Branding] // pool, client
	users          tree[*storage.User]
	logins         tree[string]   // pool, login: sub
	userValues     tree[struct{}] // pool, name and value, sub
	groups         tree[*storage.Group]
	members        tree[struct{}] // pool, group, sub
	memberships    tree[struct{}] // pool, sub, group
	sessions       tree[*storage.Session]
	userSession    tree[struct{}]           // pool, sub, session
	revocations    tree[storage.Revocation] // pool, number in 16 hex digits
	userEntries    tree[int64]              // pool, sub, number or "": number
	feeds          tree[bounds]
	identityPools  tree[*storage.IdentityPool]
	identities     tree[*storage.Identity]
	poolIdentities tree[struct{}] // pool, identity
	identityLogins tree[string]   // pool, provider, subject: identity
	keys           tree[*storage.Key]
	attempts       tree[storage.Attempt]
	codes          tree[*storage.Code]           // pool, sub, purpose
	former         tree[*storage.FormerPassword] // pool, sub, epoch
	spent          tree[time.Time]
	properties     tree[[]byte]
}

// tx is the transaction of one closure. In Update, state is a copy.
type tx struct {
	state
	writes bool
	over   atomic.Bool // atomic: the mistake it catches is use by another goroutine
}

// New returns an empty Store.
func New() *Store {
	s := &Store{writer: make(chan struct{}, 1)}
	s.state.Store(new(state))
	return s
}

// View runs read on the state at the moment of the call. Changes through the
// transaction are refused. It returns read's error, ctx's when ctx has ended
// already, or storage.ErrClosed.
func (s *Store) View(ctx context.Context, read func(storage.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	t := &tx{state: *s.state.Load()}
	defer t.over.Store(true)
	return read(t.tables())
}

// Update runs change alone on a copy of the state and publishes the copy when
// change returns nil. It waits for its turn until ctx ends. A panic in change
// is returned as an error and changes nothing.
func (s *Store) Update(ctx context.Context, change func(storage.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writer }()

	t := &tx{state: *s.state.Load(), writes: true}
	if err := t.run(change); err != nil {
		return err
	}
	next := t.state
	s.state.Store(&next)
	return nil
}

// Close ends the Store after the closures that are running or waiting for their
// turn; later calls fail with storage.ErrClosed. What it held is gone.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	s.state.Store(new(state))
	return nil
}

// enter counts a closure in, unless the Store is closed or ctx has ended.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.ErrClosed
	}
	s.running.Add(1)
	return nil
}

func (t *tx) run(change func(storage.Tx) error) (err error) {
	defer t.over.Store(true)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("memory: change panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return change(t.tables())
}

func (t *tx) tables() storage.Tx {
	return storage.Tx{
		Pools:         pools{t},
		Clients:       clients{t},
		Domains:       domains{t},
		Resources:     resources{t},
		Providers:     providers{t},
		Brandings:     brandings{t},
		Users:         users{t},
		Groups:        groups{t},
		Members:       members{t},
		Sessions:      sessions{t},
		Revocations:   revocations{t},
		IdentityPools: identityPools{t},
		Identities:    identities{t},
		Guests:        guests{t},
		Keys:          keys{t},
		Attempts:      attempts{t},
		Codes:         codes{t},
		History:       history{t},
		Spent:         spent{t},
		Properties:    properties{t},
	}
}

// reads reports why the transaction cannot be read, if it cannot.
func (t *tx) reads() error {
	if t.over.Load() {
		return errOver
	}
	return nil
}

// changes reports why the transaction cannot be changed, if it cannot.
func (t *tx) changes() error {
	if t.over.Load() {
		return errOver
	}
	if !t.writes {
		return errReadOnly
	}
	return nil
}

func notFound(what string, keys ...any) error {
	return fmt.Errorf("%w: %s %q", storage.ErrNotFound, what, keys)
}

func exists(what string, keys ...any) error {
	return fmt.Errorf("%w: %s %q", storage.ErrExists, what, keys)
}

// micros brings t to what every backend keeps: UTC, microseconds.
func micros(t time.Time) time.Time {
	return time.UnixMicro(t.UnixMicro()).UTC()
}
