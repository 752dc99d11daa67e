package outcall_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/outcall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOwn = errors.New("no")

// TestDoReturnsWhatTheCallReturns passes results and errors through, with and without a limit.
func TestDoReturnsWhatTheCallReturns(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, time.Minute} {
		calls := outcall.New("the part", 1, timeout)
		for range 3 * outcall.MaxAbandoned {
			if n, err := outcall.Do(t.Context(), calls, func(context.Context) (int, error) { return 7, nil }); n != 7 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			if _, err := outcall.Do(t.Context(), calls, func(context.Context) (int, error) { return 0, errOwn }); err != errOwn {
				t.Fatalf("error %v, want the call's", err)
			}
			if _, err := outcall.Do(t.Context(), calls, func(context.Context) (int, error) { panic("oops") }); err == nil || err.Error() != "the part panicked: oops" {
				t.Fatalf("a panic: %v", err)
			}
		}
	}
}

// TestDoWithoutLimit waits for as long as the context allows.
func TestDoWithoutLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := outcall.New("the part", 1, 0)
		if _, err := outcall.Do(t.Context(), calls, func(context.Context) (int, error) { time.Sleep(time.Hour); return 0, nil }); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := outcall.Do(ctx, calls, func(context.Context) (int, error) { time.Sleep(2 * time.Hour); return 0, nil }); err != context.DeadlineExceeded {
			t.Errorf("error %v, want the context's", err)
		}
		time.Sleep(time.Hour)
	})
}

// TestDoWaitsForItsTurn runs no more calls at once than the bound, besides those given up, and
// returns the context's error to a caller whose turn does not come.
func TestDoWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound = 3 + outcall.MaxAbandoned
		calls, release := outcall.New("the part", 3, 0), make(chan struct{})
		var callers sync.WaitGroup
		for range bound {
			callers.Go(func() {
				outcall.Do(t.Context(), calls, func(context.Context) (int, error) { <-release; return 0, nil })
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ran := false
		if _, err := outcall.Do(ctx, calls, func(context.Context) (int, error) { ran = true; return 0, nil }); err != context.DeadlineExceeded || ran {
			t.Errorf("a call beyond the bound: %v, ran: %t", err, ran)
		}
		close(release)
		callers.Wait()
	})
}

// TestDoCountsCallsThatReturnInTime makes calls that return when their contexts end. They do not
// count as calls that have not returned.
func TestDoCountsCallsThatReturnInTime(t *testing.T) {
	t.Parallel()
	calls := outcall.New("the part", 1, 0)
	for range 20_000 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := outcall.Do(ctx, calls, func(context.Context) (int, error) { cancel(); return 0, nil })
		if err != nil && err != context.Canceled {
			t.Fatal(err)
		}
	}
}

// TestDoFreesEveryCall makes calls that return, block and are given up at random moments. In the
// end all places are free again.
func TestDoFreesEveryCall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ends := rapid.SliceOfN(rapid.IntRange(0, 12), 1, 100).Draw(rt, "ends of contexts")
		lasts := rapid.SliceOfN(rapid.IntRange(0, 12), len(ends), len(ends)).Draw(rt, "durations of calls")
		synctest.Test(t, func(t *testing.T) {
			calls := outcall.New("the part", 2, 10*time.Millisecond)
			var callers sync.WaitGroup
			for i := range ends {
				callers.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ends[i])*time.Millisecond)
					defer cancel()
					start := time.Now()
					_, err := outcall.Do(ctx, calls, func(context.Context) (int, error) {
						time.Sleep(time.Duration(lasts[i]) * time.Millisecond)
						return 0, nil
					})
					if took := time.Since(start); took > 10*time.Millisecond || err == nil && took < time.Duration(lasts[i])*time.Millisecond {
						t.Errorf("a call of %d ms took %v: %v", lasts[i], took, err)
					}
				})
			}
			callers.Wait()
			time.Sleep(time.Second)
			release := make(chan struct{})
			for range 2 + outcall.MaxAbandoned {
				callers.Go(func() {
					if _, err := outcall.Do(t.Context(), calls, func(context.Context) (int, error) { <-release; return 0, nil }); err != nil && !strings.Contains(err.Error(), "no answer") {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			close(release)
			callers.Wait()
		})
	})
}
