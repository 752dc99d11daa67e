package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	idPoolA, idPoolB = "us-east-1:aaaaaaaa-0000-4000-8000-000000000000", "us-east-1:bbbbbbbb-0000-4000-8000-000000000000"
	identityA        = "us-east-1:1aaaaaaa-0000-4000-8000-000000000000"
	identityB        = "us-east-1:1bbbbbbb-0000-4000-8000-000000000000"
)

var ann, bob = storage.Login{Provider: "idp.example.com/x", Subject: "ann"}, storage.Login{Provider: "idp.example.com/x", Subject: "bob"}

func identityPool(id string) storage.IdentityPool {
	return storage.IdentityPool{ID: id, Name: "pool " + id, Settings: []byte{0, 1, 0xff}, CreatedAt: noon, ModifiedAt: later}
}

func identity(poolID, id string, logins ...storage.Login) storage.Identity {
	return storage.Identity{ID: id, PoolID: poolID, Logins: logins, CreatedAt: noon, ModifiedAt: later}
}

func seedIdentities(t *testing.T, db storage.Store) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.IdentityPools.Insert(identityPool(idPoolA)), tx.IdentityPools.Insert(identityPool(idPoolB)),
			tx.Identities.Insert(identity(idPoolA, identityA, ann)), tx.Identities.Insert(identity(idPoolB, identityB, ann)),
		)
	})
}

func testIdentityPools(t *testing.T, db storage.Store) {
	sample, changed := identityPool(idPoolA), identityPool(idPoolA)
	changed.Name, changed.Settings, changed.ModifiedAt = "", nil, never
	reads := func(want storage.IdentityPool) func(storage.Tx) error {
		return func(tx storage.Tx) error {
			got, err := tx.IdentityPools.Pool(want.ID)
			return errors.Join(err, same("identity pool", got, want))
		}
	}
	update(t, db, func(tx storage.Tx) error { return tx.IdentityPools.Insert(sample) })
	view(t, db, reads(sample))
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.IdentityPools.Insert(changed) })
	update(t, db, func(tx storage.Tx) error { return tx.IdentityPools.Update(changed) })
	view(t, db, reads(changed))
	for _, id := range []string{"", "us-east-1:", idPoolB, poolA} {
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.IdentityPools.Pool(id); return err })
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.IdentityPools.Update(identityPool(id)) })
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.IdentityPools.Delete(id) })
	}
	update(t, db, func(tx storage.Tx) error { return tx.IdentityPools.Delete(idPoolA) })
	wants(t, db, storage.ErrNotFound, reads(sample))
}

// testIdentityPoolCascade: identities, logins and keys go with their pool, and
// only those.
func testIdentityPoolCascade(t *testing.T, db storage.Store) {
	seed(t, db)
	seedIdentities(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Keys.Insert(key(idPoolA, "kid")), tx.Keys.Insert(key(idPoolB, "kid")), tx.Keys.Insert(key(poolA, "kid")))
	})
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Keys.Insert(key(idPoolA, "kid")) })
	view(t, db, func(tx storage.Tx) error { // so that a cache has something to forget
		_, err := tx.Identities.Lookup(idPoolA, ann)
		return err
	})
	update(t, db, func(tx storage.Tx) error { return tx.IdentityPools.Delete(idPoolA) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Identities.Identity(identityA); return err })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Identities.Lookup(idPoolA, ann); return err })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Keys.Insert(key(idPoolA, "kid")) })
	left := func(poolID string, want int) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			list, err := tx.Keys.List(poolID)
			return errors.Join(err, same("keys of "+poolID, len(list), want))
		})
	}
	left(idPoolA, 0)
	left(idPoolB, 1)
	left(poolA, 1)
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Identities.Lookup(idPoolB, ann)
		return errors.Join(err, same("the other pool's identity", got, identity(idPoolB, identityB, ann)))
	})
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.IdentityPools.Insert(identityPool(idPoolA)), tx.Identities.Insert(identity(idPoolA, identityA, ann)),
			tx.Pools.Delete(poolA))
	})
	left(poolA, 0)
}

func testIdentities(t *testing.T, db storage.Store) {
	seedIdentities(t, db)
	const id = "us-east-1:1ccccccc-0000-4000-8000-000000000000"
	sample := identity(idPoolA, id, bob, storage.Login{Provider: "' OR 1=1 --", Subject: "\x00%é"})
	changed := identity(idPoolA, id)
	changed.Disabled, changed.MergedInto, changed.CreatedAt = true, identityA, never
	kind[storage.Identity]{
		insert: func(tx storage.Tx, i storage.Identity) error { return tx.Identities.Insert(i) },
		update: func(tx storage.Tx, i storage.Identity) error { return tx.Identities.Update(i) },
		remove: func(tx storage.Tx, i storage.Identity) error { return tx.Identities.Delete(i.ID) },
		read: func(tx storage.Tx, i storage.Identity) (storage.Identity, error) {
			return tx.Identities.Identity(i.ID)
		},
		sample: sample, changed: changed,
		stranger: identity(idPoolA, "us-east-1:1ddddddd-0000-4000-8000-000000000000"),
		orphan:   identity("us-east-1:00000000-0000-4000-8000-000000000000", "us-east-1:1eeeeeee-0000-4000-8000-000000000000"),
	}.check(t, db)

	moved := sample
	moved.PoolID = idPoolB
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Identities.Update(moved) })
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Identities.Insert(identity(idPoolB, identityA)) })
	disabled := identity(idPoolA, "us-east-1:0", storage.Login{Provider: "p", Subject: "s"})
	disabled.Disabled = true
	update(t, db, func(tx storage.Tx) error { return tx.Identities.Insert(disabled) })
	for enabled, want := range map[bool][]string{false: {"us-east-1:0", identityA, id}, true: {identityA, id}} {
		view(t, db, func(tx storage.Tx) error {
			got, err := pages(tx, 1, func(tx storage.Tx, after string, limit int) ([]string, error) {
				list, err := tx.Identities.List(idPoolA, enabled, after, limit)
				return keysOf(list, func(i storage.Identity) string { return i.ID }), err
			})
			return errors.Join(err, same(fmt.Sprintf("identities, enabled %v", enabled), got, want))
		})
	}
}

