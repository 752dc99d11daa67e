package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// follow begins to watch the store, if it can be watched and nobody does yet.
func (c *Client) follow() {
	watcher, ok := c.store.(store.Watcher)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok || c.closed || c.unfollow != nil {
		return
	}
	ctx, cancel := context.WithCancel(c.life)
	c.unfollow = cancel
	c.work.Go(func() { c.watch(ctx, watcher) })
}

// followNoMore ends the watch once the last subscription has ended.
func (c *Client) followNoMore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unfollow != nil && c.events.idle() {
		c.unfollow()
		c.unfollow = nil
	}
}

// watch follows the store until ctx ends. A store that cannot be watched for a
// while is tried again: a folder may come back.
func (c *Client) watch(ctx context.Context, watcher store.Watcher) {
	for failures := 0; ; failures++ {
		err := watcher.Watch(ctx, c.scope, func() {
			failures = 0
			for c.notice(ctx) {
			}
		})
		if ctx.Err() != nil {
			return
		}
		c.log.WarnContext(ctx, "latchkey: the store cannot be watched", "error", err)
		if !sleep(ctx, backoff(failures)) {
			return
		}
	}
}

// sleep pauses, and reports false if ctx ended meanwhile.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// notice looks for what others did to the session, and reports whether there may
// be more to see. It holds off this client's own sign-ins and sign-outs, whose
// steps would look like somebody else's. Refreshes are not held off; what they
// bring is theirs to tell.
func (c *Client) notice(ctx context.Context) (again bool) {
	if c.lockChange(ctx) != nil {
		return false
	}
	before := c.current.Load()
	if before == nil {
		defer c.unlockChange()
		_, _ = c.ready(ctx) // tells of what it finds, and of what it cannot read
		return false
	}
	found, event, err := c.compare(ctx, before)
	if err != nil {
		c.log.WarnContext(ctx, "latchkey: a change of the store cannot be read", "error", err)
	}
	var flight *flight
	if found != nil {
		flight, again = c.adoptChange(before, found, event)
	}
	c.unlockChange()
	if flight != nil {
		again = flight.wait(ctx) == nil
	}
	return again
}

// compare says what in the store is not what memory goes by: the snapshot to go
// by from now on, nil if there is none, and the event that tells of it.
func (c *Client) compare(ctx context.Context, before *snapshot) (*snapshot, Event, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	if !before.live() {
		return c.compareActive(ctx, before)
	}
	record, err := c.peek(ctx, before.record.Account)
	switch {
	case before.kept < before.record.Generation:
		return nil, Event{}, nil // memory is newer, and goes to the store in its time
	case errors.Is(err, store.ErrNotFound):
		record = store.Record{Account: before.record.Account}
	case err != nil:
		return nil, Event{}, err
	case record.Tokens != nil && record.Ended == nil && record.Tokens.Access.Equal(before.record.Tokens.Access):
		if record.Generation == before.record.Generation {
			return nil, Event{}, nil
		}
		same := *before // the tokens' clocks are better than those of a record read anew
		same.record, same.kept = record, record.Generation
		if changed := record.Credentials; changed != nil && !sameCredentials(before.record.Credentials, changed) {
			c.identityFacets(&same, time.Now(), nil)
		}
		return &same, Event{}, nil
	}
	found := c.newSnapshot(record, record.Generation, time.Now(), nil)
	return found, changeOf(before, found), nil
}

// sameCredentials reports whether b is what is known already.
func sameCredentials(a, b *Credentials) bool {
	return a != nil && a.AccessKeyID == b.AccessKeyID && a.SessionToken.Equal(b.SessionToken)
}

// compareActive is compare while nobody is signed in here: whoever the scope's
// pointer names may have signed in elsewhere.
func (c *Client) compareActive(ctx context.Context, before *snapshot) (*snapshot, Event, error) {
	account, err := c.store.Active(ctx, c.scope)
	if errors.Is(err, store.ErrNotFound) {
		return nil, Event{}, nil
	}
	if err != nil {
		return nil, Event{}, err
	}
	record, err := c.store.Load(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return nil, Event{}, nil
	}
	if err != nil {
		return nil, Event{}, err
	}
	found := c.newSnapshot(record, record.Generation, time.Now(), nil)
	if !found.live() || before.outdoes(record) {
		return nil, Event{}, nil
	}
	return found, Event{Kind: EventRestored, Cause: CauseRemote}, nil
}

// outdoes reports whether memory knows more of an account than a record of it: a
// change that could not be stored yet.
func (s *snapshot) outdoes(record store.Record) bool {
	return s.record.Account == record.Account && s.record.Generation >= record.Generation
}

// changeOf is the event for what others made of a live session.
func changeOf(before, found *snapshot) Event {
	if !found.live() {
		return endOf(found)
	}
	// Every sign-in has an origin of its own, and its refreshes keep it.
	old, now := before.session.tokens.Access, found.session.tokens.Access
	if old != nil && now != nil && old.OriginID() != now.OriginID() {
		return Event{Kind: EventRestored, Cause: CauseRemote}
	}
	return Event{Kind: EventRefreshed, Cause: CauseRemote}
}

// endOf is the event for a session that others have ended.
func endOf(found *snapshot) Event {
	if ended := found.record.Ended; ended != nil && ended.Reason != reasonSignedOut {
		return Event{Kind: EventSessionExpired, Reason: ended.Reason, Err: found.session.tokensErr}
	}
	return Event{Kind: EventSignedOut, Cause: CauseRemote}
}

// adoptChange makes found the session, unless this client has been at work on it
// since it looked. Then it has to look again, after the flight if there is one.
func (c *Client) adoptChange(before, found *snapshot, event Event) (*flight, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[flightKey{account: before.record.Account, epoch: before.epoch}]; f != nil {
		return f, true
	}
	if c.current.Load() != before {
		return nil, true
	}
	event.Username = found.record.Account.Username
	switch event.Kind {
	case 0:
		c.publish(found)
		c.noteIdentity(found)
	case EventRefreshed:
		c.trouble = trouble{}
		c.carry(found, before)
		c.publish(found)
		c.emit(event)
		c.noteIdentity(found)
	default:
		c.activateLocked(found, event)
	}
	// Where one has left, another may be signed in.
	return nil, !found.live()
}
