package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// testProperties sets, replaces and reads properties, and checks that a value
// is a copy and that a failed Update leaves the old one.
func testProperties(t *testing.T, db storage.Store) {
	const name, other = "master-keys", "other"
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Properties.Property(name); return err })
	value := []byte("a\x00\xff")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Properties.Put(name, value), tx.Properties.Put(other, []byte("x")))
	})
	value[0] = 'b'
	has := func(want string) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Properties.Property(name)
			return errors.Join(err, same("property", string(got), want))
		})
	}
	has("a\x00\xff")
	update(t, db, func(tx storage.Tx) error { return tx.Properties.Put(name, []byte("next")) })
	has("next")
	wants(t, db, errRefused, func(tx storage.Tx) error {
		return errors.Join(tx.Properties.Put(name, []byte("undone")), errRefused)
	})
	has("next")
	update(t, db, func(tx storage.Tx) error { return tx.Properties.Put(name, []byte{}) })
	has("")
}
