package storagetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

var errRefused = errors.New("the closure's own error")

// testTimes: UTC, microseconds, and a zero Time that stays one.
func testTimes(t *testing.T, db storage.Store) {
	zone, clock := time.FixedZone("elsewhere", 3*3600), time.Now()
	for name, test := range map[string]struct{ in, want time.Time }{
		"zero":             {time.Time{}, time.Time{}},
		"zero elsewhere":   {time.Time{}.In(zone), time.Time{}},
		"nanoseconds":      {time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)},
		"zone":             {time.Date(2026, 1, 2, 3, 4, 5, 0, zone), time.Date(2026, 1, 2, 0, 4, 5, 0, time.UTC)},
		"epoch":            {time.Unix(0, 0), time.Unix(0, 0).UTC()},
		"before the epoch": {time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		"far":              {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		"monotonic":        {clock, time.UnixMicro(clock.UnixMicro()).UTC()},
	} {
		p := storage.Pool{ID: name, CreatedAt: test.in, ModifiedAt: test.in}
		update(t, db, func(tx storage.Tx) error { return tx.Pools.Insert(p) })
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Pools.Pool(name)
			if err == nil && got.CreatedAt != test.want { // not Equal: the zone and the clock reading count
				err = fmt.Errorf("%s: %#v, want %#v", name, got.CreatedAt, test.want)
			}
			return err
		})
	}
	update(t, db, func(tx storage.Tx) error {
		return tx.Attempts.Put(storage.Attempt{Key: "clock", LastAt: clock})
	})
	view(t, db, func(tx storage.Tx) error {
		a, err := tx.Attempts.Attempt("clock")
		if want := time.UnixMicro(clock.UnixMicro()).UTC(); a.LastAt != want {
			err = errors.Join(err, fmt.Errorf("reading of the clock: %#v, want %#v", a.LastAt, want))
		}
		return err
	})
}

// testCopies changes what went in and what came out; the Store must not care.
func testCopies(t *testing.T, db storage.Store) {
	p, c, u, g, k := pool(poolA), client(poolA, clientA), user(poolA, subA, "ann"), group(poolA, "admins"), key(poolA, "kid")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Pools.Insert(p), tx.Clients.Insert(c), tx.Users.Insert(u), tx.Groups.Insert(g),
			tx.Keys.Insert(k), tx.Members.Add(poolA, "admins", subA))
	})
	spoil := func() {
		p.Settings[0]++
		c.Secret[0]++
		c.Settings[0]++
		u.Logins[0], u.Attributes["email"], u.Attributes["new"] = "changed", "changed", "changed"
		u.Salt[0]++
		u.Verifier[0]++
		*g.Precedence = 99
		k.Public[0]++
		k.Private[0]++
	}
	spoil()
	for range 3 {
		view(t, db, func(tx storage.Tx) (err error) {
			var errs [8]error
			p, errs[0] = tx.Pools.Pool(poolA)
			c, errs[1] = tx.Clients.Client(clientA)
			u, errs[2] = tx.Users.Lookup(poolA, "ann")
			g, errs[3] = tx.Groups.Group(poolA, "admins")
			keys, err := tx.Keys.List(poolA)
			users, err2 := tx.Users.List(poolA, storage.UserFilter{}, storage.UserCursor{}, 1)
			in, err3 := tx.Members.UsersIn(poolA, "admins", "", 1)
			of, err4 := tx.Members.GroupsOf(poolA, subA, "", 1)
			if err := errors.Join(append(errs[:], err, err2, err3, err4)...); err != nil {
				return err
			}
			k = keys[0]
			err = errors.Join(same("pool", p, pool(poolA)), same("client", c, client(poolA, clientA)),
				same("user", u, user(poolA, subA, "ann")), same("group", g, group(poolA, "admins")),
				same("key", k, key(poolA, "kid")), same("listed", users[0], user(poolA, subA, "ann")),
				same("member", in[0], user(poolA, subA, "ann")), same("group of", of[0], group(poolA, "admins")))
			users[0].Attributes["email"], in[0].Logins[0], *of[0].Precedence = "spoiled", "spoiled", 98
			return err
		})
		spoil()
	}
}

