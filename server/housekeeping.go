package server

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	houseInterval = time.Minute
	pruneBatch    = 500
	// sessions are kept for a while after their end, so that an answer can
	// still say why ("revoked", "expired").
	sessionsKept = 24 * time.Hour
)

// Housekeep does once what Serve does every minute: it counts the users of large
// pools, deletes what has expired and rotates signing keys that are due. It is for
// programs that serve the Server by other means than Serve.
func (s *Server) Housekeep(ctx context.Context) error {
	return errors.Join(s.pools.Admin.RecountUsers(ctx), s.tidy(ctx))
}

// keepHouse forgets what has expired, rotates keys by age and counts users, once a
// minute.
func (s *Server) keepHouse(ctx context.Context) {
	tick := time.NewTicker(houseInterval)
	defer tick.Stop()
	for {
		if err := s.pools.Admin.RecountUsers(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "counting users failed; it is tried again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "housekeeping failed; it is tried again in a minute", "error", err)
		}
	}
}

// tidy does one round, in batches small enough not to hold up sign-ins.
func (s *Server) tidy(ctx context.Context) error {
	now := s.now().UTC()
	for more := true; more; {
		err := s.store.Update(ctx, func(tx storage.Tx) error {
			sessions, err := tx.Sessions.Prune(now.Add(-sessionsKept), pruneBatch)
			if err != nil {
				return err
			}
			attempts, err := tx.Attempts.Prune(limits.Lockout{}.PruneBefore(now), pruneBatch)
			if err != nil {
				return err
			}
			codes, err := tx.Codes.Prune(now, pruneBatch)
			if err != nil {
				return err
			}
			spent, err := tx.Spent.Prune(now, pruneBatch)
			if err != nil {
				return err
			}
			revocations, err := tx.Revocations.Prune(now, pruneBatch)
			if err != nil {
				return err
			}
			guests, err := s.identities.PruneGuests(tx, pruneBatch)
			more = max(sessions, attempts, codes, spent, revocations, guests) == pruneBatch
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.ring.RotateDue(ctx)
}
