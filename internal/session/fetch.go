package session

import (
	"context"
	"time"
)

// Want is what one call asks for. The zero Want asks for everything, as it is.
type Want struct {
	Force                     bool
	TokensOnly                bool
	CredentialsOnly           bool
	MinTokens, MinCredentials time.Duration // how long they have to last
}

// maxRounds bounds how often a caller looks again after a refresh or a sign-in of another
// came between. Each round waits for a different flight.
const maxRounds = 4

// fetchCall is one call that the hot path does not serve. What its caller is given is
// always taken from the present state after a wait, never from a flight: between the two
// the login may have changed.
type fetchCall struct {
	e     *Engine
	want  Want
	since time.Time
	round int
}

// Known returns the session as it is in memory and in the store, without the network.
func (e *Engine) Known(ctx context.Context) (*View, error) {
	s, err := e.Ready(ctx)
	if err != nil {
		return nil, err
	}
	return s.known(time.Now(), nil), nil
}

// Fetch returns the session. Tokens come first, then the identity pool, which is asked
// with them. It fails only if the store cannot be read, after Close, and with the
// context's error if the caller stopped waiting for what it asked for alone.
func (e *Engine) Fetch(ctx context.Context, want Want) (*View, error) {
	q := &fetchCall{e: e, want: want, since: time.Now()}
	if want.CredentialsOnly {
		s, err := e.Ready(ctx)
		if err != nil {
			return nil, err
		}
		if s.needCredentials(time.Now(), want) != needNow {
			if v, again, err := q.identity(ctx, s, nil); !again {
				return v, err
			}
		}
	}
	for {
		s, tokensErr, err := q.tokens(ctx)
		if err != nil {
			return nil, err
		}
		v, again, err := q.identity(ctx, s, tokensErr)
		if !again {
			return v, err
		}
	}
}

// tokens returns the state with tokens that will do, and why they could not be refreshed
// if they had to be.
func (q *fetchCall) tokens(ctx context.Context) (s *State, tokensErr, err error) {
	for {
		q.round++
		if s, err = q.e.Ready(ctx); err != nil {
			return nil, nil, err
		}
		// After another round, what came since the call began is new enough.
		if !s.Live() || q.round > 1 && q.want.Force && !s.user.Record.Tokens.ReceivedAt.Before(q.since.Round(0)) {
			return s, nil, nil
		}
		switch s.needTokens(time.Now(), q.want) {
		case needNothing:
			return s, nil, nil
		case needSoon:
			_, _ = q.e.refreshTokens(ctx, s, Want{}) // its outcome is for later callers
			return s, nil, nil
		}
		f, err := q.e.refreshTokens(ctx, s, q.want)
		if isMoved(err) && q.round < maxRounds {
			continue
		}
		if err != nil {
			return s, err, nil
		}
		if err := f.wait(ctx); err != nil {
			return nil, nil, err
		}
		if now := q.e.owner.load(); now == nil || now.epoch != f.key.epoch {
			if q.round < maxRounds {
				continue // the login changed meanwhile: start over
			}
			return s, errMoved, nil
		} else if f.err != nil && now.Live() {
			return now, f.err, nil
		} else if f.err != nil || f.called || q.round >= maxRounds {
			return now, nil, nil // as good as the service gives, or over
		}
	}
}