func testIdentityLogins(t *testing.T, db storage.Store) {
	seedIdentities(t, db)
	const id = "us-east-1:1ccccccc-0000-4000-8000-000000000000"
	finds := func(login storage.Login, want string) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Identities.Lookup(idPoolA, login)
			if want == "" && errors.Is(err, storage.ErrNotFound) {
				err = nil
			}
			return errors.Join(err, same(fmt.Sprintf("who has %v", login), got.ID, want))
		})
	}
	taken := func(change func(storage.Tx) error) {
		t.Helper()
		err := db.Update(ctx, change)
		linked, ok := errors.AsType[*storage.LoginLinkedError](err)
		if !ok || linked.Login != ann || !errors.Is(err, storage.ErrExists) {
			t.Errorf("error %v, want that the login is taken", err)
		}
	}
	finds(ann, identityA)
	finds(bob, "")
	finds(storage.Login{Provider: ann.Provider, Subject: "ANN"}, "")
	finds(storage.Login{Provider: ann.Subject, Subject: ann.Provider}, "")
	taken(func(tx storage.Tx) error { return tx.Identities.Insert(identity(idPoolA, id, bob, ann)) })
	finds(bob, "")
	update(t, db, func(tx storage.Tx) error { return tx.Identities.Insert(identity(idPoolA, id)) })
	taken(func(tx storage.Tx) error { return tx.Identities.Update(identity(idPoolA, id, bob, ann)) })

	// A closure may go on after a login was taken, and see its own changes.
	update(t, db, func(tx storage.Tx) error {
		err := tx.Identities.Update(identity(idPoolA, id, bob, ann))
		if !errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("error %v, want that a login is taken", err)
		}
		err = errors.Join(tx.Identities.Update(identity(idPoolA, identityA)), tx.Identities.Update(identity(idPoolA, id, bob, ann)))
		got, err2 := tx.Identities.Lookup(idPoolA, ann)
		return errors.Join(err, err2, same("owner", got.ID, id))
	})
	finds(ann, id)
	finds(bob, id)
	update(t, db, func(tx storage.Tx) error { return tx.Identities.Delete(id) })
	finds(ann, "")
	finds(bob, "")
	update(t, db, func(tx storage.Tx) error { return tx.Identities.Update(identity(idPoolA, identityA, bob)) })
	finds(bob, identityA)
}

// testPruneGuests: guests that were not used for long go; users' identities and
// disabled ones stay.
func testPruneGuests(t *testing.T, db storage.Store) {
	seedIdentities(t, db)
	insert := func(id string, created, used time.Time, spoil func(*storage.Identity)) {
		i := identity(idPoolA, id)
		i.CreatedAt, i.UsedAt = created, used
		spoil(&i)
		update(t, db, func(tx storage.Tx) error { return tx.Identities.Insert(i) })
	}
	as := func(*storage.Identity) {}
	insert("old", noon, never, as)
	insert("used long ago", noon.Add(-time.Hour), noon, as)
	insert("used", noon, later, as)
	insert("young", later, never, as)
	insert("of unknown age", never, never, as)
	insert("a user's", noon, noon, func(i *storage.Identity) { i.Logins = []storage.Login{bob} })
	insert("disabled", noon, noon, func(i *storage.Identity) { i.Disabled, i.MergedInto = true, "a user's" })
	view(t, db, func(tx storage.Tx) error {
		i, err := tx.Identities.Identity("used long ago")
		return errors.Join(err, same("used", i.UsedAt, noon))
	})
	for _, step := range [][2]int{{0, 0}, {-1, 0}, {1, 1}, {10, 1}, {10, 0}} {
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Guests.Prune(later, step[0])
			return counts("pruned", n, err, step[1])
		})
	}
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Identities.List(idPoolA, false, "", 100)
		ids := keysOf(list, func(i storage.Identity) string { return i.ID })
		_, err2 := tx.Identities.Identity("old")
		if !errors.Is(err2, storage.ErrNotFound) {
			err = errors.Join(err, fmt.Errorf("a pruned guest: %w", err2))
		}
		return errors.Join(err, same("identities", ids, []string{"a user's", "disabled", "of unknown age", identityA, "used", "young"}))
	})
}

// testRaceFirstSignIn: of a hundred first sign-ins of one login, one makes the
// identity and all others find it.
func testRaceFirstSignIn(t *testing.T, db storage.Store) {
	update(t, db, func(tx storage.Tx) error { return tx.IdentityPools.Insert(identityPool(idPoolA)) })
	got := make([]string, 100)
	many(len(got), func(i int) {
		err := db.Update(ctx, func(tx storage.Tx) error {
			owner, err := tx.Identities.Lookup(idPoolA, ann)
			if errors.Is(err, storage.ErrNotFound) {
				owner = identity(idPoolA, fmt.Sprintf("us-east-1:%08x", i), ann)
				err = tx.Identities.Insert(owner)
			}
			got[i] = owner.ID
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Identities.List(idPoolA, false, "", 200)
		for _, id := range got {
			err = errors.Join(err, same("identity", id, got[0]))
		}
		return errors.Join(err, same("identities made", len(list), 1))
	})
}
