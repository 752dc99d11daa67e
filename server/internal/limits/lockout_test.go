package limits_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const user = "us-east-1_Pool12345/ada"

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatal(...any)
}

func update(t failer, store storage.Store, change func(tx storage.Tx) error) {
	t.Helper()
	if err := store.Update(context.Background(), change); err != nil {
		t.Fatal(err)
	}
}

func begin(t failer, store storage.Store, l limits.Lockout, key string, now time.Time) (locked bool) {
	t.Helper()
	update(t, store, func(tx storage.Tx) (err error) {
		locked, err = l.Begin(tx, key, now)
		return err
	})
	return locked
}

func succeed(t failer, store storage.Store, l limits.Lockout, key string) {
	t.Helper()
	update(t, store, func(tx storage.Tx) error { return l.Succeed(tx, key) })
}

func withdraw(t failer, store storage.Store, l limits.Lockout, key string) {
	t.Helper()
	update(t, store, func(tx storage.Tx) error { return l.Withdraw(tx, key) })
}

// TestSchedule fails again and again, each time at the end of the lock, and
// compares with the table.
func TestSchedule(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/lockout-schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	var schedule struct {
		Cases []struct{ Failures, LockSeconds int }
	}
	if err := json.Unmarshal(text, &schedule); err != nil || len(schedule.Cases) != 21 {
		t.Fatalf("%d cases, %v", len(schedule.Cases), err)
	}
	store := memory.New()
	var lockout limits.Lockout
	now := time.Now()
	for _, row := range schedule.Cases {
		want := time.Duration(row.LockSeconds) * time.Second
		if got := lockout.Duration(row.Failures); got != want {
			t.Errorf("Duration(%d) = %v, want %v", row.Failures, got, want)
		}
		if row.Failures == 0 {
			continue
		}
		if begin(t, store, lockout, user, now) {
			t.Fatalf("attempt %d is refused at the end of the lock before", row.Failures)
		}
		if want > 0 {
			for _, inside := range []time.Duration{0, want / 2, want - time.Microsecond} {
				if !begin(t, store, lockout, user, now.Add(inside)) {
					t.Errorf("after %d failures: not locked %v later, want %v", row.Failures, inside, want)
				}
			}
		}
		now = now.Add(want)
	}
	if lockout.Duration(1<<30) != 15*time.Minute || lockout.Duration(-5) != 0 {
		t.Error("Duration of absurd counts")
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for name, test := range map[string]struct {
		failures int
		wait     time.Duration
		succeed  bool
		free     int // attempts that pass at once afterwards
	}{
		"four failures":                    {failures: 4, free: 1},
		"four failures, not quiet enough":  {failures: 4, wait: 15*time.Minute - time.Microsecond, free: 1},
		"four failures, quiet":             {failures: 4, wait: 15 * time.Minute, free: 5},
		"four failures, then a success":    {failures: 4, succeed: true, free: 5},
		"locked":                           {failures: 5, free: 0},
		"locked, success under way":        {failures: 5, succeed: true, free: 5},
		"lock over":                        {failures: 5, wait: time.Second, free: 1},
		"quiet, but not since the lock":    {failures: 5, wait: 15 * time.Minute, free: 1},
		"quiet since the lock":             {failures: 5, wait: 15*time.Minute + time.Second, free: 5},
		"clock put back by a year":         {failures: 5, wait: -365 * 24 * time.Hour, free: 1},
		"clock of a replica five min back": {failures: 5, wait: -5 * time.Minute, free: 0},
	} {
		store := memory.New()
		var lockout limits.Lockout
		for range test.failures {
			begin(t, store, lockout, user, start)
		}
		if test.succeed {
			succeed(t, store, lockout, user)
		}
		now, free := start.Add(test.wait), 0
		for free < 10 && !begin(t, store, lockout, user, now) {
			free++
		}
		if free != test.free {
			t.Errorf("%s: %d attempts pass, want %d", name, free, test.free)
		}
		if begin(t, store, lockout, user+"2", now) {
			t.Errorf("%s: another user is locked", name)
		}
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	store, now := memory.New(), time.Now()
	var lockout limits.Lockout
	for range 100 {
		if begin(t, store, lockout, user, now) {
			t.Fatal("attempts that were not checked lock the user")
		}
		withdraw(t, store, lockout, user)
	}
	for range 5 {
		begin(t, store, lockout, user, now)
	}
	withdraw(t, store, lockout, user)
	if begin(t, store, lockout, user, now) {
		t.Error("locked although one of five attempts was taken back")
	}
	if !begin(t, store, lockout, user, now) {
		t.Error("not locked after five attempts")
	}
	succeed(t, store, lockout, user)
	withdraw(t, store, lockout, user) // of an attempt that a success has forgotten
	for i := range 5 {
		if begin(t, store, lockout, user, now) {
			t.Errorf("locked after %d attempts", i)
		}
	}
	if !begin(t, store, lockout, user, now) {
		t.Error("taking back what was forgotten already gives an attempt for free")
	}
}

// TestCounterModel compares with a model that knows the rules in plain words.
func TestCounterModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		store := memory.New()
		var lockout limits.Lockout
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		failures, lockedUntil, last := 0, now, now
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 500, 1000, 2000, 60_000, 450_000, 900_000}).Draw(t, "ms")) * time.Millisecond)
			},
			"fail": func(t *rapid.T) {
				locked := begin(t, store, lockout, user, now)
				if want := now.Before(lockedUntil); locked != want {
					t.Fatalf("locked %v with %d failures, want %v", locked, failures, want)
				}
				if locked {
					return
				}
				if now.Sub(last) >= 15*time.Minute && now.Sub(lockedUntil) >= 15*time.Minute {
					failures = 0
				}
				failures++
				last, lockedUntil = now, now
				if failures >= 5 {
					lockedUntil = now.Add(min(time.Second<<min(failures-5, 20), 15*time.Minute))
				}
			},
			"succeed": func(t *rapid.T) {
				if begin(t, store, lockout, user, now) {
					return
				}
				succeed(t, store, lockout, user)
				failures, lockedUntil = 0, now
			},
		})
	})
}

