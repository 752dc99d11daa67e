package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// masterKeysProperty holds the ids of all master keys that ever sealed
// something in the database, separated by blanks.
const masterKeysProperty = "master-keys"

// ErrMasterKey means that a database needs a master key that was not given.
var ErrMasterKey = errors.New("keys: the database was sealed with another master key")

// InUse reports whether a database holds anything that a master key sealed. A
// service must not make a new master key for such a database.
func InUse(ctx context.Context, store storage.Store) (bool, error) {
	used := false
	err := store.View(ctx, func(tx storage.Tx) error {
		known, err := masterKeys(tx)
		if err != nil || len(known) > 0 {
			used = true
			return err
		}
		pools, err := firstPools(tx)
		used = len(pools) > 0
		return err
	})
	return used, err
}

// CheckMasterKey returns [ErrMasterKey] unless box has every master key that the
// database was sealed with. The ids of those keys are kept in the database from
// its first use. A database of an earlier release has no ids: there the signing
// keys of the first pool of each kind must open. CheckMasterKey then adds the id
// of the key that box seals with.
func CheckMasterKey(ctx context.Context, store storage.Store, box *seal.Box) error {
	given := box.KeyIDs()
	checked := false
	err := store.View(ctx, func(tx storage.Tx) error {
		known, err := masterKeys(tx)
		checked = slices.Contains(known, given[0])
		if err != nil {
			return err
		}
		return checkKnown(tx, box, known)
	})
	if err != nil || checked {
		return err
	}
	return store.Update(ctx, func(tx storage.Tx) error {
		known, err := masterKeys(tx)
		if err != nil {
			return err
		}
		if err := checkKnown(tx, box, known); err != nil || slices.Contains(known, given[0]) {
			return err
		}
		return addMasterKeys(tx, known, given)
	})
}

// addMasterKeys adds the first of the given keys to the known ones. In a database
// that was used before ids were kept, each of the given keys may have sealed
// something, so all are added.
func addMasterKeys(tx storage.Tx, known, given []string) error {
	pools, err := firstPools(tx)
	if err != nil {
		return err
	}
	if len(known) == 0 && len(pools) > 0 {
		known = given
	} else {
		known = append(known, given[0])
	}
	return tx.Properties.Put(masterKeysProperty, []byte(strings.Join(known, " ")))
}

func checkKnown(tx storage.Tx, box *seal.Box, known []string) error {
	given := box.KeyIDs()
	for _, id := range known {
		if !slices.Contains(given, id) {
			return fmt.Errorf("%w: it needs the one with the id %s, and was given %s", ErrMasterKey, id, strings.Join(given, ", "))
		}
	}
	if len(known) > 0 {
		return nil
	}
	return tryKeys(tx, box)
}

func masterKeys(tx storage.Tx) ([]string, error) {
	value, err := tx.Properties.Property(masterKeysProperty)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return strings.Fields(string(value)), err
}

// firstPools gives the id of the first user pool and of the first identity pool.
// Nothing is sealed in a database without pools, and each pool has keys.
func firstPools(tx storage.Tx) (ids []string, err error) {
	pools, err := tx.Pools.List("", 1)
	if err != nil {
		return nil, err
	}
	identityPools, err := tx.IdentityPools.List("", 1)
	for _, pool := range pools {
		ids = append(ids, pool.ID)
	}
	for _, pool := range identityPools {
		ids = append(ids, pool.ID)
	}
	return ids, err
}

// tryKeys opens the signing keys of the first pool of each kind.
func tryKeys(tx storage.Tx, box *seal.Box) error {
	pools, err := firstPools(tx)
	if err != nil {
		return err
	}
	for _, pool := range pools {
		keys, err := tx.Keys.List(pool)
		if err != nil {
			return err
		}
		for _, key := range keys {
			_, err := box.Open(purpose, key.Private, sealContext(pool, key.ID))
			if _, external := openHandle(box, key); err != nil && !external {
				return ErrMasterKey
			}
		}
	}
	return nil
}
