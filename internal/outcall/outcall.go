// Package outcall calls code of the program that embeds the service. Such code may block,
// ignore its context or panic.
package outcall

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// MaxAbandoned is the number of calls that were given up and may still run, for each Calls.
const MaxAbandoned = 64

var errAbandoned = fmt.Errorf("%d earlier calls have not returned", MaxAbandoned)

// Calls bounds the calls of one part of the program. It is safe for concurrent use.
type Calls struct {
	what      string
	timeout   time.Duration
	noAnswer  error
	slots     chan struct{} // taken while a call runs, also after it was given up
	abandoned atomic.Int64  // calls that were given up and still run
}

// New returns a Calls for a part that errors name by what, such as "the signer". At most
// concurrent calls run at once, besides those that were given up. A call takes at most timeout,
// whatever its context allows; zero is no such limit.
func New(what string, concurrent int, timeout time.Duration) *Calls {
	return &Calls{
		what: what, timeout: timeout, noAnswer: fmt.Errorf("no answer within %v", timeout),
		slots: make(chan struct{}, concurrent+MaxAbandoned),
	}
}

// Do runs call on a separate goroutine. It returns when call does, when ctx ends (with the error
// of ctx), or after the time limit. A panic of call is an error. While MaxAbandoned calls run
// that were given up, Do fails at once.
func Do[T any](ctx context.Context, c *Calls, call func(context.Context) (T, error)) (result T, err error) {
	if c.abandoned.Load() >= MaxAbandoned {
		return result, errAbandoned
	}
	bounded, cancel := c.bound(ctx)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
	case <-bounded.Done():
		return result, gaveUp(ctx, bounded)
	}
	r := &run[T]{calls: c, done: make(chan struct{})}
	go r.do(bounded, call)
	select {
	case <-r.done:
	case <-bounded.Done():
		if !r.abandon() {
			return result, gaveUp(ctx, bounded)
		}
	}
	return r.result, r.err
}

// bound returns ctx with the time limit.
func (c *Calls) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.timeout, c.noAnswer)
}

// gaveUp returns the error of the caller's context, or that of the time limit.
func gaveUp(ctx, bounded context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(bounded), bounded.Err())
}

// run is one call.
type run[T any] struct {
	calls  *Calls
	state  atomic.Int32
	done   chan struct{}
	result T // result and err are written before done is closed
	err    error
}

// States of a run. Of call and caller, the first to change it from running decides.
const (
	running int32 = iota
	returned
	abandoned
)

func (r *run[T]) do(ctx context.Context, call func(context.Context) (T, error)) {
	r.err = errors.New(r.calls.what + " ended the goroutine of the call") // unless call returns or panics
	defer r.end()
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("%s panicked: %v", r.calls.what, p)
		}
	}()
	r.result, r.err = call(ctx)
}

// end frees what the call held.
func (r *run[T]) end() {
	if !r.state.CompareAndSwap(running, returned) {
		r.calls.abandoned.Add(-1)
	}
	<-r.calls.slots
	close(r.done)
}

// abandon gives the call up. It reports true if the call has returned meanwhile.
func (r *run[T]) abandon() (hasReturned bool) {
	r.calls.abandoned.Add(1)
	if r.state.CompareAndSwap(running, abandoned) {
		return false
	}
	r.calls.abandoned.Add(-1)
	<-r.done
	return true
}
