package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// save stores a record. It has its own time, because what it stores cannot be
// had a second time.
func (c *Client) save(ctx context.Context, r store.Record, previous uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return c.store.Save(ctx, r, previous)
}

// tombstone is the record of a session that is over. It keeps the account's
// generation rising, so that a late refresh cannot bring the session back, the
// device, which outlives sessions, what is still to be revoked, and the browser's
// session at the sign-in pages, which goes on.
func tombstone(r store.Record, kept uint64, reason, detail string) store.Record {
	over := store.Record{
		Generation: max(r.Generation, kept) + 1,
		Account:    r.Account, Sub: r.Sub, Drift: r.Drift, Device: r.Device, Pending: r.Pending,
		Redirect: r.Redirect,
		SavedAt:  time.Now().Round(0),
	}
	if r.Device != nil {
		over.SignIn = r.SignIn // the device is found again by what the user types
	}
	over.Ended = &store.Ended{Reason: reason, Detail: detail, At: over.SavedAt}
	return over
}

// persist tries to store what could not be stored, until it succeeds, or
// something newer takes its place, or the client is closed. c.mu is held.
func (c *Client) persist(s *snapshot) {
	if c.closed {
		return
	}
	c.work.Go(func() {
		pause := firstBackoff
		for last := false; !last && c.stillCurrent(s); pause = min(2*pause, lastBackoff) {
			select {
			case <-time.After(pause):
			case <-c.life.Done():
				last = true
			}
			err := c.save(context.WithoutCancel(c.life), s.record, s.kept)
			if err == nil {
				c.markKept(s)
				return
			}
			c.log.Warn("latchkey: the session could not be stored", "username", s.record.Account.Username, "error", err)
			if errors.Is(err, store.ErrConflict) {
				if s = c.settleConflict(context.WithoutCancel(c.life), s); s == nil {
					return
				}
			}
		}
	})
}

// peek loads a record to look after it, and not because somebody wants to know.
// If the record is damaged, the store has set it aside, and whoever reads next
// would take the session for signed out: so what memory has of it is put back.
func (c *Client) peek(ctx context.Context, account store.Account) (store.Record, error) {
	c.peeking <- struct{}{}
	defer func() { <-c.peeking }()
	record, err := c.loadBounded(ctx, account)
	s := c.current.Load()
	if errors.Is(err, store.ErrDamaged) && s != nil && s.live() && s.record.Account == account {
		again := c.save(ctx, s.record, 0)
		if again == nil {
			c.markKept(s)
		}
		c.log.WarnContext(ctx, "latchkey: the stored session was damaged", "put back", again == nil, "error", err)
	}
	return record, err
}

// loadSettled is Load for a refresh: a record that is not there may be one that
// peek is about to put back.
func (c *Client) loadSettled(ctx context.Context, account store.Account) (store.Record, error) {
	record, err := c.store.Load(ctx, account)
	if !errors.Is(err, store.ErrNotFound) {
		return record, err
	}
	c.peeking <- struct{}{}
	defer func() { <-c.peeking }()
	return c.store.Load(ctx, account)
}

// stillCurrent reports whether a snapshot, or a copy of it, is what the client
// goes by. If not, something newer is stored in its own time.
func (c *Client) stillCurrent(s *snapshot) bool {
	now := c.current.Load()
	return now != nil && now.record.Account == s.record.Account && now.record.Generation == s.record.Generation
}

// markKept notes that the store holds the snapshot's record now.
func (c *Client) markKept(s *snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.current.Load(); now != nil && c.stillCurrent(s) {
		kept := *now
		kept.kept = s.record.Generation
		c.current.Store(&kept)
	}
}