// attack guesses a user's password from many sources for as long as ctx lasts,
// each with a pause between its guesses, and returns how many were looked at.
func attack(t *testing.T, ctx context.Context, store storage.Store, sources int, pause time.Duration) (evaluated int) {
	var lockout limits.Lockout
	var mu sync.Mutex
	var group sync.WaitGroup
	for range sources {
		group.Go(func() {
			for ctx.Err() == nil {
				locked, err := lockout.Admit(ctx, store, user, nil)
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				if err == nil && !locked {
					mu.Lock()
					evaluated++
					mu.Unlock()
				}
				time.Sleep(pause)
			}
		})
	}
	group.Wait()
	return evaluated
}

func TestAttackFromManySources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got := attack(t, ctx, store, 10, 10*time.Millisecond); got != 10 {
			t.Errorf("%d guesses were looked at in the first minute, want the 10 of the schedule", got)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		// The 11th at 63 s, to the 15th at 1023 s; from then on one every 15
		// minutes.
		if got := attack(t, ctx, store, 10, 10*time.Second); got < 97 || got > 100 {
			t.Errorf("%d more guesses were looked at in a day, want about 100", got)
		}
	})
}

// TestParallelGuesses starts all at one moment: those beyond the threshold must
// not slip through before the first has failed.
func TestParallelGuesses(t *testing.T) {
	t.Parallel()
	store := memory.New()
	var lockout limits.Lockout
	now := time.Now()
	results := make([]bool, 50)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = begin(t, store, lockout, user, now) })
	}
	group.Wait()
	admitted := 0
	for _, locked := range results {
		if !locked {
			admitted++
		}
	}
	if admitted != 5 {
		t.Errorf("%d of 50 parallel guesses were admitted, want 5", admitted)
	}
}

// TestConcurrentCorrectSignIns is a user with many devices that all start at
// once.
func TestConcurrentCorrectSignIns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var lockout limits.Lockout
		start := time.Now()
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				locked, err := lockout.Admit(t.Context(), store, user, nil)
				if err != nil || locked {
					t.Errorf("a correct sign-in is refused: locked %v, %v", locked, err)
					return
				}
				time.Sleep(10 * time.Millisecond) // the check
				succeed(t, store, lockout, user)
			})
		}
		group.Wait()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("100 sign-ins took %v", took)
		}
	})
}

func TestAdmitWaitsNoLongerThanSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var lockout limits.Lockout
		for range 10 { // the next lock is 32 s
			for begin(t, store, lockout, user, time.Now()) {
				time.Sleep(time.Second)
			}
		}
		for _, test := range []struct{ wait, want time.Duration }{
			{0, 500 * time.Millisecond}, {0, 0}, {10 * time.Second, 0},
		} {
			time.Sleep(test.wait)
			start := time.Now()
			locked, err := lockout.Admit(t.Context(), store, user, nil)
			if took := time.Since(start); err != nil || !locked || took != test.want {
				t.Errorf("Admit = %v, %v after %v, want locked after %v", locked, err, took, test.want)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var lockout limits.Lockout
		for range 5 {
			begin(t, store, lockout, user, time.Now())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := lockout.Admit(ctx, store, user, nil)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 50*time.Millisecond {
			t.Errorf("Admit: %v after %v, want its context's error at once", err, took)
		}
	})
}

func TestPruneBefore(t *testing.T) {
	t.Parallel()
	store := memory.New()
	var lockout limits.Lockout
	now := time.Now()
	for range 20 { // up to the longest lock
		if begin(t, store, lockout, user, now) {
			t.Fatal("locked at the end of a lock")
		}
		now = now.Add(lockout.Duration(20))
	}
	last := now.Add(-lockout.Duration(20))
	prune := func(at time.Time) (count int) {
		update(t, store, func(tx storage.Tx) (err error) {
			count, err = tx.Attempts.Prune(lockout.PruneBefore(at), 100)
			return err
		})
		return count
	}
	if prune(last.Add(30*time.Minute-time.Second)) != 0 {
		t.Error("a counter that still matters was pruned")
	}
	if prune(last.Add(30*time.Minute+time.Second)) != 1 {
		t.Error("a counter that means nothing any more was kept")
	}
}

func TestStorageFails(t *testing.T) {
	t.Parallel()
	store := memory.New()
	store.Close()
	var lockout limits.Lockout
	if _, err := lockout.Admit(t.Context(), store, user, nil); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Admit on a closed store: %v", err)
	}
}