func testRollback(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	err := db.Update(ctx, func(tx storage.Tx) error {
		advanced, err := tx.Sessions.Advance(sessionA, 1, true, later, later)
		revoked, err2 := tx.Sessions.Revoke(storage.Ended{PoolID: poolA, SessionID: sessionA}, later)
		err = errors.Join(holds("advance", advanced, err, true), counts("revoke", revoked, err2, 1),
			tx.Pools.Insert(pool("us-east-1_CCCCCCCCC")), tx.Clients.Delete(clientB),
			tx.Users.Update(user(poolA, subA, "renamed")), tx.Attempts.Put(storage.Attempt{Key: "a", Failures: 1}),
			tx.Groups.Insert(group(poolA, "admins")), tx.Members.Add(poolA, "admins", subA), tx.Pools.Delete(poolB))
		if err != nil {
			return err
		}
		u, err := tx.Users.Lookup(poolA, "renamed") // a closure sees what it did
		if err != nil || u.Username != "renamed" {
			return fmt.Errorf("own change: %q, %w", u.Username, err)
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Fatalf("error %v, want the closure's own", err)
	}
	view(t, db, func(tx storage.Tx) error {
		s, err := tx.Sessions.Session(sessionA)
		u, err2 := tx.Users.Lookup(poolA, "ann")
		c, err3 := tx.Clients.Client(clientB)
		a, err4 := tx.Attempts.Attempt("a")
		pools, err5 := tx.Pools.List("", 10)
		groups, err6 := tx.Groups.List(poolA, "", 10)
		return errors.Join(err, err2, err3, err4, err5, err6,
			same("session", s, session(sessionA)), same("user", u, user(poolA, subA, "ann")),
			same("client", c, client(poolB, clientB)), same("attempt", a, storage.Attempt{Key: "a"}),
			same("pools", pools, []storage.Pool{pool(poolA), pool(poolB)}), same("groups", len(groups), 0))
	})
	if err := db.View(ctx, func(storage.Tx) error { return errRefused }); !errors.Is(err, errRefused) {
		t.Errorf("View: error %v, want the closure's own", err)
	}
}

// testPanic: a closure that panics is an error to its caller and nobody else.
func testPanic(t *testing.T, db storage.Store) {
	err := db.Update(ctx, func(tx storage.Tx) error {
		if err := tx.Pools.Insert(pool(poolA)); err != nil {
			return err
		}
		panic("told to")
	})
	if err == nil {
		t.Fatal("Update of a closure that panics: no error")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("View kept a panic to itself")
			}
		}()
		_ = db.View(ctx, func(storage.Tx) error { panic("told to") })
	}()
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Pools.Pool(poolA); return err })
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Insert(pool(poolA)) })
	view(t, db, func(tx storage.Tx) error { _, err := tx.Pools.Pool(poolA); return err })
}

