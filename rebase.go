package latchkey

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// rebased puts the tokens of a record that could not be stored into the stored
// one, if that was edited meanwhile and still has the tokens that these have
// replaced: another program queued a revocation, or was given AWS credentials.
// Left there, the old refresh token would be spent again by whoever comes next,
// and where tokens rotate that ends the session.
func (s *snapshot) rebased(stored store.Record) (store.Record, bool) {
	unsaved := s.live() && s.kept < s.record.Generation && stored.Generation > s.kept
	if !unsaved || stored.Tokens == nil || stored.Ended != nil || !stored.Tokens.Access.Equal(s.replaced) {
		return store.Record{}, false
	}
	next := stored
	next.Tokens, next.Drift = s.record.Tokens, s.record.Drift
	next.Generation, next.SavedAt = stored.Generation+1, time.Now().Round(0)
	return next, true
}

// rebase stores what rebased makes, and lets memory follow. It reports the
// snapshot that holds the record now; false if there was nothing to rebase.
func (c *Client) rebase(ctx context.Context, s *snapshot, stored store.Record) (*snapshot, bool) {
	next, ok := s.rebased(stored)
	if !ok {
		return s, false
	}
	kept := stored.Generation
	if c.save(ctx, next, kept) == nil {
		kept = next.Generation
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.current.Load()
	if now == nil || !c.stillCurrent(s) {
		return s, false // somebody signed in or out; their record is in the store
	}
	edited := *now
	edited.record, edited.kept = next, kept
	c.current.Store(&edited)
	return &edited, true
}

// settleConflict looks what took the place of a record that could not be stored.
// It reports the snapshot that is still to be stored; nil if none is.
func (c *Client) settleConflict(ctx context.Context, s *snapshot) *snapshot {
	stored, err := c.peek(ctx, s.record.Account)
	if err != nil {
		return nil // the next refresh reads what there is
	}
	again, ok := c.rebase(ctx, s, stored)
	if !ok || again.kept == again.record.Generation {
		return nil
	}
	return again
}
