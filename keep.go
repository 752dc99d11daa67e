package latchkey

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
)

// Bounds of a keeper.
const (
	// napTime is how long a keeper sleeps at most before it looks at the wall
	// clock: timers stand still while a machine is suspended, and it does not.
	napTime = 30 * time.Second
	// leadShare is what part of the time between due and expiry a keeper is ahead
	// of, at most, so that callers hardly ever find tokens that are due.
	leadShare = 4
	// restShare is what part of the tokens' life lies between two tries of a
	// keeper at least, whatever tokens the service answers with.
	restShare = 20
)

// Keep keeps the active session fresh though nobody calls [Client.FetchSession]:
// it refreshes a little before Config.RefreshAhead, each time a little differently,
// within 30 seconds after a suspended machine wakes, and after failures less and
// less often, as callers do. While nobody is signed in it waits for somebody,
// also in another process. AWS credentials are kept fresh in the same way, once
// somebody has asked for them, guests' too. Without Keep, a session that is not used is not
// refreshed, and ends when its refresh token does.
//
// Keep returns at once. It ends when ctx does, when stop is called, or with
// Close; stop returns when no more refreshes will be begun, and may be called more
// than once. A refresh under way goes on.
func (c *Client) Keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	k := &keeper{c: c, wake: make(chan struct{}, 1)}
	done := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		cancel()
		return cancel
	}
	c.keepers[k] = struct{}{}
	release := context.AfterFunc(c.life, cancel)
	c.work.Go(func() {
		defer close(done)
		defer release()
		defer cancel()
		k.run(ctx)
	})
	return func() {
		cancel()
		<-done
	}
}

// keeper is one Keep under way. Its goroutine alone uses what it remembers.
type keeper struct {
	c    *Client
	wake chan struct{} // has room for one; the session has changed

	tokens, wallet chore
}

// chore is one of the two things that a keeper looks after.
type chore struct {
	epoch uint64        // which session lead and rest are about
	came  time.Time     // and which of its tokens or credentials
	lead  time.Duration // how long before due it renews
	rest  time.Time     // before which it does not try again
}

// poke wakes the keepers. c.mu is held.
func (c *Client) poke() {
	for k := range c.keepers {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// run looks, refreshes and sleeps until ctx ends.
func (k *keeper) run(ctx context.Context) {
	defer func() {
		k.c.mu.Lock()
		defer k.c.mu.Unlock()
		delete(k.c.keepers, k)
	}()
	for ctx.Err() == nil {
		timer := time.NewTimer(min(k.step(ctx), napTime))
		select {
		case <-timer.C:
		case <-k.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// step renews what it is time to renew, and says when to look again. AWS
// credentials are kept fresh once somebody has asked for them.
func (k *keeper) step(ctx context.Context) time.Duration {
	s, err := k.c.ready(ctx)
	if err != nil {
		return napTime
	}
	now, nap := time.Now(), napTime
	if s.live() {
		nap = k.tokens.tend(s.epoch, s.record.Tokens.ReceivedAt, &s.clock, k.c.barredFor(&k.c.trouble, now), func(least time.Duration) {
			_, _ = k.c.fetch(ctx, FetchOption{tokensOnly: true, minimum: least})
		})
	}
	if s.asks && s.session.credentialsErr == nil {
		nap = min(nap, k.wallet.tend(s.epoch, s.session.credentials.ReceivedAt, &s.wallet, k.c.barredFor(&k.c.drought, now), func(least time.Duration) {
			_, _ = k.c.fetch(ctx, FetchOption{credentialsOnly: true, least: least})
		}))
	}
	return nap
}

// tend renews what w is about if it is time to, and says when to look again. renew
// is to get something that lasts longer than least, unless somebody else already
// has.
func (j *chore) tend(epoch uint64, came time.Time, w *freshness.Window, barred time.Duration, renew func(least time.Duration)) time.Duration {
	now := time.Now()
	j.meet(epoch, came, w)
	if wait := max(w.UntilDue(now)-j.lead, j.rest.Sub(now), barred); wait > 0 {
		return wait
	}
	rest := max(w.Life/restShare, firstBackoff)
	j.rest = now.Add(rest)
	renew(w.Left(now) + 1)
	return rest
}

// meet draws the lead anew for whatever came, and forgets its rest at a sign-in.
func (j *chore) meet(epoch uint64, came time.Time, w *freshness.Window) {
	if j.epoch != epoch {
		j.rest = time.Time{}
	}
	if j.epoch != epoch || !j.came.Equal(came) {
		j.epoch, j.came, j.lead = epoch, came, 0
		if most := int64(w.Expiry-w.Due) / leadShare; most > 0 {
			j.lead = time.Duration(rand.Int64N(most))
		}
	}
}

// barredFor is how long trouble keeps renewals from being tried.
func (c *Client) barredFor(t *trouble, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.err == nil {
		return 0
	}
	return t.until.Sub(now)
}
