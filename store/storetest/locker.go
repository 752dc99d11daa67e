package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// patience is far more than any store needs to notice that a context ended.
const patience = 5 * time.Second

// locker skips the test if the store lends no locks.
func locker(t *testing.T, s store.Store) store.Locker {
	t.Helper()
	l, ok := s.(store.Locker)
	if !ok {
		t.Skipf("%T is no store.Locker", s)
	}
	return l
}

// mustLock is Lock of a lock that is free or becomes so.
func mustLock(t testing.TB, l store.Locker, account store.Account) (unlock func()) {
	t.Helper()
	unlock, err := l.Lock(t.Context(), account)
	if err != nil {
		t.Fatalf("Lock(%q): %v", account.Username, err)
	}
	return unlock
}

// lockOnce takes the lock, lets go of it at once, and returns what Lock said.
func lockOnce(ctx context.Context, l store.Locker, account store.Account) error {
	unlock, err := l.Lock(ctx, account)
	if err == nil {
		unlock()
	}
	return err
}

// tryLock is lockOnce in a separate goroutine.
func tryLock(ctx context.Context, l store.Locker, account store.Account) <-chan error {
	said := make(chan error, 1)
	go func() { said <- lockOnce(ctx, l, account) }()
	return said
}

// checkNotHad wants that tryLock ended without the lock, and why. It returns what
// Lock said.
func checkNotHad(t testing.TB, said <-chan error, want error) error {
	t.Helper()
	select {
	case err := <-said:
		if !errors.Is(err, want) {
			t.Errorf("Lock: %v, want %v", err, want)
		}
		return err
	case <-time.After(patience):
		t.Errorf("Lock still waits %v after its context ended", patience)
		return nil
	}
}

// testLockExcludes tries a held lock, which always detects a lock without effect, and then
// acquires it from many goroutines, which detects one that sometimes fails.
func testLockExcludes(t *testing.T, s store.Store) {
	l := locker(t, s)
	unlock := mustLock(t, l, Account("alice"))
	said := make(chan error, 1)
	go func() { // the time begins here, or a busy machine could let it pass before anybody has asked
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		said <- lockOnce(ctx, l, Account("alice"))
	}()
	if err := checkNotHad(t, said, context.DeadlineExceeded); !errors.Is(err, store.ErrLockHeld) {
		t.Errorf("Lock of a held lock: %v, want ErrLockHeld", err)
	}
	unlock()

	var inside, sections atomic.Int64
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 5 {
				unlock, err := l.Lock(t.Context(), Account("alice"))
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				sections.Add(1)
				inside.Add(-1)
				unlock()
			}
		})
	}
	wait.Wait()
	if sections.Load() != 100 {
		t.Errorf("%d sections of 100 were run", sections.Load())
	}
}

// testLockContext wants Lock to heed its context, and locks of accounts to be
// apart.
func testLockContext(t *testing.T, s store.Store) {
	l := locker(t, s)
	alice, bob := Account("alice"), Account("bob")
	unlock := mustLock(t, l, alice)
	mustLock(t, l, bob)() // another account's lock is another lock

	ctx, cancel := context.WithCancel(t.Context())
	second := tryLock(ctx, l, alice)
	cancel()
	checkNotHad(t, second, context.Canceled)
	unlock()
	// Although it is free.
	if err := checkNotHad(t, tryLock(ctx, l, alice), context.Canceled); errors.Is(err, store.ErrLockHeld) {
		t.Errorf("Lock of a free lock under an ended context: %v, want no ErrLockHeld", err)
	}
	mustLock(t, l, alice)()
}

// testLockAndSave does what a program does that refreshes: everything, under
// the lock. Meanwhile another one signs the user out without it.
func testLockAndSave(t *testing.T, s store.Store) {
	l := locker(t, s)
	account := Account("alice")
	unlock := mustLock(t, l, account)
	defer unlock()
	mustSave(t, s, Sample(account, 1), 0)
	mustSave(t, s, Sample(account, 2), mustLoad(t, s, account).Generation)
	if err := s.SetActive(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), Sample(account, 3), 2); !errors.Is(err, store.ErrConflict) {
		t.Errorf("late Save: %v, want ErrConflict", err)
	}
}
