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

// guests notes when guests' identities are used and removes unused ones.
type guests struct {
	store storage.Store
	clock clock
	life  time.Duration // Config.GuestLife
}

// note writes that a guest is used, if guests are pruned and the last note is older than
// a tenth of their life.
func (g *guests) note(ctx context.Context, guest storage.Identity) error {
	lately := g.clock.now().Add(-g.life / guestUseShare)
	if g.life <= 0 || guest.UsedAt.After(lately) || guest.CreatedAt.After(lately) {
		return nil
	}
	return g.store.Update(ctx, func(tx storage.Tx) error {
		current, err := tx.Identities.Identity(guest.ID)
		if err != nil {
			return notFound(err, wire.IdentityNotFound(guest.ID))
		}
		if current.Disabled || len(current.Logins) > 0 {
			return wire.IdentityForbidden(guest.ID)
		}
		current.UsedAt = g.clock.now()
		return tx.Identities.Update(current)
	})
}

// prune is [Service.PruneGuests].
func (g *guests) prune(tx storage.Tx, limit int) (int, error) {
	noted, err := tx.Properties.Property(guestsNotedSince)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return 0, err
	}
	now := g.clock.now()
	since, err := time.Parse(time.RFC3339Nano, string(noted))
	switch {
	case g.life <= 0 && len(noted) == 0:
		return 0, nil
	case g.life <= 0:
		return 0, tx.Properties.Put(guestsNotedSince, nil)
	case err != nil || since.After(now):
		return 0, tx.Properties.Put(guestsNotedSince, []byte(now.Format(time.RFC3339Nano)))
	case now.Sub(since) < g.life:
		return 0, nil
	}
	return tx.Guests.Prune(now.Add(-g.life), limit)
}