// identity returns the session with the identity pool's facets. again means that the
// state is not the active session any more.
func (q *fetchCall) identity(ctx context.Context, s *State, tokensErr error) (v *View, again bool, err error) {
	if q.want.TokensOnly {
		return s.answer(q.want, tokensErr, nil), false, nil
	}
	for ; ; q.round++ {
		switch s.needCredentials(time.Now(), q.want) {
		case needNothing:
			return s.answer(q.want, tokensErr, nil), false, nil
		case needSoon:
			if tokensErr == nil {
				_, _ = q.e.renewCredentials(ctx, s, Want{}, true) // its outcome is for later callers
			}
			return s.answer(q.want, tokensErr, nil), false, nil
		}
		if tokensErr != nil {
			return s.answer(q.want, tokensErr, tokensErr), false, nil // there is nothing to ask with
		}
		f, err := q.e.renewCredentials(ctx, s, q.want, false)
		if isMoved(err) && q.round < maxRounds {
			return nil, true, nil
		}
		if err != nil {
			return s.answer(q.want, nil, err), false, nil
		}
		if err := f.wait(ctx); err != nil {
			return q.gaveUp(s, err)
		}
		now := q.e.owner.load()
		switch {
		case now == nil || now.epoch != f.key.epoch || now.holder().Record.Account != s.holder().Record.Account || isMoved(f.err):
			if q.round < maxRounds {
				return nil, true, nil
			}
			return s.answer(q.want, nil, errMoved), false, nil
		case f.err != nil:
			return now.answer(q.want, nil, f.err), false, nil
		case q.satisfied(f, now) || q.round >= maxRounds:
			return now.answer(Want{}, nil, nil), false, nil // as good as the pool gives
		}
		s = now
	}
}

// gaveUp is the answer to a caller that stops waiting for the identity pool, which hides
// nothing else: neither good tokens nor that no user is signed in.
func (q *fetchCall) gaveUp(s *State, err error) (*View, bool, error) {
	now := q.e.owner.load()
	expired := s.Live() && s.tokens.Left(time.Now()) <= 0
	if q.want.CredentialsOnly || expired || now == nil || now.epoch != s.epoch {
		return nil, false, err
	}
	return now.answer(q.want, nil, err), false, nil
}

// satisfied reports whether a flight did what the caller asked for. To insist is to want
// credentials that were issued for the present tokens.
func (q *fetchCall) satisfied(f *flight, now *State) bool {
	return f.called && (!q.want.Force || !now.Live() || !f.started.Round(0).Before(now.user.Record.Tokens.ReceivedAt)) ||
		q.want.Force && !now.view.credentials.ReceivedAt.Before(q.since.Round(0))
}

// refreshTokens joins the refresh of a session's tokens, or starts one.
func (e *Engine) refreshTokens(ctx context.Context, s *State, want Want) (*flight, error) {
	if s.epoch != e.owner.present() {
		return nil, errMoved
	}
	key := flightKey{tokensFlight, s.user.Record.Account, s.epoch}
	admit := func() error { return e.tokenBackoff.bars(s.epoch, time.Now(), want.Force) }
	return e.flights.join(ctx, key, admit, func(ctx context.Context, f *flight) {
		j := &tokenJob{reader: e.reader, owner: e.owner, records: e.records, pool: e.userPool, flight: f, want: want}
		e.tokenRenewals.run(ctx, f, key.account, j, false)
	})
}

// renewCredentials joins the renewal of a session's AWS credentials, or starts one. behind
// says that no caller waits for it.
func (e *Engine) renewCredentials(ctx context.Context, s *State, want Want, behind bool) (*flight, error) {
	if s.epoch != e.owner.present() {
		return nil, errMoved
	}
	key := flightKey{credentialsFlight, s.holder().Record.Account, s.epoch}
	admit := func() error { return e.credentialsBackoff.bars(s.epoch, time.Now(), want.Force) }
	return e.flights.join(ctx, key, admit, func(ctx context.Context, f *flight) {
		j := e.newCredentialsJob(f, want)
		defer j.finish()
		e.credentialsRenewals.run(ctx, f, e.reader.credentialsLock(key.account), j, behind)
	})
}

// newCredentialsJob is a job with what the engine lends it.
func (e *Engine) newCredentialsJob(f *flight, want Want) *credentialsJob {
	return &credentialsJob{
		reader: e.reader, owner: e.owner, records: e.records, pool: e.identityPool, flight: f, want: want,
		login: e.freshLogin, source: e.sources.of, log: e.log,
	}
}

// freshLogin returns the state with tokens that are good now; with force, with new ones.
func (e *Engine) freshLogin(ctx context.Context, force bool) (*State, error) {
	q := &fetchCall{e: e, want: Want{Force: force, TokensOnly: true}, since: time.Now()}
	s, tokensErr, err := q.tokens(ctx)
	if err == nil {
		err = tokensErr
	}
	return s, err
}
