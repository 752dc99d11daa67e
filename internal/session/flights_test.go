package session

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

func newFlights() (*flights, *lifecycle) {
	life := newLifecycle(slog.New(slog.DiscardHandler))
	return &flights{life: life, running: map[flightKey]*flight{}}, life
}

// TestFlightsAreShared checks that callers of one key wait for one piece of work, that
// other keys have work of their own, and that work which has ended is not joined.
func TestFlightsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, life := newFlights()
		defer life.close()
		var runs atomic.Int32
		gate := make(chan struct{})
		work := func(context.Context, *flight) { runs.Add(1); <-gate }
		key := flightKey{kind: tokensFlight, account: store.Account{Username: "alice"}, epoch: 1}
		var waited atomic.Int32
		for range 20 {
			go func() {
				f, err := g.join(t.Context(), key, nil, work)
				if err == nil && f.wait(t.Context()) == nil {
					waited.Add(1)
				}
			}()
		}
		synctest.Wait()
		if runs.Load() != 1 || waited.Load() != 0 || g.inProgress(key) == nil {
			t.Fatalf("%d runs, %d callers returned early", runs.Load(), waited.Load())
		}
		for _, other := range []flightKey{
			{credentialsFlight, key.account, 1}, {tokensFlight, store.Account{Username: "bob"}, 1}, {tokensFlight, key.account, 2},
		} {
			if _, err := g.join(t.Context(), other, nil, work); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if runs.Load() != 4 {
			t.Errorf("%d runs for four keys", runs.Load())
		}
		close(gate)
		synctest.Wait()
		if waited.Load() != 20 || g.inProgress(key) != nil {
			t.Errorf("%d callers returned, in progress %t", waited.Load(), g.inProgress(key) != nil)
		}
		if _, err := g.join(t.Context(), key, nil, work); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if runs.Load() != 5 {
			t.Errorf("%d runs, want another after the first has ended", runs.Load())
		}
	})
}

// TestFlightOutlivesItsCaller checks the context of the work: it has the caller's values
// and a deadline of its own, and the end of the caller's does not reach it.
func TestFlightOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, life := newFlights()
		defer life.close()
		type valueKey struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), valueKey{}, "trace"))
		began, value := time.Now(), any(nil)
		f, err := g.join(ctx, flightKey{}, nil, func(ctx context.Context, f *flight) {
			value = ctx.Value(valueKey{})
			<-ctx.Done()
			f.err = context.Cause(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := f.wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller's wait: %v", err)
		}
		if err := f.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(f.err, cognito.ErrTimeout) || time.Since(began) != flightTime || value != "trace" {
			t.Errorf("%v after %v with the value %v", f.err, time.Since(began), value)
		}
	})
}

// TestFlightsAdmit checks that admit refuses only a start, and never those who join.
func TestFlightsAdmit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, life := newFlights()
		refuse := func() error { return errDown }
		gate := make(chan struct{})
		work := func(context.Context, *flight) { <-gate }
		if _, err := g.join(t.Context(), flightKey{}, refuse, work); !errors.Is(err, errDown) {
			t.Errorf("a start that is refused: %v", err)
		}
		first, err := g.join(t.Context(), flightKey{}, nil, work)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := g.join(t.Context(), flightKey{}, refuse, work); err != nil || second != first {
			t.Errorf("joining the one in progress: %v", err)
		}
		close(gate)
		life.close()
		if _, err := g.join(t.Context(), flightKey{}, nil, work); !errors.Is(err, fault.Closed) || g.inProgress(flightKey{}) != nil {
			t.Errorf("after close: %v", err)
		}
	})
}

// TestFlightEndsByPanic checks work that panics or calls runtime.Goexit: its callers get
// an error, and the next caller starts anew. An outcome that was made known before stays.
func TestFlightEndsByPanic(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		work func(g *flights, f *flight)
		want error
	}{
		"panic":             {func(*flights, *flight) { panic("a mistake") }, errPanic},
		"Goexit":            {func(*flights, *flight) { runtime.Goexit() }, errPanic},
		"panic after it":    {func(g *flights, f *flight) { g.finish(f); panic("a mistake") }, nil},
		"Goexit after it":   {func(g *flights, f *flight) { f.err = errDown; g.finish(f); runtime.Goexit() }, errDown},
		"finished twice":    {func(g *flights, f *flight) { g.finish(f) }, nil},
		"an error, a panic": {func(_ *flights, f *flight) { f.err = errDown; panic("a mistake") }, errPanic},
	} {
		g, life := newFlights()
		f, err := g.join(t.Context(), flightKey{}, nil, func(_ context.Context, f *flight) { test.work(g, f) })
		if err != nil {
			t.Fatal(err)
		}
		if err := f.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		life.close()
		if !errors.Is(f.err, test.want) || g.inProgress(flightKey{}) != nil {
			t.Errorf("%s: %v, want %v", name, f.err, test.want)
		}
	}
}
