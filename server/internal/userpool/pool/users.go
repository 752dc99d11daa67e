package pool

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// After is now, or the instant behind previous when the clock has not passed it:
// a time of modification grows with every change.
func (s *Pools) After(previous time.Time) time.Time {
	if now := s.now(); now.After(previous) {
		return now
	}
	return previous.Add(time.Microsecond)
}

// LoadUser finds the user of a pool that an administrator names by user name,
// alias or sub.
func (s *Pools) LoadUser(tx storage.Tx, poolID, name string) (storage.User, error) {
	_, set, err := s.LoadPool(tx, poolID)
	if err != nil {
		return storage.User{}, err
	}
	return set.FindUserOrSub(tx, poolID, name)
}

// ViewUser finds a user with the settings of the pool, for work outside a transaction.
func (s *Pools) ViewUser(ctx context.Context, poolID, name string) (set *Settings, user storage.User, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) error {
		if _, set, err = s.LoadPool(tx, poolID); err != nil {
			return err
		}
		user, err = set.FindUserOrSub(tx, poolID, name)
		return err
	})
	return set, user, err
}

// InsertUser writes a new user whose names are free, or whose aliases may be
// taken from their owners.
func (s *Pools) InsertUser(tx storage.Tx, set *Settings, user *storage.User, moveAliases bool) error {
	if _, err := tx.Pools.Pool(user.PoolID); err != nil {
		return NotFound(err, wire.PoolNotFound(user.PoolID))
	}
	if err := set.checkReserved(tx, storage.User{}, *user); err != nil {
		return err
	}
	if moveAliases {
		if err := s.FreeAliases(tx, set, user); err != nil {
			return err
		}
	}
	return set.claimNames(tx, user)
}
