package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// A kind is one sort of entity with the four operations that most tables have.
type kind[E any] struct {
	insert, update, remove func(storage.Tx, E) error
	read                   func(storage.Tx, E) (E, error)
	sample, changed        E
	stranger               E // same shape, never inserted, in a pool that exists
	orphan                 E // in a pool that does not exist
}

// check takes an entity through its life. The Store is seeded.
func (k kind[E]) check(t *testing.T, db storage.Store) {
	reads := func(want E) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := k.read(tx, want)
			return errors.Join(err, same("read", got, want))
		})
	}
	missing := func(e E) {
		t.Helper()
		if err := db.View(ctx, func(tx storage.Tx) error { _, err := k.read(tx, e); return err }); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("reading what is not there: error %v, want ErrNotFound", err)
		}
	}
	missing(k.sample)
	update(t, db, func(tx storage.Tx) error { return k.insert(tx, k.sample) })
	reads(k.sample)
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return k.insert(tx, k.changed) })
	reads(k.sample)
	update(t, db, func(tx storage.Tx) error { return k.update(tx, k.changed) })
	reads(k.changed)
	missing(k.stranger)
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return k.update(tx, k.stranger) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return k.remove(tx, k.stranger) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return k.insert(tx, k.orphan) })
	missing(k.stranger)
	missing(k.orphan)
	update(t, db, func(tx storage.Tx) error { return k.remove(tx, k.sample) })
	missing(k.sample)
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return k.remove(tx, k.sample) })
	update(t, db, func(tx storage.Tx) error { return k.insert(tx, k.sample) })
	reads(k.sample)
}

func testPools(t *testing.T, db storage.Store) {
	sample, changed := pool("us-east-1_000000000"), pool("us-east-1_000000000")
	changed.Name, changed.Settings, changed.ModifiedAt = "", nil, never
	get := func(tx storage.Tx, p storage.Pool) error {
		got, err := tx.Pools.Pool(p.ID)
		return errors.Join(err, same("pool", got, p))
	}
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Insert(sample) })
	view(t, db, func(tx storage.Tx) error { return get(tx, sample) })
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Pools.Insert(changed) })
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Update(changed) })
	view(t, db, func(tx storage.Tx) error { return get(tx, changed) })
	for _, id := range []string{"", "us-east-1_00000000", "US-EAST-1_000000000"} {
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Pools.Pool(id); return err })
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Pools.Update(pool(id)) })
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Pools.Delete(id) })
	}
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(sample.ID) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return get(tx, sample) })
}

func testClients(t *testing.T, db storage.Store) {
	seed(t, db)
	sample := client(poolA, "2cccccccccccccccccccccccccc")
	changed := sample
	changed.Name, changed.Secret, changed.Settings, changed.CreatedAt = "other", nil, []byte("new"), later
	kind[storage.Client]{
		insert: func(tx storage.Tx, c storage.Client) error { return tx.Clients.Insert(c) },
		update: func(tx storage.Tx, c storage.Client) error { return tx.Clients.Update(c) },
		remove: func(tx storage.Tx, c storage.Client) error { return tx.Clients.Delete(c.ID) },
		read:   func(tx storage.Tx, c storage.Client) (storage.Client, error) { return tx.Clients.Client(c.ID) },
		sample: sample, changed: changed,
		stranger: client(poolA, "3dddddddddddddddddddddddddd"),
		orphan:   client("us-east-1_nowhere00", "4eeeeeeeeeeeeeeeeeeeeeeeeee"),
	}.check(t, db)

	moved := sample
	moved.PoolID = poolB
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Clients.Update(moved) })
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Clients.Insert(client(poolB, clientA)) })

	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Delete(clientA) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Sessions.Session(sessionA); return err })
	view(t, db, func(tx storage.Tx) error { _, err := tx.Clients.Client(clientB); return err })
}

func testGroups(t *testing.T, db storage.Store) {
	seed(t, db)
	sample := group(poolA, "admins")
	changed := group(poolA, "admins")
	changed.Precedence, changed.Description, changed.RoleARN, changed.ModifiedAt = nil, "", "", never
	kind[storage.Group]{
		insert: func(tx storage.Tx, g storage.Group) error { return tx.Groups.Insert(g) },
		update: func(tx storage.Tx, g storage.Group) error { return tx.Groups.Update(g) },
		remove: func(tx storage.Tx, g storage.Group) error { return tx.Groups.Delete(g.PoolID, g.Name) },
		read: func(tx storage.Tx, g storage.Group) (storage.Group, error) {
			return tx.Groups.Group(g.PoolID, g.Name)
		},
		sample: sample, changed: changed,
		stranger: group(poolB, "admins"),
		orphan:   group("us-east-1_nowhere00", "admins"),
	}.check(t, db)
}

