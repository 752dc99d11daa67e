package keys

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// externalTimeout bounds a call of a Signer, whatever the caller's context allows.
	externalTimeout = 5 * time.Second
	// maxAbandoned is how many calls that were given up may still run.
	maxAbandoned = 64
)

var (
	errNoAnswer  = fmt.Errorf("no answer within %v", externalTimeout)
	errAbandoned = fmt.Errorf("%d earlier calls have not returned", maxAbandoned)
)

// externalCalls bounds the calls of a Signer, which may ignore their contexts.
type externalCalls struct {
	slots     chan struct{} // taken while a call runs, also after it was given up
	abandoned atomic.Int64  // calls that were given up and still run
}

func newExternalCalls(workers int) *externalCalls {
	return &externalCalls{slots: make(chan struct{}, workers+maxAbandoned)}
}

// callSigner makes a call of a Signer on a separate goroutine. It returns when the call does,
// when ctx ends (with the error of ctx), or after externalTimeout. A panic of the call is an
// error. While maxAbandoned calls run that were given up, callSigner fails at once.
func callSigner[T any](ctx context.Context, c *externalCalls, call func(context.Context) (T, error)) (result T, err error) {
	if c.abandoned.Load() >= maxAbandoned {
		return result, errAbandoned
	}
	bounded, cancel := context.WithTimeoutCause(ctx, externalTimeout, errNoAnswer)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
	case <-bounded.Done():
		return result, gaveUp(ctx, bounded)
	}
	run := &externalRun[T]{calls: c, done: make(chan struct{})}
	go run.do(bounded, call)
	select {
	case <-run.done:
	case <-bounded.Done():
		if !run.abandon() {
			return result, gaveUp(ctx, bounded)
		}
	}
	if run.err != nil && bounded.Err() != nil {
		return result, gaveUp(ctx, bounded)
	}
	return run.result, run.err
}

// gaveUp is why a call was given up: the error of the caller's context, or the time limit.
func gaveUp(ctx, bounded context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(bounded), bounded.Err())
}

// externalRun is one call of a Signer.
type externalRun[T any] struct {
	calls  *externalCalls
	state  atomic.Int32
	done   chan struct{}
	result T // result and err are written before done is closed
	err    error
}

// States of an externalRun. The first of two parties to leave runRunning decides.
const (
	runRunning int32 = iota
	runReturned
	runAbandoned
)

func (r *externalRun[T]) do(ctx context.Context, call func(context.Context) (T, error)) {
	r.err = errors.New("the signer ended the goroutine of the call") // unless call returns or panics
	defer r.end()
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("the signer panicked: %v", p)
		}
	}()
	r.result, r.err = call(ctx)
}

// end frees what the call held.
func (r *externalRun[T]) end() {
	if !r.state.CompareAndSwap(runRunning, runReturned) {
		r.calls.abandoned.Add(-1)
	}
	<-r.calls.slots
	close(r.done)
}

// abandon gives the call up. It reports true if the call has returned meanwhile.
func (r *externalRun[T]) abandon() (returned bool) {
	r.calls.abandoned.Add(1)
	if r.state.CompareAndSwap(runRunning, runAbandoned) {
		return false
	}
	r.calls.abandoned.Add(-1)
	<-r.done
	return true
}