// writes are all methods that change something, on the seeded Store.
func writes(tx storage.Tx) map[string]func() error {
	only := func(_ any, err error) error { return err }
	return map[string]func() error{
		"Pools.Insert":     func() error { return tx.Pools.Insert(pool("new")) },
		"Pools.Update":     func() error { return tx.Pools.Update(storage.Pool{ID: poolA}) },
		"Pools.Delete":     func() error { return tx.Pools.Delete(poolA) },
		"Clients.Insert":   func() error { return tx.Clients.Insert(client(poolA, "new")) },
		"Clients.Update":   func() error { return tx.Clients.Update(storage.Client{ID: clientA, PoolID: poolA}) },
		"Clients.Delete":   func() error { return tx.Clients.Delete(clientA) },
		"Brandings.Put":    func() error { return tx.Brandings.Put(branding(poolA, clientA)) },
		"Brandings.Delete": func() error { return tx.Brandings.Delete(poolA, "") },
		"Users.Insert":     func() error { return tx.Users.Insert(user(poolA, "new", "new")) },
		"Users.Update":     func() error { return tx.Users.Update(user(poolA, subA, "renamed")) },
		"Users.Delete":     func() error { return tx.Users.Delete(poolA, subA) },
		"Groups.Insert":    func() error { return tx.Groups.Insert(group(poolA, "new")) },
		"Groups.Update":    func() error { return tx.Groups.Update(storage.Group{PoolID: poolA, Name: "admins"}) },
		"Groups.Delete":    func() error { return tx.Groups.Delete(poolA, "admins") },
		"Members.Add":      func() error { return tx.Members.Add(poolA, "admins", subA) },
		"Members.Remove":   func() error { return tx.Members.Remove(poolA, "admins", subA) },
		"Sessions.Insert":  func() error { return tx.Sessions.Insert(session(sessionB)) },
		"Sessions.Advance": func() error { return only(tx.Sessions.Advance(sessionA, 1, true, later, later)) },
		"Sessions.Revoke": func() error {
			return only(tx.Sessions.Revoke(storage.Ended{PoolID: poolA, UserSub: subA}, later))
		},
		"Sessions.Prune": func() error { return only(tx.Sessions.Prune(later.AddDate(9, 0, 0), 10)) },
		"Revocations.Append": func() error {
			return only(tx.Revocations.Append(storage.Ended{PoolID: poolA, UserSub: subA}, notice(noon)))
		},
		"Revocations.Admit":    func() error { return only(tx.Revocations.Admit(session(sessionB), noon)) },
		"Revocations.Prune":    func() error { return only(tx.Revocations.Prune(later, 10)) },
		"IdentityPools.Insert": func() error { return tx.IdentityPools.Insert(identityPool("new")) },
		"IdentityPools.Update": func() error { return tx.IdentityPools.Update(storage.IdentityPool{ID: idPoolA}) },
		"IdentityPools.Delete": func() error { return tx.IdentityPools.Delete(idPoolA) },
		"Identities.Insert":    func() error { return tx.Identities.Insert(identity(idPoolA, "new", bob)) },
		"Identities.Update":    func() error { return tx.Identities.Update(identity(idPoolA, identityA)) },
		"Identities.Delete":    func() error { return tx.Identities.Delete(identityA) },
		"Guests.Prune":         func() error { return only(tx.Guests.Prune(later, 10)) },
		"Keys.Insert":          func() error { return tx.Keys.Insert(key(poolA, "new")) },
		"Keys.Update":          func() error { return tx.Keys.Update(storage.Key{PoolID: poolA, ID: "kid"}) },
		"Keys.Delete":          func() error { return tx.Keys.Delete(poolA, "kid") },
		"Attempts.Put":         func() error { return tx.Attempts.Put(storage.Attempt{Key: "a"}) },
		"Attempts.Delete":      func() error { return tx.Attempts.Delete("a") },
		"Attempts.Prune":       func() error { return only(tx.Attempts.Prune(later, 10)) },
		"Codes.Put":            func() error { return tx.Codes.Put(code(poolA, subA, "reset")) },
		"Codes.Delete":         func() error { return tx.Codes.Delete(poolA, subA, "reset") },
		"Codes.Prune":          func() error { return only(tx.Codes.Prune(later, 10)) },
		"History.Add":          func() error { return tx.History.Add(former(poolA, subA, 1), 4) },
		"Spent.Spend":          func() error { return only(tx.Spent.Spend("a", later)) },
		"Spent.Prune":          func() error { return only(tx.Spent.Prune(later, 10)) },
		"Properties.Put":       func() error { return tx.Properties.Put("a", []byte("b")) },
	}
}

func testViewRefuses(t *testing.T, db storage.Store) {
	seed(t, db)
	seedIdentities(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Groups.Insert(group(poolA, "admins")), tx.Keys.Insert(key(poolA, "kid")),
			tx.Sessions.Insert(session(sessionA)), tx.Attempts.Put(storage.Attempt{Key: "a", Failures: 1}))
	})
	view(t, db, func(tx storage.Tx) error {
		for name, write := range writes(tx) {
			if err := write(); err == nil || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrExists) {
				t.Errorf("%s in a View: error %v, want a refusal", name, err)
			}
		}
		return nil
	})
	view(t, db, func(tx storage.Tx) error {
		s, err := tx.Sessions.Session(sessionA)
		u, err2 := tx.Users.BySub(poolA, subA)
		a, err3 := tx.Attempts.Attempt("a")
		return errors.Join(err, err2, err3, same("session", s, session(sessionA)),
			same("user", u, user(poolA, subA, "ann")), same("failures", a.Failures, 1))
	})
}

