package limits

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// ErrBusy means that a [Gate] has all its places and its queue taken. The
// request was not begun, and answers TooManyRequestsException.
var ErrBusy = errors.New("policy: too much work at once; try again later")

// Gate bounds how many goroutines do expensive work at once, such as the
// exponentiations of SRP, and how many wait for their turn. Beyond that it
// refuses at once: a queue that only grows answers everybody too late. It is
// safe for concurrent use.
type Gate struct {
	places   chan struct{} // taken by who works
	admitted chan struct{} // taken by who works or waits
}

// NewGate returns a Gate that lets concurrent goroutines work, default
// GOMAXPROCS for 0 or less, while at most queue others wait, in their order.
func NewGate(concurrent, queue int) *Gate {
	if concurrent <= 0 {
		concurrent = runtime.GOMAXPROCS(0)
	}
	return &Gate{
		places:   make(chan struct{}, concurrent),
		admitted: make(chan struct{}, concurrent+max(queue, 0)),
	}
}

// Enter waits for a place and returns the function that gives it back, which
// may be called more than once. It fails with [ErrBusy] when the queue is full,
// and with ctx's error when ctx ends first; then leave is nil.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case g.admitted <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case g.places <- struct{}{}:
		return sync.OnceFunc(g.leave), nil
	case <-ctx.Done():
		<-g.admitted
		return nil, ctx.Err()
	}
}

// leave frees the place before the admission, so that there is always a place
// or a seat in the queue for whoever is admitted.
func (g *Gate) leave() {
	<-g.places
	<-g.admitted
}
