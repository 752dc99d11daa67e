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
		if s := c.current.Load(); s != nil && s.hot.Fresh(time.Now()) {
			return &s.session, nil
		}
	}
	return c.fetch(ctx, combine(options))
}

// maxRounds bounds how often a caller looks again after somebody else's refresh
// or sign-in came between. Each round waits for a different flight.
const maxRounds = 4

// FetchCredentials returns the AWS credentials alone, of the user, the guest or
// the session of another provider: while they are fresh at the price of a clock
// read, whatever the tokens' age, which are refreshed only if the identity pool has
// to be asked. Errors are those of the Credentials facet and of FetchSession. Of
// the options TokensOnly makes no sense here.
func (c *Client) FetchCredentials(ctx context.Context, options ...FetchOption) (Credentials, error) {
	if len(options) == 0 {
		if s := c.current.Load(); s != nil && s.purse.Fresh(time.Now()) {
			return s.session.credentials, nil
		}
	}
	want := combine(options)
	want.tokensOnly, want.credentialsOnly = false, true
	session, err := c.fetch(ctx, want)
	if err != nil {
		return Credentials{}, err
	}
	return session.Credentials()
}

// inquiry is one call of FetchSession that the hot path does not serve. What its
// caller is given is always taken from current after a wait, never from a flight
// itself: between the two somebody may have signed out, or signed in as another.
type inquiry struct {
	c     *Client
	want  FetchOption
	since time.Time
	round int
}

// fetch is the way of everybody whom the hot path does not serve: tokens first,
// then the identity pool, which is asked with them.
func (c *Client) fetch(ctx context.Context, want FetchOption) (*Session, error) {
	q := &inquiry{c: c, want: want, since: time.Now()}
	if want.credentialsOnly {
		s, err := c.ready(ctx)
		if err != nil {
			return nil, err
		}
		if s.needCredentials(time.Now(), want) != needNow {
			if session, again, err := q.wallet(ctx, s, nil); !again {
				return session, err
			}
		}
	}
	for {
		s, tokensErr, err := q.tokens(ctx)
		if err != nil {
			return nil, err
		}
		session, again, err := q.wallet(ctx, s, tokensErr)
		if !again {
			return session, err
		}
	}
}

// tokens sees to the tokens, and returns the session, and why its tokens could not
// be refreshed if they had to be.
func (q *inquiry) tokens(ctx context.Context) (s *snapshot, tokensErr, err error) {
	for {
		q.round++
		if s, err = q.c.ready(ctx); err != nil {
			return nil, nil, err
		}
		// After another round, what came since the call began is new enough.
		if !s.live() || q.round > 1 && q.want.force && !s.record.Tokens.ReceivedAt.Before(q.since.Round(0)) {
			return s, nil, nil
		}
		switch s.need(time.Now(), q.want) {
		case needNothing:
			return s, nil, nil
		case needSoon:
			_, _ = q.c.join(ctx, s, FetchOption{}) // its outcome is for later callers
			return s, nil, nil
		}
		f, err := q.c.join(ctx, s, q.want)
		if errors.Is(err, errMoved) && q.round < maxRounds {
			continue
		}
		if err != nil {
			return s, err, nil
		}
		if err := f.wait(ctx); err != nil {
			return nil, nil, err
		}
		if now := q.c.current.Load(); now == nil || now.epoch != f.epoch {
			if q.round < maxRounds {
				continue // somebody signed in or out meanwhile: start over
			}
			return s, errMoved, nil
		} else if f.err != nil && now.live() {
			return now, f.err, nil
		} else if f.err != nil || f.called || q.round >= maxRounds {
			return now, nil, nil // as good as the service gives, or over
		}
	}
}

// wallet sees to the identity pool's facets of a session whose tokens were seen
// to. again means that it is not the active session any more.
func (q *inquiry) wallet(ctx context.Context, s *snapshot, tokensErr error) (session *Session, again bool, err error) {
	if q.want.tokensOnly {
		return s.answer(q.want, tokensErr, nil), false, nil
	}
	for ; ; q.round++ {
		switch s.needCredentials(time.Now(), q.want) {
		case needNothing:
			return s.answer(q.want, tokensErr, nil), false, nil
		case needSoon:
			if tokensErr == nil {
				_, _ = q.c.joinVending(ctx, s, FetchOption{}, true) // its outcome is for later callers
			}
			return s.answer(q.want, tokensErr, nil), false, nil
		}
		if tokensErr != nil {
			return s.answer(q.want, tokensErr, tokensErr), false, nil // there is nothing to ask with
		}
		f, err := q.c.joinVending(ctx, s, q.want, false)
		if errors.Is(err, errMoved) && q.round < maxRounds {
			return nil, true, nil
		}
		if err != nil {
			return s.answer(q.want, nil, err), false, nil
		}
		if err := f.wait(ctx); err != nil {
			return nil, false, err
		}
		now := q.c.current.Load()
		switch {
		case now == nil || now.epoch != f.epoch || now.holder().Account != s.holder().Account || errors.Is(f.err, errMoved):
			if q.round < maxRounds {
				return nil, true, nil
			}
			return s.answer(q.want, nil, errMoved), false, nil
		case f.err != nil:
			return now.answer(q.want, nil, f.err), false, nil
		case q.satisfied(f, now) || q.round >= maxRounds:
			return now.answer(FetchOption{}, nil, nil), false, nil // as good as the pool gives
		}
		s = now
	}
}

// satisfied reports whether a flight did what the caller asked for. To insist is to
// want credentials that were asked for with the tokens at hand.
func (q *inquiry) satisfied(f *flight, now *snapshot) bool {
	return f.called && (!q.want.force || !now.live() || !f.started.Round(0).Before(now.record.Tokens.ReceivedAt)) ||
		q.want.force && !now.session.credentials.ReceivedAt.Before(q.since.Round(0))
}

// errMoved means that the snapshot in hand is not the active session any more.
var errMoved = fault("FetchSession", ErrSignedOut, "another sign-in or sign-out came between; call again")

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
