package latchkey

import (
	"context"
	"math/rand/v2"
	"time"
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
// also in another process. Without Keep, a session that is not used is not
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

	epoch, generation uint64        // which session lead and rest are about
	lead              time.Duration // how long before due it refreshes
	rest              time.Time     // before which it does not try again
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

// step refreshes the session if it is time to, and says when to look again.
func (k *keeper) step(ctx context.Context) time.Duration {
	s, err := k.c.ready(ctx)
	if err != nil || !s.live() {
		return napTime
	}
	now := time.Now()
	k.meet(s)
	if wait := max(s.clock.untilDue(now)-k.lead, k.rest.Sub(now), k.c.barredFor(now)); wait > 0 {
		return wait
	}
	rest := max(s.clock.life/restShare, firstBackoff)
	k.rest = now.Add(rest)
	// Tokens that last longer than these: that is to refresh them, unless
	// somebody else already has.
	_, _ = k.c.fetch(ctx, FetchOption{tokensOnly: true, minimum: s.clock.left(now) + 1})
	return rest
}

// meet draws the lead anew for each record, and forgets its rest at a sign-in.
func (k *keeper) meet(s *snapshot) {
	if k.epoch != s.epoch {
		k.rest = time.Time{}
	}
	if k.epoch != s.epoch || k.generation != s.record.Generation {
		k.epoch, k.generation, k.lead = s.epoch, s.record.Generation, 0
		if most := int64(s.clock.expiry-s.clock.due) / leadShare; most > 0 {
			k.lead = time.Duration(rand.Int64N(most))
		}
	}
}

// barredFor is how long trouble keeps refreshes from being tried.
func (c *Client) barredFor(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble.err == nil {
		return 0
	}
	return c.trouble.until.Sub(now)
}
