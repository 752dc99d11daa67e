package latchkey

import (
	"context"
	"errors"
	"time"
)

// FetchSession returns the session: from memory while tokens are fresh, which
// takes a clock read, no lock and no allocation. Tokens that are due but have
// not expired are handed out while one refresh runs behind them. Only for
// expired tokens, ForceRefresh and MinValidity does a caller wait, and no longer
// than its context lasts; the refresh itself goes on, for up to ten seconds.
//
// Being signed out, offline or refused is not an error of FetchSession but of
// the facets concerned; see [Session]. It fails with ErrStore when the stored
// session cannot be read, with ErrClosed after Close, and with the context's
// error when the caller stopped waiting. A record that is damaged is reported
// once; the store has set it aside, and the next call finds nobody signed in.
func (c *Client) FetchSession(ctx context.Context, options ...FetchOption) (*Session, error) {
	if len(options) == 0 {
		if s := c.current.Load(); s != nil && s.clock.fresh(time.Now()) {
			return &s.session, nil
		}
	}
	return c.fetch(ctx, combine(options))
}

// maxRounds bounds how often a caller looks again after somebody else's refresh
// or sign-in came between. Each round waits for a different flight.
const maxRounds = 4

// fetch is the way of everybody whom the hot path does not serve. What a caller
// is given is always taken from current after the wait, never from the flight
// itself: between the two somebody may have signed out, or signed in as another.
func (c *Client) fetch(ctx context.Context, want FetchOption) (*Session, error) {
	since := time.Now()
	for round := 1; ; round++ {
		s, err := c.ready(ctx)
		if err != nil {
			return nil, err
		}
		// After another round, what came since the call began is new enough.
		if !s.live() || round > 1 && want.force && !s.record.Tokens.ReceivedAt.Before(since.Round(0)) {
			return &s.session, nil
		}
		switch s.need(time.Now(), want) {
		case needNothing:
			return &s.session, nil
		case needSoon:
			_, _ = c.join(ctx, s, FetchOption{}) // its outcome is for later callers
			return &s.session, nil
		}
		f, err := c.join(ctx, s, want)
		if errors.Is(err, errMoved) && round < maxRounds {
			continue
		}
		if err != nil {
			return s.failed(err), nil
		}
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if now := c.current.Load(); now == nil || now.epoch != f.epoch {
			if round < maxRounds {
				continue // somebody signed in or out meanwhile: start over
			}
			return s.failed(errMoved), nil
		} else if f.err != nil {
			return now.failedUnlessEnded(f.err), nil
		} else if f.called || round == maxRounds {
			return &now.session, nil // as good as the service gives
		}
	}
}

// errMoved means that the snapshot in hand is not the active session any more.
var errMoved = fault("FetchSession", ErrSignedOut, "another sign-in or sign-out came between; call again")

// failedUnlessEnded is failed, unless the failure was the session's end, which
// all facets tell then.
func (s *snapshot) failedUnlessEnded(err error) *Session {
	if !s.live() {
		return &s.session
	}
	return s.failed(err)
}

// join joins the refresh of a session, or starts one if nothing bars it.
func (c *Client) join(ctx context.Context, s *snapshot, want FetchOption) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.epoch != c.epoch {
		return nil, errMoved
	}
	key := flightKey{account: s.record.Account, epoch: s.epoch}
	if c.flights[key] == nil && c.trouble.bars(time.Now(), want.force) {
		return nil, c.trouble.err
	}
	return c.takeOffLocked(ctx, key, func(ctx context.Context, f *flight) { c.refresh(ctx, key, f, want) })
}
