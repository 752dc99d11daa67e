package latchkey

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// Bounds of the revocations that wait in the store.
const (
	// revokeTime bounds one revocation that nobody waits for.
	revokeTime = 5 * time.Second
	// ownTime is how long a token on the list is left to the sign-out that put it
	// there before it calls the service.
	ownTime = 2 * time.Second
	// sweepEvery is how often a client that gets through to the service looks for
	// revocations that others left in the store.
	sweepEvery = 5 * time.Minute
	// sweepAccounts bounds how many accounts one look reads, chosen by chance: a
	// server may keep thousands under one scope.
	sweepAccounts = 64
	// pendingAge is Cognito's default life of a refresh token. A revocation that
	// fails when it is older is given up.
	pendingAge = 30 * 24 * time.Hour
)

// revoke has the service revoke a refresh token, also of a session whose tokens
// have no origin_jti: it is the service that knows whether it can.
func (c *Client) revoke(ctx context.Context, refresh Secret) error {
	request := wire.RevokeTokenRequest{
		Token: wire.Sensitive(refresh.Reveal()), ClientId: c.cfg.ClientID,
		ClientSecret: wire.Sensitive(c.cfg.ClientSecret.Reveal()),
	}
	_, err := c.pool.call(ctx, "RevokeToken", &request, nil)
	return err
}

// worthRepeating reports whether a revocation that failed may succeed later. It
// does not when it was Cognito itself that refused.
func worthRepeating(err error) bool {
	switch verdictOf(err).class {
	case classRefused, classEnded, classDevice, classConfig, classRequest:
		return false
	}
	return true
}

// revokeOrphan revokes a token that came too late to be kept.
func (c *Client) revokeOrphan(ctx context.Context, account store.Account, refresh Secret) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	err := c.revoke(bounded, refresh)
	if err == nil {
		return
	}
	kept := false
	if worthRepeating(err) {
		kept = c.editPending(ctx, account, func(r *store.Record) { c.enqueue(r, refresh) }) == nil
	}
	c.log.WarnContext(ctx, "latchkey: a refresh token that came too late could not be revoked", "queued", kept, "error", err)
	if kept {
		c.startRevoking(ownTime)
	}
}

// enqueue notes in a record that a token is to be revoked.
func (c *Client) enqueue(r *store.Record, refresh Secret) {
	r.Pending = slices.Clone(r.Pending) // others may hold the record too
	if len(r.Pending) >= store.MaxPending {
		c.log.Warn("latchkey: too many refresh tokens wait to be revoked; the oldest is forgotten", "username", r.Account.Username)
		r.Pending = r.Pending[len(r.Pending)-store.MaxPending+1:]
	}
	r.Pending = append(r.Pending, store.Revocation{Token: refresh, Since: time.Now().Round(0)})
}

// dequeue notes in the store that a token need not be revoked any more.
func (c *Client) dequeue(ctx context.Context, account store.Account, refresh Secret) error {
	return c.editPending(ctx, account, func(r *store.Record) {
		r.Pending = slices.DeleteFunc(slices.Clone(r.Pending), func(p store.Revocation) bool { return p.Token.Equal(refresh) })
	})
}

// errUnsaved keeps what is pending out of a record that memory has a newer
// version of: the newer tokens could not be told from older ones then.
var errUnsaved = errors.New("newer tokens wait to be stored")

