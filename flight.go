package latchkey

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// flightKey says what callers share: one read of the store, or one refresh of
// tokens or of AWS credentials of one account in one epoch. A session that was signed in anew never waits for
// the refresh of the one before.
type flightKey struct {
	load    bool
	wallet  bool // the identity pool is asked; else the user pool
	account store.Account
	epoch   uint64
}

// flight is work that callers wait for together. It goes on when they stop
// waiting. Its fields are set before done is closed.
type flight struct {
	done    chan struct{}
	epoch   uint64
	started time.Time
	err     error
	called  bool // the service was asked
}

// flightTime bounds one refresh, and one read of the store. It is long enough
// for three tries at a busy service, and what a caller without a deadline waits
// at most when the network swallows everything.
const flightTime = 10 * time.Second

// errClosed is what everything answers after Close.
var errClosed = fault("Client", ErrClosed, "make another one with New")

// takeOff joins the flight of a key, or starts it. The work runs in a goroutine
// of its own, with the caller's values but neither its deadline nor its
// cancellation: a caller who gives up takes nothing from the others.
func (c *Client) takeOff(ctx context.Context, key flightKey, work func(context.Context, *flight)) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeOffLocked(ctx, key, work)
}

// takeOffLocked is takeOff for callers that hold c.mu, because they have to look
// at something else in the same moment.
func (c *Client) takeOffLocked(ctx context.Context, key flightKey, work func(context.Context, *flight)) (*flight, error) {
	if f := c.flights[key]; f != nil {
		return f, nil
	}
	if c.closed {
		return nil, errClosed
	}
	f := &flight{done: make(chan struct{}), epoch: c.epoch, started: time.Now()}
	c.flights[key] = f
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), flightTime, errTimeout)
	c.work.Go(func() {
		defer cancel()
		defer c.land(key, f) // also if a store or a transport ends the goroutine
		work(ctx, f)
	})
	return f, nil
}

// land lets the waiting callers go. Work may have done so before.
func (c *Client) land(key flightKey, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
		close(f.done)
	}
}

// wait returns when the flight has landed, or the caller's context has ended. An ended
// context is an error in both cases, so that the result does not depend on which came first.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// trouble is what keeps refreshes from being tried again too soon.
type trouble struct {
	failures int
	until    time.Time
	asked    bool // the service asked to wait
	err      error
}

// A client that finds the service down asks again after a second, and then less
// and less often, up to once a minute.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// backoff is the pause after a number of failures, less up to a quarter, so that
// the clients of a service that comes back do not come back all at once.
func backoff(failures int) time.Duration {
	pause := min(firstBackoff<<min(failures, 6), lastBackoff)
	return pause - time.Duration(rand.Int64N(int64(pause/4)))
}

// add notes a failure and reports whether it is a new one.
func (t *trouble) add(err error, wait time.Duration, now time.Time) (changed bool) {
	changed = t.err == nil || verdictOf(t.err).class != verdictOf(err).class
	pause := backoff(t.failures)
	t.failures++
	t.err, t.asked = err, wait > 0
	t.until = now.Add(max(pause, wait))
	return changed
}

// bars reports whether a refresh has to wait. A caller who insists may try
// before a pause is over, unless it was the service that asked for the pause.
func (t *trouble) bars(now time.Time, force bool) bool {
	return t.err != nil && now.Before(t.until) && (t.asked || !force)
}
