package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

var errDisk = errors.New("no space left on device")

// scriptedStore is a memory store whose accesses can be made to fail or wait. A nil
// function leaves them as they are.
type scriptedStore struct {
	*store.Memory
	load func(store.Account) error
	save func(store.Record) error
	// loads and saves count the calls.
	mu           sync.Mutex
	loads, saves int
}

func newScriptedStore() *scriptedStore { return &scriptedStore{Memory: store.NewMemory()} }

func (s *scriptedStore) Load(ctx context.Context, account store.Account) (store.Record, error) {
	s.mu.Lock()
	s.loads++
	load := s.load
	s.mu.Unlock()
	if load != nil {
		if err := load(account); err != nil {
			return store.Record{}, err
		}
	}
	return s.Memory.Load(ctx, account)
}

func (s *scriptedStore) Save(ctx context.Context, r store.Record, previous uint64) error {
	s.mu.Lock()
	s.saves++
	save := s.save
	s.mu.Unlock()
	if save != nil {
		if err := save(r); err != nil {
			return err
		}
	}
	return s.Memory.Save(ctx, r, previous)
}

// set changes what accesses do while others are in progress.
func (s *scriptedStore) set(load func(store.Account) error, save func(store.Record) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.save = load, save
}

// count is the number of loads and saves since the last count.
func (s *scriptedStore) count() (loads, saves int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loads, saves = s.loads, s.saves
	s.loads, s.saves = 0, 0
	return loads, saves
}

func always(err error) func(store.Record) error   { return func(store.Record) error { return err } }
func loading(err error) func(store.Account) error { return func(store.Account) error { return err } }

// newRecords are Records over a store and an owner without a state.
func newRecords(t *testing.T, kept store.Store) *Records {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	life := newLifecycle(log)
	t.Cleanup(life.close)
	return &Records{
		store: &bound{Store: kept, scope: testScope}, scope: testScope, owner: &Owner{wake: func() {}}, life: life, log: log, healing: newTurn(),
	}
}

var alice = store.Account{Scope: testScope, Username: "alice"}

// blockingStore is a store whose saves wait for their context to end.
type blockingStore struct{ *store.Memory }

func (*blockingStore) Save(ctx context.Context, _ store.Record, _ uint64) error {
	<-ctx.Done()
	return ctx.Err()
}

// brokenStore is a store that cannot be written at all.
type brokenStore struct{ *scriptedStore }

func (*brokenStore) Delete(context.Context, store.Account) error { return errDisk }
