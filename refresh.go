package latchkey

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// Bounds of one refresh. In-flight tries are few and close together: they get
// over a hiccup, and over a lost answer while the service's grace period for
// rotated tokens lasts (Cognito's is 60 seconds at most). What takes longer is
// left to the backoff between flights.
const (
	saveTime        = 5 * time.Second
	firstPause      = 200 * time.Millisecond
	longestPause    = 2 * time.Second // a longer Retry-After is left to the backoff
	answeredTries   = 3               // the service said: later
	lostTries       = 2               // no answer came; see renewal.again
	saveAttempts    = 4
	reasonSignedOut = "signed-out"
)

// renewal is one refresh of one account.
type renewal struct {
	c      *Client
	key    flightKey
	flight *flight
	want   FetchOption

	record   store.Record // what is being refreshed
	kept     uint64       // its generation in the store; 0 if it is not there
	doubtful bool         // the store could not be read; record is from memory
	tries    int
	followed bool // the store held a newer token than the one refused
}

// outcome is what a renewal led to: a snapshot or an error.
type outcome struct {
	snapshot *snapshot
	event    Event
	err      error
	orphan   Secret // a refresh token that nobody holds and that must be revoked
}

// refresh is the work of a refresh flight. Across processes: lock, read again,
// adopt what somebody else did or call with the token just read, and replace the
// record only if it is still the one that was read.
func (c *Client) refresh(ctx context.Context, key flightKey, f *flight, want FetchOption) {
	r := &renewal{c: c, key: key, flight: f, want: want}
	unlock, err := c.lockAccount(ctx, key.account)
	if err != nil {
		c.settle(r, outcome{err: &Error{
			Op: "FetchSession", Kind: ErrStore, Message: "the session's lock could not be had", Err: err,
			Hint: "another program may be holding it",
		}})
		return
	}
	// The lock may have taken most of the flight's time, and a call that spends
	// a refresh token is not to be cut short: its answer is the session.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), flightTime, errTimeout)
	defer cancel()
	out := r.run(ctx)
	unlock()
	c.settle(r, out)
	if !out.orphan.IsZero() {
		c.revokeOrphan(ctx, key.account, out.orphan)
	}
}

// lockAccount holds off other processes, if the store can.
func (c *Client) lockAccount(ctx context.Context, account store.Account) (unlock func(), err error) {
	if locker, ok := c.store.(store.Locker); ok {
		return locker.Lock(ctx, account)
	}
	return func() {}, nil
}

// run refreshes until there is an outcome.
func (r *renewal) run(ctx context.Context) outcome {
	for {
		if out, done := r.read(ctx); done {
			return out
		}
		if r.record.Tokens.Refresh.IsZero() {
			return outcome{err: fault("FetchSession", ErrNotRefreshable, hintGrant)}
		}
		r.tries++
		r.flight.called = true
		issued, err := r.call(ctx)
		if err == nil {
			return r.keep(ctx, issued)
		}
		v := verdictOf(err)
		if v.ends || v.class == classDevice {
			if out, done := r.refused(ctx, v, err); done {
				return out
			}
		} else if !r.again(ctx, v) {
			return outcome{err: err}
		}
	}
}

// read takes the record from the store, and says whether that settles it:
// somebody else has refreshed it, or it is over.
func (r *renewal) read(ctx context.Context) (outcome, bool) {
	record, err := r.c.loadSettled(ctx, r.key.account)
	memory := r.memory()
	unsaved := memory != nil && memory.kept < memory.record.Generation
	r.doubtful = false
	switch {
	case err == nil && unsaved && record.Generation <= memory.kept:
		r.record, r.kept = memory.record, record.Generation
	case err == nil && unsaved:
		again, ok := r.c.rebase(ctx, memory, record)
		if r.record, r.kept = record, record.Generation; ok {
			memory, r.record, r.kept = again, again.record, again.kept
		}
	case err == nil:
		r.record, r.kept = record, record.Generation
	case errors.Is(err, store.ErrNotFound) && !unsaved:
		gone := store.Record{Account: r.key.account}
		return outcome{snapshot: r.c.newSnapshot(gone, 0, time.Now(), nil), event: Event{Kind: EventSignedOut, Cause: CauseRemote}}, true
	case errors.Is(err, store.ErrNotFound), memory != nil && errors.Is(err, store.ErrDamaged):
		// What is in memory is all there is: put it back, so that nobody takes
		// the damage for a sign-out.
		if r.record, r.kept = memory.record, 0; r.c.save(ctx, r.record, 0) == nil {
			r.kept = r.record.Generation
		}
	case r.record.Tokens != nil:
		r.doubtful = true // go by what was read a moment ago
	case memory != nil:
		r.record, r.kept, r.doubtful = memory.record, memory.kept, true
	default:
		return outcome{err: storeFault("FetchSession", err)}, true
	}
	return r.adopt(memory)
}

