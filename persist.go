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
// generation rising, so that a late refresh cannot bring the session back, and
// the device, which outlives sessions.
func tombstone(r store.Record, kept uint64, reason, detail string) store.Record {
	over := store.Record{
		Generation: max(r.Generation, kept) + 1,
		Account:    r.Account, Sub: r.Sub, Drift: r.Drift, Device: r.Device,
		SavedAt: time.Now().Round(0),
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
				return // the next refresh reads what took its place
			}
		}
	})
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
