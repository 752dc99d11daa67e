package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func provider(poolID, name string) storage.IdentityProvider {
	return storage.IdentityProvider{PoolID: poolID, Name: name, Settings: []byte{0, 1, 0xff}, CreatedAt: noon, ModifiedAt: later}
}

func testIdentityProviders(t *testing.T, db storage.Store) {
	seed(t, db)
	sample, changed := provider(poolA, "Google"), provider(poolA, "Google")
	changed.Settings, changed.ModifiedAt = nil, never
	kind[storage.IdentityProvider]{
		insert: func(tx storage.Tx, p storage.IdentityProvider) error { return tx.Providers.Insert(p) },
		update: func(tx storage.Tx, p storage.IdentityProvider) error { return tx.Providers.Update(p) },
		remove: func(tx storage.Tx, p storage.IdentityProvider) error { return tx.Providers.Delete(p.PoolID, p.Name) },
		read: func(tx storage.Tx, p storage.IdentityProvider) (storage.IdentityProvider, error) {
			return tx.Providers.IdentityProvider(p.PoolID, p.Name)
		},
		sample: sample, changed: changed,
		stranger: provider(poolB, "Google"),
		orphan:   provider("us-east-1_nowhere00", "lost"),
	}.check(t, db)

	other := provider(poolB, "Google")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Providers.Insert(other), tx.Providers.Insert(provider(poolA, "b")), tx.Providers.Insert(provider(poolA, "a")))
	})
	view(t, db, func(tx storage.Tx) error {
		got, err := pages(tx, 1, func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Providers.List(poolA, after, limit)
			return keysOf(list, func(p storage.IdentityProvider) string { return p.Name }), err
		})
		none, err2 := tx.Providers.List(poolA, "", 0)
		return errors.Join(err, err2, same("names", got, []string{"Google", "a", "b"}), same("no limit", len(none), 0))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Providers.List(poolA, "", 10)
		rest, err2 := tx.Providers.List(poolB, "", 10)
		return errors.Join(err, err2, same("of the deleted pool", len(list), 0), same("others", rest, []storage.IdentityProvider{other}))
	})
}