func testMembers(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.Groups.Insert(group(poolA, "admins")), tx.Groups.Insert(group(poolA, "writers")),
			tx.Members.Add(poolA, "writers", subA), tx.Members.Add(poolA, "admins", subA),
			tx.Members.Add(poolA, "admins", subA),
		)
	})
	groupsOf := func(want ...storage.Group) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Members.GroupsOf(poolA, subA, "", 10)
			return errors.Join(err, same("groups", got, want))
		})
	}
	usersIn := func(group string, want ...storage.User) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Members.UsersIn(poolA, group, "", 10)
			return errors.Join(err, same("users in "+group, got, want))
		})
	}
	groupsOf(group(poolA, "admins"), group(poolA, "writers"))
	usersIn("admins", user(poolA, subA, "ann"))
	usersIn("nobody")
	for _, missing := range [][3]string{
		{poolA, "nobody", subA}, {poolA, "admins", subB}, {poolB, "admins", subA}, {"", "", ""},
	} {
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error {
			return tx.Members.Add(missing[0], missing[1], missing[2])
		})
		update(t, db, func(tx storage.Tx) error { return tx.Members.Remove(missing[0], missing[1], missing[2]) })
	}
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Members.Remove(poolA, "writers", subA), tx.Members.Remove(poolA, "writers", subA))
	})
	groupsOf(group(poolA, "admins"))
	update(t, db, func(tx storage.Tx) error { return tx.Groups.Delete(poolA, "admins") })
	groupsOf()

	// Neither comes back with the group or the user.
	update(t, db, func(tx storage.Tx) error { return tx.Groups.Insert(group(poolA, "admins")) })
	usersIn("admins")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Members.Add(poolA, "admins", subA), tx.Users.Delete(poolA, subA))
	})
	usersIn("admins")
	update(t, db, func(tx storage.Tx) error { return tx.Users.Insert(user(poolA, subA, "ann")) })
	groupsOf()
}

func testKeys(t *testing.T, db storage.Store) {
	seed(t, db)
	sample := key(poolA, "kid-1")
	changed := sample
	changed.RetireAt, changed.Use, changed.Private = later, "id", nil
	kind[storage.Key]{
		insert: func(tx storage.Tx, k storage.Key) error { return tx.Keys.Insert(k) },
		update: func(tx storage.Tx, k storage.Key) error { return tx.Keys.Update(k) },
		remove: func(tx storage.Tx, k storage.Key) error { return tx.Keys.Delete(k.PoolID, k.ID) },
		read: func(tx storage.Tx, k storage.Key) (storage.Key, error) {
			list, err := tx.Keys.List(k.PoolID)
			if err != nil {
				return k, err
			}
			i := slices.IndexFunc(list, func(other storage.Key) bool { return other.ID == k.ID })
			if i < 0 {
				return k, storage.ErrNotFound
			}
			return list[i], nil
		},
		sample: sample, changed: changed,
		stranger: key(poolB, "kid-1"),
		orphan:   key("us-east-1_nowhere00", "kid-1"),
	}.check(t, db)

	oldest, newest := key(poolA, "kid-2"), key(poolA, "kid-0")
	oldest.CreatedAt, newest.CreatedAt = noon.Add(-1), later
	unknown := key(poolA, "kid-9")
	unknown.CreatedAt = never
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Keys.Insert(newest), tx.Keys.Insert(oldest), tx.Keys.Insert(unknown))
	})
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Keys.List(poolA)
		var ids []string
		for _, k := range list {
			ids = append(ids, k.ID)
		}
		return errors.Join(err, same("oldest first", ids, []string{"kid-9", "kid-2", "kid-1", "kid-0"}))
	})
}

func testPoolCascade(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.Groups.Insert(group(poolA, "admins")), tx.Members.Add(poolA, "admins", subA),
			tx.Groups.Insert(group(poolB, "admins")), tx.Members.Add(poolB, "admins", subB),
			tx.Sessions.Insert(session(sessionA)), tx.Keys.Insert(key(poolA, "kid")), tx.Keys.Insert(key(poolB, "kid")),
		)
	})
	before := contents(t, db, poolB)
	view(t, db, func(tx storage.Tx) error { // so that a cache has something to forget
		_, err := tx.Users.Lookup(poolA, "ann")
		_, err2 := tx.Sessions.Session(sessionA)
		_, err3 := tx.Clients.Client(clientA)
		return errors.Join(err, err2, err3)
	})
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	if err := same("what is left of the deleted pool", contents(t, db, poolA), ""); err != nil {
		t.Error(err)
	}
	if err := same("the other pool", contents(t, db, poolB), before); err != nil {
		t.Error(err)
	}
	for name, read := range map[string]func(storage.Tx) error{
		"user":    func(tx storage.Tx) error { _, err := tx.Users.BySub(poolA, subA); return err },
		"login":   func(tx storage.Tx) error { _, err := tx.Users.Lookup(poolA, "ann"); return err },
		"client":  func(tx storage.Tx) error { _, err := tx.Clients.Client(clientA); return err },
		"session": func(tx storage.Tx) error { _, err := tx.Sessions.Session(sessionA); return err },
		"pool":    func(tx storage.Tx) error { _, err := tx.Pools.Pool(poolA); return err },
	} {
		if err := db.View(ctx, read); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s of the deleted pool: error %v, want ErrNotFound", name, err)
		}
	}
	// Nothing is in the way of the same names.
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Pools.Insert(pool(poolA)), tx.Users.Insert(user(poolA, subA, "ann")))
	})
}

// contents writes out a pool's lists, or nothing when all are empty.
func contents(t *testing.T, db storage.Store, poolID string) string {
	t.Helper()
	text := ""
	view(t, db, func(tx storage.Tx) error {
		clients, err := tx.Clients.List(poolID, "", 100)
		users, err2 := tx.Users.List(poolID, storage.UserFilter{}, storage.UserCursor{}, 100)
		groups, err3 := tx.Groups.List(poolID, "", 100)
		keys, err4 := tx.Keys.List(poolID)
		members, err5 := tx.Members.UsersIn(poolID, "admins", "", 100)
		if len(clients)+len(users)+len(groups)+len(keys)+len(members) > 0 {
			text = fmt.Sprintln(len(clients), len(users), len(groups), len(keys), len(members))
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
	return text
}
