package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// flightTime bounds one renewal, and one read of the store. It is long enough for
// three tries at a busy service, and what a caller without a deadline waits at most
// when the network swallows everything.
const flightTime = 10 * time.Second

// flightKind is what a flight does.
type flightKind uint8

const (
	loadFlight flightKind = iota
	tokensFlight
	credentialsFlight
)

// flightKey says what callers share: one read of the store, or one renewal of one
// account in one epoch. A new sign-in never waits for a renewal of the session before.
type flightKey struct {
	kind    flightKind
	account store.Account
	epoch   uint64
}

// flight is work that callers wait for together. It goes on when they stop waiting.
// Its fields are set before done is closed.
type flight struct {
	done    chan struct{}
	key     flightKey
	started time.Time
	err     error
	called  bool // the service was asked
}

// flights are the flights in progress.
type flights struct {
	life *lifecycle

	mu      sync.Mutex
	running map[flightKey]*flight
}

// join joins the flight of a key, or starts it. The work runs in its own goroutine
// with the caller's values but neither deadline nor cancellation. admit, which may be
// nil, can refuse a start.
func (g *flights) join(ctx context.Context, key flightKey, admit func() error, work func(context.Context, *flight)) (*flight, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.running[key]; f != nil {
		return f, nil
	}
	if admit != nil {
		if err := admit(); err != nil {
			return nil, err
		}
	}
	f := &flight{done: make(chan struct{}), key: key, started: time.Now()}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), flightTime, cognito.ErrTimeout)
	ended := false
	started := g.life.start(func() {
		defer cancel()
		defer func() {
			if !ended { // by a panic, or by runtime.Goexit of a store or a transport
				g.fail(f)
			}
			g.finish(f)
		}()
		work(ctx, f)
		ended = true
	})
	if !started {
		cancel()
		return nil, errClosed
	}
	g.running[key] = f
	return f, nil
}

// inProgress is the flight of a key; nil if there is none.
func (g *flights) inProgress(key flightKey) *flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[key]
}

// fail sets the error of a flight that a panic has ended, unless its outcome is known.
func (g *flights) fail(f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[f.key] == f {
		f.err = panicked()
	}
}

// finish lets the waiting callers go.
func (g *flights) finish(f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[f.key] == f {
		delete(g.running, f.key)
		close(f.done)
	}
}

// wait returns when the flight has ended, or the caller's context has. An ended context
// is an error in both cases, so that the result does not depend on which came first.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errMoved means that the state in hand is not the active session any more.
var errMoved = fault.New("", fault.SignedOut, "another sign-in or sign-out came between; call again")

func isMoved(err error) bool { return errors.Is(err, error(errMoved)) }
