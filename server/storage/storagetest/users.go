package storagetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func testUsers(t *testing.T, db storage.Store) {
	seed(t, db)
	const sub = "0ccccccc-0000-4000-8000-000000000000"
	changed := user(poolA, sub, "carla", "carla@example.com")
	changed.Status, changed.Enabled, changed.Verifier, changed.Salt = "RESET_REQUIRED", false, nil, nil
	changed.Attributes = map[string]string{"email": "", "name": "Carla \U0001f511"}
	changed.PasswordEpoch, changed.SignOuts, changed.TemporaryUntil = 1<<62, -1, never
	kind[storage.User]{
		insert: func(tx storage.Tx, u storage.User) error { return tx.Users.Insert(u) },
		update: func(tx storage.Tx, u storage.User) error { return tx.Users.Update(u) },
		remove: func(tx storage.Tx, u storage.User) error { return tx.Users.Delete(u.PoolID, u.Sub) },
		read: func(tx storage.Tx, u storage.User) (storage.User, error) {
			return tx.Users.BySub(u.PoolID, u.Sub)
		},
		sample: user(poolA, sub, "carl", "+15550100"), changed: changed,
		stranger: user(poolB, sub, "carl"),
		orphan:   user("us-east-1_nowhere00", sub, "carl"),
	}.check(t, db)

	bare := storage.User{PoolID: poolA, Sub: "bare"}
	update(t, db, func(tx storage.Tx) error { return tx.Users.Insert(bare) })
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Users.BySub(poolA, "bare")
		return errors.Join(err, same("user without anything", got, bare))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	update(t, db, func(tx storage.Tx) error { return tx.Users.Delete(poolA, subA) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Sessions.Session(sessionA); return err })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
}

func testLogins(t *testing.T, db storage.Store) {
	seed(t, db)
	const sub = "0ccccccc-0000-4000-8000-000000000000"
	taken := func(login string, change func(storage.Tx) error) {
		t.Helper()
		err := db.Update(ctx, change)
		var e *storage.LoginTakenError
		if !errors.As(err, &e) || e.Login != login || !errors.Is(err, storage.ErrExists) {
			t.Errorf("error %v, want that login %q is taken", err, login)
		}
	}
	finds := func(login, sub string) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Users.Lookup(poolA, login)
			if sub == "" {
				if !errors.Is(err, storage.ErrNotFound) {
					return fmt.Errorf("lookup of %q: user %q, error %v, want ErrNotFound", login, got.Sub, err)
				}
				return nil
			}
			return errors.Join(err, same("lookup of "+login, got.Sub, sub))
		})
	}
	taken("ann", func(tx storage.Tx) error { return tx.Users.Insert(user(poolA, sub, "carl", "ann")) })
	finds("carl", "")
	update(t, db, func(tx storage.Tx) error { return tx.Users.Insert(user(poolA, sub, "carl", "c@example.com", "carl")) })
	finds("carl", sub)
	finds("c@example.com", sub)
	finds("C@example.com", "")
	finds("bob", "") // of the other pool
	taken("c@example.com", func(tx storage.Tx) error { return tx.Users.Update(user(poolA, subA, "ann", "c@example.com")) })
	finds("ann", subA)

	// Logins that a user gives up are free at once, those kept stay its own.
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.Users.Update(user(poolA, sub, "carl", "carl@example.com")),
			tx.Users.Update(user(poolA, subA, "ann", "c@example.com")),
		)
	})
	finds("c@example.com", subA)
	finds("carl@example.com", sub)
	finds("carl", sub)

	// A closure may go on after a login was taken; nothing of the attempt stays.
	update(t, db, func(tx storage.Tx) error {
		err := tx.Users.Update(user(poolA, sub, "new", "ann"))
		if !errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("error %v, want that a login is taken", err)
		}
		if err := tx.Users.Insert(user(poolA, "other", "newer", "ann")); !errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("error %v, want that a login is taken", err)
		}
		return nil
	})
	finds("new", "")
	finds("newer", "")
	finds("carl", sub)

	update(t, db, func(tx storage.Tx) error { return tx.Users.Delete(poolA, sub) })
	finds("carl", "")
	finds("carl@example.com", "")
	update(t, db, func(tx storage.Tx) error { return tx.Users.Update(user(poolA, subA, "carl")) })
	finds("carl", subA)
	finds("ann", "")
}

