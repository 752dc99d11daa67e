package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func domain(poolID, name string) storage.Domain {
	return storage.Domain{Name: name, PoolID: poolID, Settings: []byte{0, 1, 0xff}, CreatedAt: noon, ModifiedAt: later}
}

func resource(poolID, identifier string) storage.ResourceServer {
	return storage.ResourceServer{
		PoolID: poolID, Identifier: identifier, Name: "the " + identifier, Settings: []byte{0, 1, 0xff},
		CreatedAt: noon, ModifiedAt: later,
	}
}

func testDomains(t *testing.T, db storage.Store) {
	seed(t, db)
	sample, changed := domain(poolA, "auth"), domain(poolA, "auth")
	changed.Settings, changed.ModifiedAt = nil, never
	kind[storage.Domain]{
		insert: func(tx storage.Tx, d storage.Domain) error { return tx.Domains.Insert(d) },
		update: func(tx storage.Tx, d storage.Domain) error { return tx.Domains.Update(d) },
		remove: func(tx storage.Tx, d storage.Domain) error { return tx.Domains.Delete(d.Name) },
		read:   func(tx storage.Tx, d storage.Domain) (storage.Domain, error) { return tx.Domains.Domain(d.Name) },
		sample: sample, changed: changed,
		stranger: domain(poolA, "nobody"),
		orphan:   domain("us-east-1_nowhere00", "lost"),
	}.check(t, db)

	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Domains.Insert(domain(poolB, "auth")) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Domains.Update(domain(poolB, "auth")) })
	other, second := domain(poolB, "b.example.com"), domain(poolA, "a.example.com")
	update(t, db, func(tx storage.Tx) error { return errors.Join(tx.Domains.Insert(other), tx.Domains.Insert(second)) })
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Domains.List(poolA)
		return errors.Join(err, same("domains", list, []storage.Domain{second, sample}))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Domains.List(poolA)
		rest, err2 := tx.Domains.List(poolB)
		return errors.Join(err, err2, same("of the deleted pool", len(list), 0), same("others", rest, []storage.Domain{other}))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Domains.Insert(domain(poolB, "auth")) })
}

func testResourceServers(t *testing.T, db storage.Store) {
	seed(t, db)
	sample, changed := resource(poolA, "https://api.example.com"), resource(poolA, "https://api.example.com")
	changed.Name, changed.Settings, changed.ModifiedAt = "", nil, never
	kind[storage.ResourceServer]{
		insert: func(tx storage.Tx, r storage.ResourceServer) error { return tx.Resources.Insert(r) },
		update: func(tx storage.Tx, r storage.ResourceServer) error { return tx.Resources.Update(r) },
		remove: func(tx storage.Tx, r storage.ResourceServer) error {
			return tx.Resources.Delete(r.PoolID, r.Identifier)
		},
		read: func(tx storage.Tx, r storage.ResourceServer) (storage.ResourceServer, error) {
			return tx.Resources.ResourceServer(r.PoolID, r.Identifier)
		},
		sample: sample, changed: changed,
		stranger: resource(poolB, "https://api.example.com"),
		orphan:   resource("us-east-1_nowhere00", "lost"),
	}.check(t, db)

	other := resource(poolB, "z")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Resources.Insert(other), tx.Resources.Insert(resource(poolA, "b")), tx.Resources.Insert(resource(poolA, "a")))
	})
	view(t, db, func(tx storage.Tx) error {
		got, err := pages(tx, 1, func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Resources.List(poolA, after, limit)
			return keysOf(list, func(r storage.ResourceServer) string { return r.Identifier }), err
		})
		none, err2 := tx.Resources.List(poolA, "", 0)
		return errors.Join(err, err2, same("identifiers", got, []string{"a", "b", sample.Identifier}), same("no limit", len(none), 0))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Resources.List(poolA, "", 10)
		rest, err2 := tx.Resources.List(poolB, "", 10)
		return errors.Join(err, err2, same("of the deleted pool", len(list), 0), same("others", rest, []storage.ResourceServer{other}))
	})
}