// memory is the active snapshot, if it is of the account being refreshed.
func (r *renewal) memory() *snapshot {
	if s := r.c.current.Load(); s != nil && s.epoch == r.key.epoch && s.record.Account == r.key.account {
		return s
	}
	return nil
}

// adopt takes the record as it is, if it needs no refresh any more.
func (r *renewal) adopt(memory *snapshot) (outcome, bool) {
	now := time.Now()
	found := r.c.newSnapshot(r.record, r.kept, now, nil)
	if !found.live() {
		return outcome{snapshot: found, event: endOf(found)}, true
	}
	known := memory != nil && memory.record.Generation == r.record.Generation
	if known {
		found = memory // its clocks are better than those of a record read anew
	}
	anew := r.want.force && !r.record.Tokens.ReceivedAt.Before(r.flight.started.Round(0)) && !known
	if !anew && found.need(now, r.want) != needNothing {
		return outcome{}, false
	}
	if known {
		return outcome{snapshot: found}, true
	}
	return outcome{snapshot: found, event: Event{Kind: EventRefreshed, Cause: CauseRemote}}, true
}

// call spends the refresh token.
func (r *renewal) call(ctx context.Context) (grant, error) {
	request := wire.GetTokensFromRefreshTokenRequest{
		RefreshToken: wire.Sensitive(r.record.Tokens.Refresh.Reveal()),
		ClientId:     r.c.cfg.ClientID,
		ClientSecret: wire.Sensitive(r.c.cfg.ClientSecret.Reveal()),
	}
	// Where the pool tracks devices, a token that was issued to one is refused
	// without its key, as "Invalid Refresh Token."
	if r.record.Device != nil {
		request.DeviceKey = r.record.Device.Key
	}
	var response wire.GetTokensFromRefreshTokenResponse
	when, err := r.c.pool.call(ctx, opRefresh, &request, &response)
	if err != nil {
		return grant{}, err
	}
	issued, err := r.c.newGrant(opRefresh, response.AuthenticationResult, when)
	if err != nil {
		return grant{}, err
	}
	return issued, issued.belongsTo(r.record)
}

// again waits and reports whether the refresh may be tried once more. The next
// round reads the store first, so that a token is never repeated blindly. When
// an answer was lost, the service may have rotated the token: repeating it
// inside the service's grace period is what saves the session.
func (r *renewal) again(ctx context.Context, v verdict) bool { return pause(ctx, v, r.tries) }

