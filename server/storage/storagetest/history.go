package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func former(poolID, sub string, epoch int64) storage.FormerPassword {
	return storage.FormerPassword{PoolID: poolID, UserSub: sub, Epoch: epoch, Salt: []byte{0, byte(epoch)}, Verifier: []byte{0xff, byte(epoch)}}
}

// hasHistory checks which epochs of a user's passwords are kept, latest first.
func hasHistory(t *testing.T, db storage.Store, poolID, sub string, limit int, epochs ...int64) {
	t.Helper()
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.History.List(poolID, sub, limit)
		var want []storage.FormerPassword
		for _, epoch := range epochs {
			want = append(want, former(poolID, sub, epoch))
		}
		return errors.Join(err, same("history", got, want))
	})
}

// testHistory adds former passwords, up to a number of them, and checks that they are the
// user's and go with the user.
func testHistory(t *testing.T, db storage.Store) {
	seed(t, db)
	add := func(p storage.FormerPassword, most int) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error { return tx.History.Add(p, most) })
	}
	for _, epoch := range []int64{1, 2, 3, 300, 4_000_000_000} {
		add(former(poolA, subA, epoch), 4)
	}
	add(former(poolB, subB, 7), 4)
	hasHistory(t, db, poolA, subA, 10, 4_000_000_000, 300, 3, 2)
	hasHistory(t, db, poolA, subA, 2, 4_000_000_000, 300)
	hasHistory(t, db, poolA, subA, 0)
	hasHistory(t, db, poolA, subB, 10)
	update(t, db, func(tx storage.Tx) error { return tx.Users.Update(user(poolA, subA, "renamed")) })
	hasHistory(t, db, poolA, subA, 3, 4_000_000_000, 300, 3)
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.History.Add(former(poolA, "nobody", 1), 4) })
	wants(t, db, errRefused, func(tx storage.Tx) error {
		return errors.Join(tx.History.Add(former(poolA, subA, 4_000_000_001), 1), errRefused)
	})
	hasHistory(t, db, poolA, subA, 10, 4_000_000_000, 300, 3, 2)

	add(former(poolA, subA, 4_000_000_001), 0)
	hasHistory(t, db, poolA, subA, 10)
	add(former(poolA, subA, 1), 4)
	update(t, db, func(tx storage.Tx) error { return tx.Users.Delete(poolA, subA) })
	update(t, db, func(tx storage.Tx) error { return tx.Users.Insert(user(poolA, subA, "ann")) })
	hasHistory(t, db, poolA, subA, 10)
	hasHistory(t, db, poolB, subB, 10, 7)
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolB) })
	hasHistory(t, db, poolB, subB, 10)
}
