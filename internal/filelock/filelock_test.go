package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/filelock"
)

// TestAcquire checks that one holder at a time has the lock.
func TestAcquire(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	var holders, most int
	var mu sync.Mutex
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		holders += by
		most = max(most, holders)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			unlock, err := filelock.Acquire(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			count(1)
			count(-1)
			unlock()
		})
	}
	group.Wait()
	if most != 1 {
		t.Errorf("%d holders at once", most)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the lock file: %v", err)
	}
}

// TestAcquireFails checks the end of the wait and places where no lock file can be.
func TestAcquireFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.lock")
	unlock, err := filelock.Acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := filelock.Acquire(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("held: %v", err)
	}
	if _, err := filelock.Acquire(t.Context(), folder); err == nil {
		t.Error("a folder was locked")
	}
	if _, err := filelock.Acquire(t.Context(), filepath.Join(folder, "missing", "x.lock")); err == nil {
		t.Error("a lock in a missing folder")
	}
}
