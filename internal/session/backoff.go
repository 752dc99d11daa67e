package session

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
)

// A client that finds the service down asks again after a second, and then less and
// less often, up to once a minute.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// pauseAfter is the pause after a number of failures, less up to a quarter, so that
// the clients of a service that recovers do not come back all at once.
func pauseAfter(failures int) time.Duration {
	pause := min(firstBackoff<<min(failures, 6), lastBackoff)
	return pause - time.Duration(rand.Int64N(int64(pause/4)))
}

// backoff keeps renewals from being tried again too soon. It is about one epoch: what
// failed for another login does not count.
type backoff struct {
	mu       sync.Mutex
	epoch    uint64
	failures int
	until    time.Time
	asked    bool // the service asked to wait
	err      error
}

// add notes a failure and reports whether it is of another class than the one before.
func (b *backoff) add(epoch uint64, err error, now time.Time) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enter(epoch)
	f := fault.Find(err)
	changed = b.err == nil || fault.Find(b.err).Class != f.Class
	pause := pauseAfter(b.failures)
	b.failures++
	b.err, b.asked = err, f.RetryAfter > 0
	b.until = now.Add(max(pause, f.RetryAfter))
	return changed
}

// reset forgets all failures.
func (b *backoff) reset(epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch >= b.epoch {
		b.enter(epoch + 1)
		b.epoch = epoch
	}
}

// enter forgets what was noted for an earlier epoch. b.mu is held.
func (b *backoff) enter(epoch uint64) {
	if epoch > b.epoch {
		b.epoch, b.failures, b.until, b.asked, b.err = epoch, 0, time.Time{}, false, nil
	}
}

// bars returns the error of the last failure while a renewal has to wait. A caller who
// insists may try before the pause is over, unless the service asked for it.
func (b *backoff) bars(epoch uint64, now time.Time, force bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enter(epoch)
	if b.err != nil && now.Before(b.until) && (b.asked || !force) {
		return b.err
	}
	return nil
}

// left is how long renewals have to wait.
func (b *backoff) left(epoch uint64, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enter(epoch)
	if b.err == nil {
		return 0
	}
	return b.until.Sub(now)
}