func testUserFilter(t *testing.T, db storage.Store) {
	seed(t, db)
	dora, emil := user(poolA, "s-1", "Dora"), user(poolA, "s-2", "emil")
	dora.Status, dora.Attributes = "UNCONFIRMED", map[string]string{"email": "dora@example.com", "name": "", "nick": "100%"}
	emil.Enabled, emil.Attributes = false, map[string]string{"email": "do_ra@example.com", "name": "Émil", "nick": "100x"}
	update(t, db, func(tx storage.Tx) error { return errors.Join(tx.Users.Insert(dora), tx.Users.Insert(emil)) })
	for _, test := range []struct {
		attribute string
		match     storage.Match
		value     string
		want      []string
	}{
		{"", storage.Equals, "", []string{subA, "s-1", "s-2"}},
		{"", storage.StartsWith, "ignored", []string{subA, "s-1", "s-2"}},
		{"username", storage.Equals, "Dora", []string{"s-1"}},
		{"username", storage.Equals, "dora", nil},
		{"username", storage.StartsWith, "", []string{"s-1", subA, "s-2"}},
		{"username", storage.StartsWith, "e", []string{"s-2"}},
		{"sub", storage.Equals, "s-2", []string{"s-2"}},
		{"sub", storage.StartsWith, "s-", []string{"s-1", "s-2"}},
		{"cognito:user_status", storage.Equals, "UNCONFIRMED", []string{"s-1"}},
		{"cognito:user_status", storage.StartsWith, "CONF", []string{subA, "s-2"}},
		{"status", storage.Equals, "Enabled", []string{subA, "s-1"}},
		{"status", storage.Equals, "Disabled", []string{"s-2"}},
		{"status", storage.Equals, "enabled", nil},
		{"status", storage.StartsWith, "Dis", []string{"s-2"}},
		{"status", storage.StartsWith, "", []string{"s-2", subA, "s-1"}},
		{"email", storage.Equals, "dora@example.com", []string{"s-1"}},
		{"email", storage.StartsWith, "do", []string{"s-2", "s-1"}},
		{"email", storage.StartsWith, "do_", []string{"s-2"}},
		{"email", storage.StartsWith, "%", nil},
		{"email", storage.StartsWith, "", []string{subA, "s-2", "s-1"}},
		{"nick", storage.StartsWith, "100%", []string{"s-1"}},
		{"nick", storage.Equals, "100_", nil},
		{"name", storage.Equals, "", []string{"s-1"}}, // has it, and it is empty
		{"name", storage.StartsWith, "É", []string{"s-2"}},
		{"missing", storage.StartsWith, "", nil},
		{"email", storage.Equals, "' OR 1=1 --", nil},
		{"' OR 1=1 --", storage.Equals, "x", nil},
		{"email = '' OR 1=1 --", storage.StartsWith, "", nil},
	} {
		filter := storage.UserFilter{Attribute: test.attribute, Match: test.match, Value: test.value}
		view(t, db, func(tx storage.Tx) error {
			list, err := tx.Users.List(poolA, filter, storage.UserCursor{}, 10)
			subs := keysOf(list, func(u storage.User) string { return u.Sub })
			return errors.Join(err, same(fmt.Sprintf("users that pass %+v", filter), subs, test.want))
		})
	}

	// The search knows what an update changed, and what a deletion took away.
	emil.Attributes = map[string]string{"email": "emil@example.com"}
	update(t, db, func(tx storage.Tx) error { return errors.Join(tx.Users.Update(emil), tx.Users.Delete(poolA, "s-1")) })
	for value, want := range map[string][]string{"do": nil, "emil@": {"s-2"}, "ann": {subA}} {
		view(t, db, func(tx storage.Tx) error {
			list, err := tx.Users.List(poolA, storage.UserFilter{Attribute: "email", Match: storage.StartsWith, Value: value}, storage.UserCursor{}, 10)
			return errors.Join(err, same("email ^= "+value, keysOf(list, func(u storage.User) string { return u.Sub }), want))
		})
	}
}

// testHostileText stores text that means something to SQL, to LIKE, to JSON or
// to C in every place that takes text, and reads it back byte for byte.
func testHostileText(t *testing.T, db storage.Store) {
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Insert(pool(poolA)) })
	for i, text := range []string{
		"' OR 1=1 --", `"; DROP TABLE users; --`, "%", "_", `\`, "$1", "?", ":a", "@a", "\x00", "a\x00b", "\n\t\r", "null", "[]",
		"{\"a\":1}", "\u2028", "<script>", "日本語", "\U0001f511", "e\u0301", "é", "\u00ad", "\ufeff", "\ufffd",
	} {
		u := user(poolA, text, text)
		u.Logins = []string{text, text + "@"}
		u.Status, u.Attributes = text, map[string]string{text: text, "name" + text: "value" + text}
		s := storage.Session{
			ID: text, PoolID: poolA, ClientID: text, UserSub: text, OriginJTI: text, DeviceKey: text, Scope: text,
		}
		g := storage.Group{PoolID: poolA, Name: text, Description: text, RoleARN: text}
		a := storage.Attempt{Key: text, Failures: i}
		update(t, db, func(tx storage.Tx) error {
			spent, err := tx.Spent.Spend(text, later)
			return errors.Join(err, same("first use", spent, true),
				tx.Clients.Insert(client(poolA, text)), tx.Users.Insert(u), tx.Groups.Insert(g),
				tx.Members.Add(poolA, text, text), tx.Sessions.Insert(s), tx.Attempts.Put(a), tx.Keys.Insert(key(poolA, text)))
		})
		view(t, db, func(tx storage.Tx) error {
			gotUser, err := tx.Users.Lookup(poolA, text+"@")
			gotSession, err2 := tx.Sessions.Session(text)
			gotGroups, err3 := tx.Members.GroupsOf(poolA, text, "", 10)
			gotAttempt, err4 := tx.Attempts.Attempt(text)
			filtered, err5 := tx.Users.List(poolA, storage.UserFilter{Attribute: "name" + text, Value: "value" + text}, storage.UserCursor{}, 10)
			return errors.Join(err, err2, err3, err4, err5,
				same("user", gotUser, u), same("session", gotSession, s), same("groups", gotGroups, []storage.Group{g}),
				same("attempt", gotAttempt, a), same("filtered", filtered, []storage.User{u}))
		})
	}
}
