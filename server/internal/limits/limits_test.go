package limits_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
)

func TestLimiterRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := &limits.Limiter{PerSecond: 5, Burst: 10}
		source := netip.MustParseAddr("192.0.2.1")
		passed := func(seconds int) (count int) {
			for range seconds * 100 {
				if limiter.Allow(source) {
					count++
				}
				time.Sleep(10 * time.Millisecond)
			}
			return count
		}
		if got := passed(10); got < 58 || got > 60 {
			t.Errorf("%d of 1000 requests passed in 10 s, want a burst of 10 and 5 a second", got)
		}
		time.Sleep(time.Hour)
		if got := passed(1); got < 14 || got > 15 {
			t.Errorf("%d requests passed after an hour of rest, want 15", got)
		}
	})
}

func TestLimiterSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a second of real time would fill a bucket
		for _, test := range []struct {
			a, b string
			same bool
		}{
			{"192.0.2.1", "192.0.2.1", true},
			{"192.0.2.1", "192.0.2.2", false},
			{"192.0.2.1", "::ffff:192.0.2.1", true},
			{"2001:db8::1", "2001:db8::2", true},
			{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
			{"2001:db8::1", "2001:db8:0:1::1", false},
			{"fe80::1%eth0", "fe80::2%eth1", true},
			{"127.0.0.1", "::1", false},
		} {
			limiter := &limits.Limiter{PerSecond: 1, Burst: 1}
			if !limiter.Allow(netip.MustParseAddr(test.a)) {
				t.Fatalf("the first request of %s is refused", test.a)
			}
			if got := !limiter.Allow(netip.MustParseAddr(test.b)); got != test.same {
				t.Errorf("%s and %s are one source: %v, want %v", test.a, test.b, got, test.same)
			}
		}
		limiter := &limits.Limiter{PerSecond: 1, Burst: 1}
		if !limiter.Allow(netip.Addr{}) || limiter.Allow(netip.Addr{}) {
			t.Error("requests without an address are not limited together")
		}
		if !limiter.AllowName("ada") || limiter.AllowName("ada") || !limiter.AllowName("bob") {
			t.Error("names are not limited each for itself")
		}
		var off limits.Limiter
		for range 1000 {
			if !off.AllowName("ada") {
				t.Fatal("the zero Limiter refuses")
			}
		}
		rounded := &limits.Limiter{PerSecond: 1.5}
		for i, want := range []bool{true, true, false} {
			if got := rounded.AllowName("ada"); got != want {
				t.Errorf("call %d at 1.5 a second: %v; the default burst is 2", i+1, got)
			}
		}
	})
}

// TestLimiterIsBounded has more sources than rows.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := &limits.Limiter{PerSecond: 1, Burst: 2, Sources: 10}
		for i := range 10 {
			limiter.AllowName(fmt.Sprint(i))
		}
		// The table is full of active sources: a hundred new ones share one
		// bucket.
		passed := 0
		for i := range 100 {
			if limiter.AllowName(fmt.Sprint("new", i)) {
				passed++
			}
		}
		if passed != 2 {
			t.Errorf("%d requests of sources without a row passed, want 2", passed)
		}
		if !limiter.AllowName("3") || limiter.AllowName("3") {
			t.Error("a source with a row lost its bucket")
		}
		// All have recovered but the one seen last: it keeps its row.
		time.Sleep(1500 * time.Millisecond)
		for i := range 9 {
			if !limiter.AllowName(fmt.Sprint("late", i)) {
				t.Errorf("new source %d is refused though an old one has recovered", i)
			}
		}
		if !limiter.AllowName("3") || limiter.AllowName("3") {
			t.Error("a source that had not recovered was forgotten")
		}
	})
}

func TestLimiterConcurrentUse(t *testing.T) {
	t.Parallel()
	limiter := &limits.Limiter{PerSecond: 1e-9, Burst: 100, Sources: 4}
	var passed atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if limiter.AllowName("ada") {
					passed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if passed.Load() != 100 {
		t.Errorf("%d of 800 requests passed, want the burst of 100", passed.Load())
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := limits.NewGate(2, 3)
		var running, most, served, busy int
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				leave, err := gate.Enter(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					if !errors.Is(err, limits.ErrBusy) || leave != nil {
						t.Errorf("Enter: %v", err)
					}
					busy++
					return
				}
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(2 * time.Millisecond)
				mu.Lock()
				running--
				served++
				leave()
				leave() // changes nothing
			})
		}
		group.Wait()
		if most != 2 || served != 5 || busy != 15 {
			t.Errorf("at most %d at once, %d served, %d refused; want 2, 5 and 15", most, served, busy)
		}
		for range 2 { // all places are free again, and no more than there were
			if _, err := gate.Enter(t.Context()); err != nil {
				t.Error(err)
			}
		}
		for range 10 { // more than the queue is long
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := gate.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Enter with all places taken: %v, want its context's error", err)
			}
			if _, err := gate.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Enter after its context ended: %v", err)
			}
			cancel()
		}
	})
}

func TestGateWithoutQueue(t *testing.T) {
	t.Parallel()
	gate := limits.NewGate(1, 0)
	leave, err := gate.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Enter(t.Context()); !errors.Is(err, limits.ErrBusy) {
		t.Errorf("Enter: %v, want ErrBusy", err)
	}
	leave()
	if _, err := gate.Enter(t.Context()); err != nil {
		t.Errorf("Enter after leave: %v", err)
	}
	if _, err := limits.NewGate(0, -1).Enter(t.Context()); err != nil {
		t.Errorf("Enter of a default gate: %v", err)
	}
}

func BenchmarkLimiter(b *testing.B) {
	limiter := &limits.Limiter{PerSecond: 1e9}
	source := netip.MustParseAddr("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		limiter.Allow(source)
	}
}

func BenchmarkGate(b *testing.B) {
	gate := limits.NewGate(2, 10)
	b.ReportAllocs()
	for b.Loop() {
		leave, err := gate.Enter(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		leave()
	}
}
