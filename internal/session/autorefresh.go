package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
)

// Bounds of an automatic refresh.
const (
	// maxSleep is how long it sleeps at most before it looks at the wall clock: timers
	// stand still while a machine is suspended, and the wall clock does not.
	maxSleep = 30 * time.Second
	// leadShare is what part of the time between due and expiry it is ahead of, at most, so
	// that callers hardly ever find tokens that are due.
	leadShare = 4
	// restShare is what part of a life lies between two tries at least, whatever tokens the
	// service answers with.
	restShare = 20
)

// refreshers are the automatic refreshes in progress.
type refreshers struct {
	mu      sync.Mutex
	running map[*autoRefresh]struct{}
}

// wake has all of them look at the new state.
func (r *refreshers) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a := range r.running {
		select {
		case a.woken <- struct{}{}:
		default:
		}
	}
}

func (r *refreshers) add(a *autoRefresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = map[*autoRefresh]struct{}{}
	}
	r.running[a] = struct{}{}
}

func (r *refreshers) remove(a *autoRefresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, a)
}

// KeepFresh refreshes the active session a little before it is due, until ctx ends, stop
// is called, or Close. stop returns when no more refreshes will be begun.
func (e *Engine) KeepFresh(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &autoRefresh{e: e, woken: make(chan struct{}, 1)}
	done := make(chan struct{})
	e.keepers.add(a)
	release := context.AfterFunc(e.life.ctx, cancel)
	started := e.life.start(func() {
		defer close(done)
		defer e.keepers.remove(a)
		defer release()
		defer cancel()
		a.run(ctx)
	})
	if !started {
		e.keepers.remove(a)
		release()
		cancel()
		return func() {}, errClosed
	}
	return func() {
		cancel()
		<-done
	}, nil
}

// autoRefresh is one KeepFresh in progress. Its goroutine alone uses its schedules.
type autoRefresh struct {
	e     *Engine
	woken chan struct{} // has room for one; the session has changed

	tokens, credentials schedule
}

// run refreshes and sleeps until ctx ends.
func (a *autoRefresh) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := maxSleep
		_ = guard(a.e.log, func() error { pause = a.step(ctx); return nil })
		timer := time.NewTimer(min(pause, maxSleep))
		select {
		case <-timer.C:
		case <-a.woken:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// step renews what is due, and says when to look again. AWS credentials are kept fresh
// once a caller has asked for them.
func (a *autoRefresh) step(ctx context.Context) time.Duration {
	s, err := a.e.Ready(ctx)
	if err != nil {
		return maxSleep
	}
	now, pause := time.Now(), maxSleep
	if s.Live() {
		pause = a.tokens.refreshIfDue(s.epoch, s.user.Record.Tokens.ReceivedAt, &s.tokens, a.e.tokenBackoff.left(s.epoch, now), func(least time.Duration) {
			_, _ = a.e.Fetch(ctx, Want{TokensOnly: true, MinTokens: least})
		})
	}
	if s.hasIdentity && s.view.credentialsErr == nil {
		pause = min(pause, a.credentials.refreshIfDue(s.epoch, s.view.credentials.ReceivedAt, &s.credentials, a.e.credentialsBackoff.left(s.epoch, now), func(least time.Duration) {
			_, _ = a.e.Fetch(ctx, Want{CredentialsOnly: true, MinCredentials: least})
		}))
	}
	return pause
}

// schedule says when tokens or credentials are renewed.
type schedule struct {
	epoch uint64        // which session lead and rest are about
	came  time.Time     // and which of its tokens or credentials
	lead  time.Duration // how long before due it renews
	rest  time.Time     // before which it does not try again
}

// refreshIfDue renews what w is about if it is time to, and says when to look again. renew
// gets something that lasts longer than least, unless another renewal already has.
func (c *schedule) refreshIfDue(epoch uint64, came time.Time, w *expiry.Window, barred time.Duration, renew func(least time.Duration)) time.Duration {
	now := time.Now()
	c.reset(epoch, came, w)
	if wait := max(w.UntilDue(now)-c.lead, c.rest.Sub(now), barred); wait > 0 {
		return wait
	}
	rest := max(w.Life/restShare, firstBackoff)
	c.rest = now.Add(rest)
	renew(w.Left(now) + 1)
	return rest
}

// reset draws the lead anew for new tokens or credentials, and forgets the rest at a
// sign-in.
func (c *schedule) reset(epoch uint64, came time.Time, w *expiry.Window) {
	if c.epoch != epoch {
		c.rest = time.Time{}
	}
	if c.epoch != epoch || !c.came.Equal(came) {
		c.epoch, c.came, c.lead = epoch, came, 0
		// At least half of it, so that the call ends before they are due.
		if half := int64(w.Expiry-w.Due) / leadShare / 2; half > 0 {
			c.lead = time.Duration(half + rand.Int64N(half))
		}
	}
}
