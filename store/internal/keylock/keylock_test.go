package keylock

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExcludesPerKey(t *testing.T) {
	t.Parallel()
	var group Group[string]
	counts := map[string]*int{"a": new(int), "b": new(int)}
	var wait sync.WaitGroup
	for key, count := range counts {
		for range 50 {
			wait.Go(func() {
				for range 20 {
					unlock, err := group.Lock(t.Context(), key)
					if err != nil {
						t.Error(err)
						return
					}
					*count++ // the race detector watches this line
					unlock()
				}
			})
		}
	}
	wait.Wait()
	for key, count := range counts {
		if *count != 1000 {
			t.Errorf("key %s: %d sections of 1000 were counted", key, *count)
		}
	}
	if len(group.locks) != 0 {
		t.Errorf("%d locks are still kept", len(group.locks))
	}
}

func TestOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var group Group[int]
		unlock, err := group.Lock(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 5 {
			go func() {
				unlock, err := group.Lock(t.Context(), 1)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				unlock()
			}()
			synctest.Wait()
		}
		unlock()
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("order of locking %v, want that of arrival", order)
			}
		}
		if len(order) != 5 {
			t.Fatalf("%d of 5 waiters got the lock", len(order))
		}
	})
}

func TestContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var group Group[int]
		unlock, err := group.Lock(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := group.Lock(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrHeld) {
			t.Errorf("waiting past the deadline: %v", err)
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %v, want a minute", waited)
		}
		if _, err := group.Lock(ctx, 2); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrHeld) {
			t.Errorf("free lock under an ended context: %v", err)
		}
		unlock()
		unlock() // does nothing
		again, err := group.Lock(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		again()
		if len(group.locks) != 0 {
			t.Errorf("%d locks are still kept", len(group.locks))
		}
	})
}
