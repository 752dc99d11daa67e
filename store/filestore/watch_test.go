package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// watched watches the scope of storetest.Account and returns the calls.
func watched(t *testing.T, s *Store) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	calls, done := make(chan struct{}, 100), make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, storetest.Account("").Scope, func() { calls <- struct{}{} })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v", err)
		}
	})
	for range 2 { // the beginning, told twice
		told(t, calls)
	}
	return calls
}

func told(t *testing.T, calls <-chan struct{}) {
	t.Helper()
	select {
	case <-calls:
	case <-time.After(5 * time.Second):
		t.Fatal("Watch told nothing")
	}
}

// TestWatchFolder: the folder need not be there yet, may be removed, and may be
// made again. Another Store makes the changes.
func TestWatchFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sessions")
	s, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	calls := watched(t, s)
	for range 2 {
		if err := other.Save(t.Context(), storetest.Sample(storetest.Account("alice"), 1), 0); err != nil {
			t.Fatal(err)
		}
		told(t, calls)
		told(t, calls) // once more, see Watch
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		told(t, calls)
		told(t, calls)
	}
}

// TestWatchTellsNothing: locks, and what other scopes do, are no changes.
func TestWatchTellsNothing(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	alice := storetest.Account("alice")
	if err := s.Save(t.Context(), storetest.Sample(alice, 1), 0); err != nil {
		t.Fatal(err)
	}
	calls := watched(t, s)
	unlock, err := s.Lock(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	stranger := store.Account{Scope: store.Scope{PoolID: alice.PoolID, ClientID: "another"}, Username: "alice"}
	if err := errors.Join(s.Save(t.Context(), storetest.Sample(stranger, 1), 0), s.SetActive(t.Context(), stranger)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	select {
	case <-calls:
		t.Error("told of a change although there was none")
	case <-time.After(3 * watchPause):
	}
}

// TestWatchRefuses: what is no folder is reported, not watched.
func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Watch(t.Context(), store.Scope{}, func() { t.Error("changed was called") }); err == nil {
		t.Error("Watch of a plain file returned nil")
	}
}

// BenchmarkLook is what Watch costs, four times a second.
func BenchmarkLook(b *testing.B) {
	for _, accounts := range []int{1, 10} {
		b.Run(fmt.Sprint(accounts, " accounts"), func(b *testing.B) {
			s, err := New(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			for i := range accounts {
				if err := s.Save(b.Context(), storetest.Sample(storetest.Account(fmt.Sprint("user", i)), 1), 0); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if seen, err := s.look(storetest.Account("").Scope); err != nil || len(seen) != accounts {
					b.Fatalf("%d files, %v", len(seen), err)
				}
			}
		})
	}
}