// editPending changes what is pending for an account, revocations and the browser's
// logout, and nothing else. An
// account that the store has lost gets the record of a signed-out one.
func (c *Client) editPending(ctx context.Context, account store.Account, edit func(*store.Record)) error {
	for range saveAttempts {
		if c.unsaved(account) {
			return errUnsaved
		}
		old, err := c.peek(context.WithoutCancel(ctx), account)
		if errors.Is(err, store.ErrNotFound) {
			old, err = tombstone(store.Record{Account: account}, 0, reasonSignedOut, ""), nil
			old.Generation = 0
		}
		if err != nil {
			return err
		}
		next := old
		if edit(&next); len(next.Pending) == 0 && len(old.Pending) == 0 && next.Redirect == old.Redirect {
			return nil
		}
		if next.Generation++; old.Generation == 0 {
			next.Generation = firstGeneration()
		}
		if err = c.save(ctx, next, old.Generation); err == nil {
			c.notePending(next, old.Generation)
			return nil
		} else if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return store.ErrConflict
}

// unsaved reports whether memory holds what the store could not take.
func (c *Client) unsaved(account store.Account) bool {
	s := c.current.Load()
	return s != nil && s.record.Account == account && s.kept < s.record.Generation
}

// notePending lets memory follow an edit of the record that it goes by.
func (c *Client) notePending(next store.Record, previous uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.current.Load()
	if now == nil || now.record.Account != next.Account || now.record.Generation != previous || now.kept != previous {
		return
	}
	edited := *now
	edited.record.Generation, edited.kept = next.Generation, next.Generation
	edited.record.Pending, edited.record.Redirect = next.Pending, next.Redirect
	c.current.Store(&edited)
}

// reached is called after each call that the service answered: the moment to
// send what could not be sent before, by this client or another.
func (c *Client) reached() {
	c.mu.Lock()
	due := c.swept.IsZero() || time.Since(c.swept) >= sweepEvery
	c.mu.Unlock()
	if due {
		c.startRevoking(0)
	}
}

// startRevoking has a goroutine send what is pending, after a pause. Nobody
// waits for it but Close, and that no longer than for one revocation.
func (c *Client) startRevoking(pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
	case c.revoking:
		c.revokeMore = true
	default:
		c.revoking = true
		c.swept = time.Now()
		c.work.Go(func() { c.revokeQueued(pause) })
	}
}

// revokeQueued goes on until nothing is pending or the client is closed. What is
// left then is for the next client. Without a pause it sends one even so: a
// program that signs in and ends at once must get somewhere too.
func (c *Client) revokeQueued(pause time.Duration) {
	for failures := 0; pause <= 0 || sleep(c.life, pause); failures++ {
		left, wait := c.sweep(context.WithoutCancel(c.life))
		c.mu.Lock()
		more := c.revokeMore
		c.revokeMore = false
		if !left && !more {
			c.revoking = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		pause = max(backoff(failures), wait)
	}
}

// sweep sends what is pending in the scope, and reports whether something is
// left and for how long the service asked for patience. It ends at the first
// failure, since the next call would hardly fare better, and takes accounts and
// tokens in any order, so that one that always fails cannot hold up the rest.
func (c *Client) sweep(ctx context.Context) (left bool, wait time.Duration) {
	bounded, cancel := context.WithTimeout(ctx, saveTime)
	accounts, err := c.store.List(bounded, c.scope)
	cancel()
	if err != nil {
		c.log.Warn("latchkey: pending revocations cannot be looked for", "error", err)
		return false, 0
	}
	rand.Shuffle(len(accounts), func(i, j int) { accounts[i], accounts[j] = accounts[j], accounts[i] })
	for _, account := range accounts[:min(len(accounts), sweepAccounts)] {
		record, err := c.peek(ctx, account)
		if err != nil || len(record.Pending) == 0 {
			continue // who asks for this account is told what is wrong with it
		}
		for _, i := range rand.Perm(len(record.Pending)) {
			if age := time.Since(record.Pending[i].Since); age >= 0 && age < ownTime {
				left = true
				continue
			}
			if err := c.settlePending(ctx, account, record.Pending[i]); err != nil {
				return true, verdictOf(err).wait
			}
			if c.life.Err() != nil {
				return true, 0
			}
		}
	}
	return left, 0
}

// settlePending revokes one token and takes it off the list, also when the
// service will not have it or it is too old to be worth another try.
func (c *Client) settlePending(ctx context.Context, account store.Account, p store.Revocation) error {
	bounded, cancel := context.WithTimeout(ctx, revokeTime)
	err := c.revoke(bounded, p.Token)
	cancel()
	if err != nil {
		old := time.Since(p.Since) > pendingAge
		c.log.Warn("latchkey: a refresh token could not be revoked", "username", account.Username, "since", p.Since, "given up", old, "error", err)
		if worthRepeating(err) && !old {
			return err
		}
	}
	return c.dequeue(ctx, account, p.Token)
}
