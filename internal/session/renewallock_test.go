package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// lockingStore is a memory store with locks of its own.
type lockingStore struct {
	*store.Memory
	lock func(ctx context.Context) (func(), error)
}

func (s *lockingStore) Lock(ctx context.Context, _ store.Account) (func(), error) { return s.lock(ctx) }

// TestRenewalLocks checks what a renewal does about the lock.
func TestRenewalLocks(t *testing.T) {
	t.Parallel()
	waiting := func(d time.Duration) func(context.Context) (func(), error) {
		return func(ctx context.Context) (func(), error) {
			if !sleep(ctx, d) {
				return nil, ctx.Err()
			}
			return func() {}, nil
		}
	}
	failing := func(err error) func(context.Context) (func(), error) {
		return func(context.Context) (func(), error) { return nil, err }
	}
	for name, test := range map[string]struct {
		lock   func(context.Context) (func(), error)
		behind bool
		steps  int
		err    error
		hint   string
		took   time.Duration
	}{
		"free":                        {waiting(0), false, 2, nil, "", 0},
		"free, no caller waits":       {waiting(0), true, 2, nil, "", 0},
		"held for a while":            {waiting(9 * time.Second), false, 2, nil, "", 9 * time.Second},
		"held, no caller waits":       {waiting(9 * time.Second), true, 0, nil, "", aheadLock},
		"held for ever":               {waiting(time.Hour), false, 0, fault.Store, "", flightTime},
		"held by another program":     {failing(fmt.Errorf("a: %w", store.ErrLockHeld)), false, 0, store.ErrLockHeld, "another program is holding it", 0},
		"no locks":                    {failing(store.ErrNoLocks), false, 0, store.ErrNoLocks, "on a file system with locks", 0},
		"no locks, no caller waits":   {failing(store.ErrNoLocks), true, 0, store.ErrNoLocks, "on a file system with locks", 0},
		"fails":                       {failing(errDisk), false, 0, errDisk, "", 0},
		"panics":                      {func(context.Context) (func(), error) { panic("a mistake") }, false, 0, errPanic, "", 0},
		"panics, and no caller waits": {func(context.Context) (func(), error) { panic("a mistake") }, true, 0, errPanic, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				m := newMachine(t, &lockingStore{store.NewMemory(), test.lock})
				j := &scriptedJob{answers: []error{nil}, during: func(ctx context.Context) {
					end, _ := ctx.Deadline()
					left = time.Until(end)
				}}
				began := time.Now()
				f := m.renew(t, j, test.behind)
				if len(j.steps) != test.steps || !errors.Is(f.err, test.err) || (f.err == nil) != (test.err == nil) {
					t.Errorf("%s: %v after %v, want %v", name, f.err, j.steps, test.err)
				}
				if test.err != nil && (!errors.Is(f.err, fault.Store) || !strings.Contains(fault.Find(f.err).Hint, test.hint)) {
					t.Errorf("%s: %v", name, f.err)
				}
				if took := time.Since(began); took != test.took {
					t.Errorf("%s: took %v, want %v", name, took, test.took)
				}
				if test.steps > 0 && left != flightTime {
					t.Errorf("%s: the call has %v, want all of %v", name, left, flightTime)
				}
			})
		})
	}
}

// TestRenewalFinishesBeforeItRevokes checks that callers do not wait for the revocation of
// a token that came too late.
func TestRenewalFinishesBeforeItRevokes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, store.NewMemory())
		var once sync.Once
		gate := make(chan struct{})
		m.revoke = func(context.Context, store.Account, store.Secret) { once.Do(func() { <-gate }) }
		f := m.renew(t, &scriptedJob{answers: []error{nil}, made: outcome{orphan: store.NewSecret("r")}}, false)
		if unlock, err := m.records.lock(t.Context(), alice); err != nil || m.flights.inProgress(f.key) != nil {
			t.Errorf("the lock or the flight is held during the revocation: %v", err)
		} else {
			unlock()
		}
		close(gate)
	})
}
