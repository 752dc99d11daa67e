package identitypool

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// LeastGuestLife is the least [Config.GuestLife]: a program that runs once a day
// keeps its guest.
const LeastGuestLife = 48 * time.Hour

// guestUseShare is the part of a guest's life after which a use is written again.
const guestUseShare = 10

// guestsNotedSince is the property that says since when uses of guests have been
// written; empty while they are not.
const guestsNotedSince = "identitypool/guests-noted-since"

// noteGuest writes that a guest is used, if guests are pruned and that was not
// written lately.
func (s *Service) noteGuest(ctx context.Context, guest storage.Identity) error {
	lately := s.now().Add(-s.guestLife / guestUseShare)
	if s.guestLife <= 0 || guest.UsedAt.After(lately) || guest.CreatedAt.After(lately) {
		return nil
	}
	return s.store.Update(ctx, func(tx storage.Tx) error {
		current, err := tx.Identities.Identity(guest.ID)
		if err != nil {
			return notFound(err, wire.IdentityNotFound(guest.ID))
		}
		if current.Disabled || len(current.Logins) > 0 {
			return wire.IdentityForbidden(guest.ID)
		}
		current.UsedAt = s.now()
		return tx.Identities.Update(current)
	})
}

// PruneGuests removes at most limit guests that were not used for GuestLife, and
// returns how many. It begins GuestLife after uses began to be written, so that
// switching pruning on removes no guest who is in use.
func (s *Service) PruneGuests(tx storage.Tx, limit int) (int, error) {
	noted, err := tx.Properties.Property(guestsNotedSince)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return 0, err
	}
	now := s.now()
	since, err := time.Parse(time.RFC3339Nano, string(noted))
	switch {
	case s.guestLife <= 0 && len(noted) == 0:
		return 0, nil
	case s.guestLife <= 0:
		return 0, tx.Properties.Put(guestsNotedSince, nil)
	case err != nil || since.After(now):
		return 0, tx.Properties.Put(guestsNotedSince, []byte(now.Format(time.RFC3339Nano)))
	case now.Sub(since) < s.guestLife:
		return 0, nil
	}
	return tx.Guests.Prune(now.Add(-s.guestLife), limit)
}