// pause waits and reports whether a call may be tried once more after a number of
// tries.
func pause(ctx context.Context, v verdict, tries int) bool {
	limit := answeredTries
	if v.class == classNetwork || v.class == classMalformed {
		limit = lostTries
	}
	if !v.retry || tries >= limit || v.wait > longestPause {
		return false
	}
	pause := firstPause << (tries - 1)
	pause = max(pause+time.Duration(rand.Int64N(int64(pause))), v.wait)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// refused decides whether a refusal is to be believed. Somebody who shares the
// store may have spent the token a moment before us and stored its successor.
func (r *renewal) refused(ctx context.Context, v verdict, err error) (outcome, bool) {
	spent := r.record.Tokens.Refresh
	out, done := r.read(ctx)
	switch {
	case done:
		return out, true
	case r.doubtful:
		return outcome{err: err}, true
	case !r.record.Tokens.Refresh.Equal(spent) && !r.followed:
		r.followed = true
		return outcome{}, false
	case !v.ends && r.hasDevice():
		return outcome{err: err}, true
	}
	return r.finish(ctx, err), true
}

// hasDevice reports whether the session is bound to a remembered device.
// "Invalid Refresh Token." may then mean that the device key is not accepted,
// which ends nothing; without a device it can only mean the token.
func (r *renewal) hasDevice() bool {
	if r.record.Device != nil {
		return true
	}
	pair, err := decodePair(r.record.Tokens.Access.Reveal(), "")
	return err == nil && pair.access.DeviceKey() != ""
}

// finish ends the session for good.
func (r *renewal) finish(ctx context.Context, cause error) outcome {
	reason, detail := "NotAuthorizedException", ""
	if e, ok := errors.AsType[*Error](cause); ok && e.Code != "" {
		reason, detail = e.Code, e.Message
	}
	over := tombstone(r.record, r.kept, reason, detail)
	ended := r.c.newSnapshot(over, over.Generation, time.Now(), nil)
	switch err := r.c.save(ctx, over, r.kept); {
	case errors.Is(err, store.ErrConflict):
		// Somebody signed in again, or out, in this very moment.
		if out, done := r.read(ctx); done {
			return out
		}
		return outcome{err: cause}
	case err != nil:
		ended.kept = r.kept
	}
	return outcome{snapshot: ended, event: Event{Kind: EventSessionExpired, Reason: reason, Err: cause}}
}

// keep stores what was issued, before anything else is done with it.
func (r *renewal) keep(ctx context.Context, issued grant) outcome {
	for range saveAttempts {
		next := issued.record(r.record)
		next.Generation = max(r.record.Generation, r.kept) + 1
		err := r.c.save(ctx, next, r.kept)
		if errors.Is(err, store.ErrConflict) {
			if out, done := r.overtaken(ctx, issued); done {
				return out
			}
			continue
		}
		kept := next.Generation
		if err != nil {
			kept = r.kept
			err = storeFault("FetchSession", err)
		}
		fresh := r.c.newSnapshot(next, kept, time.Now(), issued.window(r.c.cfg.RefreshAhead))
		fresh.replaced = r.stored()
		return outcome{snapshot: fresh, event: Event{Kind: EventRefreshed, Err: err}}
	}
	return outcome{err: storeFault("FetchSession", store.ErrConflict), orphan: NewSecret(issued.refresh)}
}

// stored is the access token that the store has while the newest cannot be
// stored: the one just replaced, or that of an earlier refresh if this one too
// began with a record that was in memory only.
func (r *renewal) stored() Secret {
	if m := r.memory(); m != nil && m.kept < m.record.Generation && m.record.Tokens.Access.Equal(r.record.Tokens.Access) {
		return m.replaced
	}
	return r.record.Tokens.Access
}

// overtaken decides what becomes of an answer whose record was changed while the
// call was under way. done is false if the change left the tokens alone.
func (r *renewal) overtaken(ctx context.Context, issued grant) (out outcome, done bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	now, err := r.c.store.Load(ctx, r.key.account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		// Whose session is there now cannot be told, so nothing is revoked: the
		// token might be the one it lives on.
		return outcome{err: storeFault("FetchSession", err)}, true
	}
	if err == nil && now.Tokens != nil && now.Tokens.Access.Equal(r.record.Tokens.Access) {
		r.record, r.kept = now, now.Generation
		return outcome{}, false
	}
	now.Account = r.key.account
	found := r.c.newSnapshot(now, now.Generation, time.Now(), nil)
	event := Event{Kind: EventSignedOut, Cause: CauseRemote}
	if found.live() {
		event = Event{Kind: EventRefreshed, Cause: CauseRemote}
		if issued.sibling(found) {
			return outcome{snapshot: found, event: event}, true
		}
	}
	return outcome{snapshot: found, event: event, orphan: NewSecret(issued.refresh)}, true
}

// sibling reports whether a stored session comes from the same sign-in as the
// grant. Revoking the grant's refresh token would end that session too
// (origin_jti is what RevokeToken goes by).
func (g grant) sibling(s *snapshot) bool {
	access := s.session.tokens.Access
	return access != nil && access.OriginID() != "" && access.OriginID() == g.pair.access.OriginID()
}

// settle makes an outcome known: to those who wait, to FetchSession and to
// subscribers, all under one lock, so that events come in the order of what
// they tell.
func (c *Client) settle(r *renewal, out outcome) {
	if out.err != nil {
		c.log.Warn("latchkey: tokens were not refreshed", "username", r.key.account.Username, "error", out.err)
	}
	c.mu.Lock()
	r.flight.err = out.err
	if c.epoch == r.key.epoch {
		c.settleActive(r, out)
	}
	c.mu.Unlock()
	c.land(r.key, r.flight)
}

// settleActive is settle for the active session. c.mu is held.
func (c *Client) settleActive(r *renewal, out outcome) {
	if out.err != nil {
		wait := verdictOf(out.err).wait
		if c.trouble.add(out.err, wait, time.Now()) {
			c.emit(Event{Kind: EventRefreshFailed, Username: r.key.account.Username, Err: out.err})
		}
		return
	}
	c.trouble = trouble{}
	if out.event.Kind == 0 {
		return // the flight found that there was nothing to do
	}
	if now := c.current.Load(); now != nil {
		c.carry(out.snapshot, now)
	}
	c.publish(out.snapshot)
	if out.snapshot.kept < out.snapshot.record.Generation {
		c.persist(out.snapshot)
	}
	out.event.Username = r.key.account.Username
	c.emit(out.event)
	c.noteIdentity(out.snapshot)
}
