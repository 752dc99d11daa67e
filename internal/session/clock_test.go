package session

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// moveWallClock makes the engine find that the wall clock has moved and the monotonic
// one has not, which no test can do to the machine.
func moveWallClock(e *Engine, by time.Duration) {
	e.owner.revise(func(now *State) change {
		s := copyOf(now)
		s.tokens.DueWall -= int64(by)
		s.tokens.ExpiryWall -= int64(by)
		updateFreshness(s)
		return change{state: s}
	})
}

// TestKeepFreshAfterSuspend checks a machine that sleeps: the wall clock alone moves.
// Within half a minute after it wakes the session is fresh again, by one refresh.
func TestKeepFreshAfterSuspend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &testPool{}
		e := signedIn(t, p, store.NewMemory())
		stop, err := e.KeepFresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		time.Sleep(10 * time.Minute)
		moveWallClock(e, 8*time.Hour)
		time.Sleep(maxSleep + time.Second)
		if !e.Current().TokensFresh(time.Now()) || p.count() != 1 {
			t.Errorf("fresh %t, %d refreshes", e.Current().TokensFresh(time.Now()), p.count())
		}
		time.Sleep(40 * time.Minute)
		if got := p.count(); got != 1 {
			t.Errorf("%d refreshes, want 1", got)
		}
	})
}

// TestWallClockJumps checks a wall clock that is set while the process runs: it costs
// one refresh at most, and no session.
func TestWallClockJumps(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, jump := range map[string]time.Duration{
		"a day ahead": day, "a day back": -day, "to 2100": 100 * 365 * day, "to 1970": -30 * 365 * day, "eight hours of sleep": 8 * time.Hour,
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", kept fresh ", kept), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { checkJump(t, jump, kept) })
			})
		}
	}
}

func checkJump(t *testing.T, jump time.Duration, kept bool) {
	p := &testPool{}
	e := signedIn(t, p, store.NewMemory())
	var mu sync.Mutex
	var seen []EventKind
	if _, err := e.Subscribe(Subscription{Call: func(ev Event) { mu.Lock(); defer mu.Unlock(); seen = append(seen, ev.Kind) }}); err != nil {
		t.Fatal(err)
	}
	if kept {
		stop, err := e.KeepFresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
	}
	time.Sleep(time.Minute)
	moveWallClock(e, jump)
	for range 40 {
		wantTokens(t, e, Want{})
		time.Sleep(time.Minute)
	}
	if got := p.count(); got > 1 {
		t.Errorf("%d refreshes, want one at most", got)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, kind := range seen {
		if kind != Refreshed {
			t.Errorf("event %d", kind)
		}
	}
}