// testSnapshot: what a View sees stays while Updates go on around it.
func testSnapshot(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	view(t, db, func(tx storage.Tx) error {
		changed := make(chan error)
		go func() {
			changed <- db.Update(ctx, func(tx storage.Tx) error {
				_, err := tx.Sessions.Advance(sessionA, 1, true, later, later)
				return errors.Join(err, tx.Users.Update(user(poolA, subA, "renamed")), tx.Clients.Delete(clientB))
			})
		}()
		if err := <-changed; err != nil {
			return err
		}
		fresh := make(chan int64)
		go func() {
			var s storage.Session
			_ = db.View(ctx, func(tx storage.Tx) (err error) { s, err = tx.Sessions.Session(sessionA); return err })
			fresh <- s.Generation
		}()
		newer := <-fresh
		s, err := tx.Sessions.Session(sessionA)
		u, err2 := tx.Users.Lookup(poolA, "ann")
		_, err3 := tx.Clients.Client(clientB)
		return errors.Join(err, err2, err3, same("generation", s.Generation, int64(1)),
			same("name", u.Username, "ann"), same("generation in a later View", newer, int64(2)))
	})
}

func testUseAfterClosure(t *testing.T, db storage.Store) {
	seed(t, db)
	var kept storage.Tx
	keep := func(tx storage.Tx) error { kept = tx; return nil }
	for name, run := range map[string]func(context.Context, func(storage.Tx) error) error{"View": db.View, "Update": db.Update} {
		if err := run(ctx, keep); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Pools.Pool(poolA); err == nil {
			t.Errorf("read through the transaction of a finished %s: no error", name)
		}
		for method, write := range writes(kept) {
			if write() == nil {
				t.Errorf("%s through the transaction of a finished %s: no error", method, name)
			}
		}
	}
	view(t, db, func(tx storage.Tx) error { _, err := tx.Users.Lookup(poolA, "ann"); return err })
}

func testContext(t *testing.T, db storage.Store) {
	canceled, cancel := context.WithCancelCause(ctx)
	cancel(errRefused)
	ran := false
	run := func(storage.Tx) error { ran = true; return nil }
	if err := db.View(canceled, run); !errors.Is(err, context.Canceled) {
		t.Errorf("View after the end of its context: error %v", err)
	}
	if err := db.Update(canceled, run); !errors.Is(err, context.Canceled) {
		t.Errorf("Update after the end of its context: error %v", err)
	}
	if ran {
		t.Error("a closure ran although its context had ended")
	}
	// Once it runs, the closure's outcome counts.
	during, cancel2 := context.WithCancel(ctx)
	defer cancel2()
	if err := db.Update(during, func(tx storage.Tx) error { cancel2(); return tx.Pools.Insert(pool(poolA)) }); err != nil {
		t.Errorf("Update whose context ended while it ran: %v", err)
	}
	view(t, db, func(tx storage.Tx) error { _, err := tx.Pools.Pool(poolA); return err })
}

// testWithdrawnUpdate: an Update that gives up while it waits does not run later.
func testWithdrawnUpdate(t *testing.T, db storage.Store) {
	running, release, first := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		first <- db.Update(ctx, func(tx storage.Tx) error {
			close(running)
			<-release
			return tx.Pools.Insert(pool(poolA))
		})
	}()
	<-running
	patience, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	err := db.Update(patience, func(tx storage.Tx) error { return tx.Pools.Insert(pool(poolB)) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update that waited too long: error %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	update(t, db, func(tx storage.Tx) error {
		list, err := tx.Pools.List("", 10)
		return errors.Join(err, same("pools", list, []storage.Pool{pool(poolA)}))
	})
}

func testClose(t *testing.T, db storage.Store) {
	running, release := make(chan struct{}), make(chan struct{})
	updated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- db.Update(ctx, func(tx storage.Tx) error {
			close(running)
			<-release
			return tx.Pools.Insert(pool(poolA))
		})
	}()
	<-running
	go func() { closed <- db.Close() }()
	for db.View(ctx, func(storage.Tx) error { return nil }) == nil {
		runtime.Gosched() // Close has not begun
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned (%v) while an Update ran", err)
	default:
	}
	close(release)
	if err := errors.Join(<-updated, <-closed); err != nil {
		t.Fatal(err)
	}
	run := func(storage.Tx) error { return errors.New("ran") }
	for name, err := range map[string]error{"View": db.View(ctx, run), "Update": db.Update(ctx, run)} {
		if !errors.Is(err, storage.ErrClosed) {
			t.Errorf("%s of a closed Store: error %v, want ErrClosed", name, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
