package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func code(poolID, sub, purpose string) storage.Code {
	return storage.Code{
		PoolID: poolID, UserSub: sub, Purpose: purpose, Hash: []byte{0, 1, 0xff}, Address: "ann@example.com",
		Tries: 2, CreatedAt: noon, ExpiresAt: later,
	}
}

// hasCode checks that a code is there as it was put, or not there.
func hasCode(t *testing.T, db storage.Store, want storage.Code, there bool) {
	t.Helper()
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Codes.Code(want.PoolID, want.UserSub, want.Purpose)
		if !there {
			if !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("code for %s: error %v, want ErrNotFound", want.Purpose, err)
			}
			return nil
		}
		return errors.Join(err, same("code", got, want))
	})
}

func testCodes(t *testing.T, db storage.Store) {
	seed(t, db)
	reset, signUp := code(poolA, subA, "reset"), code(poolA, subA, "sign-up")
	hasCode(t, db, reset, false)
	update(t, db, func(tx storage.Tx) error { return errors.Join(tx.Codes.Put(reset), tx.Codes.Put(signUp)) })
	hasCode(t, db, reset, true)
	reset.Hash = nil
	update(t, db, func(tx storage.Tx) error { return tx.Codes.Put(reset) })
	hasCode(t, db, reset, true)
	reset.Hash, reset.Tries, reset.Address, reset.ExpiresAt = []byte("next"), 0, "", never
	update(t, db, func(tx storage.Tx) error { return tx.Codes.Put(reset) })
	hasCode(t, db, reset, true)
	update(t, db, func(tx storage.Tx) error { return tx.Users.Update(user(poolA, subA, "renamed")) })
	hasCode(t, db, signUp, true)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Codes.Delete(poolA, subA, "reset"), tx.Codes.Delete(poolA, subA, "reset"))
	})
	hasCode(t, db, reset, false)
	hasCode(t, db, signUp, true)
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Codes.Put(code(poolA, subB, "reset")) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Codes.Put(code("us-east-1_none", subA, "reset")) })
}

// testCodeCascade: codes go with their user and with the pool.
func testCodeCascade(t *testing.T, db storage.Store) {
	seed(t, db)
	ann, bob := code(poolA, subA, "reset"), code(poolB, subB, "reset")
	update(t, db, func(tx storage.Tx) error { return errors.Join(tx.Codes.Put(ann), tx.Codes.Put(bob)) })
	update(t, db, func(tx storage.Tx) error { return tx.Users.Delete(poolA, subA) })
	hasCode(t, db, ann, false)
	hasCode(t, db, bob, true)
	update(t, db, func(tx storage.Tx) error { return tx.Users.Insert(user(poolA, subA, "ann")) })
	hasCode(t, db, ann, false)
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolB) })
	hasCode(t, db, bob, false)
}

func testPruneCodes(t *testing.T, db storage.Store) {
	seed(t, db)
	old, older, alive := code(poolA, subA, "old"), code(poolA, subA, "older"), code(poolA, subA, "alive")
	old.ExpiresAt, older.ExpiresAt = noon, noon
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Codes.Put(old), tx.Codes.Put(older), tx.Codes.Put(alive))
	})
	for _, step := range [][2]int{{0, 0}, {1, 1}, {10, 1}, {10, 0}} {
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Codes.Prune(later, step[0])
			return counts("pruned", n, err, step[1])
		})
	}
	hasCode(t, db, alive, true)
}
