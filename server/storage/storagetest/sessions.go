package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// holds returns an error when a method's answer is not the one wanted.
func holds(what string, got bool, err error, want bool) error {
	if err == nil && got != want {
		err = fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return err
}

// counts returns an error when a method's count is not the one wanted.
func counts(what string, got int, err error, want int) error {
	if err == nil && got != want {
		err = fmt.Errorf("%s: %d, want %d", what, got, want)
	}
	return err
}

func testSessions(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Sessions.Session(sessionA)
		return errors.Join(err, same("session", got, session(sessionA)))
	})
	wants(t, db, storage.ErrExists, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { _, err := tx.Sessions.Session(sessionB); return err })
	for _, spoil := range []func(*storage.Session){
		func(s *storage.Session) { s.UserSub = subB }, // of another pool
		func(s *storage.Session) { s.PoolID = poolB },
		func(s *storage.Session) { s.ClientID = "nobody" },
	} {
		s := session(sessionB)
		spoil(&s)
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Sessions.Insert(s) })
	}
	bare := storage.Session{ID: "bare", PoolID: poolA, ClientID: clientA, UserSub: subA}
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(bare) })
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Sessions.Session("bare")
		return errors.Join(err, same("bare session", got, bare))
	})
}

func testAdvance(t *testing.T, db storage.Store) {
	seed(t, db)
	expires := noon.Add(24 * time.Hour)
	revoked, endless := session("revoked"), session("endless")
	revoked.RevokedAt, endless.ExpiresAt = noon, never
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session(sessionB)),
			tx.Sessions.Insert(revoked), tx.Sessions.Insert(endless))
	})
	for _, step := range []struct {
		what       string
		id         string
		generation int64
		rotate     bool
		now        time.Time
		life       time.Duration
		want       bool
	}{
		{"refresh without rotation", sessionA, 1, false, later, life, true},
		{"the generation is still the first", sessionA, 1, true, later.Add(1 * time.Second), life, true},
		{"used generation", sessionA, 1, true, later.Add(2 * time.Second), life, false},
		{"used generation, no rotation", sessionA, 1, false, later.Add(2 * time.Second), life, false},
		{"generation to come", sessionA, 3, true, later.Add(2 * time.Second), life, false},
		{"second generation", sessionA, 2, true, later.Add(3 * time.Second), life, true},
		{"tokens that end before those of an earlier refresh", sessionA, 3, false, later.Add(4 * time.Second), time.Hour, true},
		{"a clock that was set back", sessionA, 3, true, later, life, true},
		{"no such session", "nobody", 1, true, later, life, false},
		{"revoked", "revoked", 1, true, later, life, false},
		{"never expires", "endless", 1, true, expires.AddDate(100, 0, 0), life, true},
		{"a microsecond too late", sessionB, 1, true, expires, life, false},
		{"too late without rotation", sessionB, 1, false, expires, life, false},
		{"the last microsecond", sessionB, 1, true, expires.Add(-time.Microsecond), life, true},
		{"what is below a microsecond does not count", sessionB, 2, true, expires.Add(-1), life, true},
	} {
		update(t, db, func(tx storage.Tx) error {
			before, err := tx.Sessions.Session(step.id)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			ok, err := tx.Sessions.Advance(step.id, step.generation, step.rotate, step.now, step.now.Add(step.life))
			if err := holds(step.what, ok, err, step.want); err != nil || before.ID == "" {
				return err
			}
			want := before
			if step.want {
				now := step.now.Truncate(time.Microsecond)
				want.RefreshedAt = latest(before.RefreshedAt, now)
				want.TokensEndAt = latest(before.TokensEndAt, now.Add(step.life))
			}
			if step.want && step.rotate {
				want.Generation++
				want.RotatedAt = step.now.Truncate(time.Microsecond)
			}
			got, err := tx.Sessions.Session(step.id)
			return errors.Join(err, same(step.what, got, want))
		})
	}
	other := session("untouched")
	update(t, db, func(tx storage.Tx) error {
		err := tx.Sessions.Insert(other)
		ok, err2 := tx.Sessions.Advance(sessionA, 4, true, later, later)
		got, err3 := tx.Sessions.Session("untouched")
		return errors.Join(err, holds("advance", ok, err2, true), err3, same("another session", got, other))
	})
}

func testRevoke(t *testing.T, db storage.Store) {
	seed(t, db)
	third := session("third")
	foreign := session("foreign")
	foreign.PoolID, foreign.UserSub, foreign.ClientID = poolB, subB, clientB
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session(sessionB)),
			tx.Sessions.Insert(third), tx.Sessions.Insert(foreign))
	})
	revoke := func(ended storage.Ended, at time.Time, want int) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Sessions.Revoke(ended, at)
			return counts(fmt.Sprintf("revoked by %+v", ended), n, err, want)
		})
	}
	for _, none := range []storage.Ended{
		{}, {PoolID: poolA}, {PoolID: poolA, Except: sessionA}, {PoolID: poolA, SessionID: "nobody"}, {PoolID: poolB, SessionID: sessionA},
		{SessionID: sessionA}, {PoolID: poolB, UserSub: subA}, {PoolID: poolA, SessionID: sessionA, Except: sessionA},
		{PoolID: poolA, SessionID: sessionA, UserSub: subB}, {PoolID: poolA, UserSub: subA, ClientID: clientB},
	} {
		revoke(none, later, 0)
	}
	revoke(storage.Ended{PoolID: poolA, SessionID: sessionA}, later, 1)
	revoke(storage.Ended{PoolID: poolA, SessionID: sessionA}, later.Add(time.Hour), 0)
	revokedAt := func(id string, want time.Time) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			s, err := tx.Sessions.Session(id)
			return errors.Join(err, same(id+" revoked at", s.RevokedAt, want))
		})
	}
	revokedAt(sessionA, later)
	revokedAt(sessionB, never)
	evening := later.Add(5 * time.Hour)
	revoke(storage.Ended{PoolID: poolA, UserSub: subA, Except: "third"}, evening, 1)
	revokedAt(sessionA, later) // the first end counts
	revokedAt(sessionB, evening)
	revokedAt("third", never)
	revoke(storage.Ended{PoolID: poolA, ClientID: clientA}, evening, 1)
	revokedAt("third", evening)
	update(t, db, func(tx storage.Tx) error {
		for _, provider := range []string{"Corp", "Other", ""} {
			s := session("by " + provider)
			s.Provider = provider
			if err := tx.Sessions.Insert(s); err != nil {
				return err
			}
		}
		return nil
	})
	revoke(storage.Ended{PoolID: poolA, Provider: "Nobody"}, evening, 0)
	revoke(storage.Ended{PoolID: poolA, UserSub: subB, Provider: "Corp"}, evening, 0)
	revoke(storage.Ended{PoolID: poolA, Provider: "Corp"}, evening, 1)
	revoke(storage.Ended{PoolID: poolA, UserSub: subA, Provider: "Other"}, evening, 1)
	revokedAt("by ", never)
	revokedAt("foreign", never)
}

// testExcess: which sessions are beyond a bound, in which order.
func testExcess(t *testing.T, db storage.Store) {
	seed(t, db)
	insert := func(id string, refreshed time.Time, spoil func(*storage.Session)) {
		s := session(id)
		s.RefreshedAt, s.ExpiresAt, s.TokensEndAt = refreshed, later.Add(time.Hour), never
		spoil(&s)
		update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(s) })
	}
	as := func(*storage.Session) {}
	insert("second", noon.Add(2*time.Minute), as)
	insert("first", noon.Add(time.Minute), as)
	insert("third", noon.Add(3*time.Minute), as)
	insert("endless", noon.Add(4*time.Minute), func(s *storage.Session) { s.ExpiresAt = never })
	insert("tokens alive", noon.Add(5*time.Minute), func(s *storage.Session) { s.ExpiresAt, s.TokensEndAt = noon, later.Add(time.Microsecond) })
	insert("revoked", noon, func(s *storage.Session) { s.RevokedAt = noon })
	insert("expired", noon, func(s *storage.Session) { s.ExpiresAt = later })
	insert("foreign", noon, func(s *storage.Session) { s.PoolID, s.UserSub, s.ClientID = poolB, subB, clientB })
	for n, want := range map[[2]int][]string{
		{-1, -1}: {"first", "second", "third", "endless", "tokens alive"}, {0, 0}: {"first", "second", "third", "endless", "tokens alive"},
		{1, 1}: {"first", "second", "third", "endless"}, {3, 3}: {"first", "second"}, {4, 4}: {"first"}, {5, 5}: nil, {1000, 1000}: nil,
		{4, 3}: {"first", "second"}, {5, 3}: nil, {6, 3}: nil, {4, 5}: nil,
	} {
		view(t, db, func(tx storage.Tx) error {
			list, err := tx.Sessions.Excess(poolA, subA, n[0], n[1], later)
			return errors.Join(err, same(fmt.Sprint("more than and beyond ", n), keysOf(list, func(s storage.Session) string { return s.ID }), want))
		})
	}
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Sessions.Excess(poolA, "nobody", 0, 0, later)
		return errors.Join(err, same("of a user without sessions", len(list), 0))
	})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func testPruneSessions(t *testing.T, db storage.Store) {
	seed(t, db)
	insert := func(id string, expires, revoked time.Time) {
		s := session(id)
		s.ExpiresAt, s.RevokedAt = expires, revoked
		update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(s) })
	}
	insert("expired", noon, never)
	insert("revoked", later.Add(time.Hour), noon)
	insert("both", noon, noon)
	insert("expires just then", later, never)
	insert("revoked just then", never, later)
	insert("alive", later.Add(time.Hour), never)
	insert("endless", never, never)
	prune := func(limit, want int) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Sessions.Prune(later, limit)
			return counts("pruned", n, err, want)
		})
	}
	prune(0, 0)
	prune(-1, 0)
	prune(2, 2)
	prune(10, 1)
	prune(10, 0)
	for id, want := range map[string]error{
		"expired": storage.ErrNotFound, "revoked": storage.ErrNotFound, "both": storage.ErrNotFound,
		"expires just then": nil, "revoked just then": nil, "alive": nil, "endless": nil,
	} {
		if err := db.View(ctx, func(tx storage.Tx) error { _, err := tx.Sessions.Session(id); return err }); !errors.Is(err, want) {
			t.Errorf("session %q: error %v, want %v", id, err, want)
		}
	}
}

func testAttempts(t *testing.T, db storage.Store) {
	read := func(key string, want storage.Attempt) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Attempts.Attempt(key)
			return errors.Join(err, same("attempt", got, want))
		})
	}
	read("a", storage.Attempt{Key: "a"})
	first := storage.Attempt{Key: "a", Failures: 3, LastAt: noon, LockedUntil: later}
	second := storage.Attempt{Key: "a", Failures: 4, LastAt: later}
	update(t, db, func(tx storage.Tx) error { return tx.Attempts.Put(first) })
	read("a", first)
	update(t, db, func(tx storage.Tx) error { return tx.Attempts.Put(second) })
	read("a", second)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Attempts.Delete("a"), tx.Attempts.Delete("a"), tx.Attempts.Delete("never there"))
	})
	read("a", storage.Attempt{Key: "a"})

	update(t, db, func(tx storage.Tx) error {
		return errors.Join(
			tx.Attempts.Put(storage.Attempt{Key: "old", Failures: 1, LastAt: noon, LockedUntil: later}),
			tx.Attempts.Put(storage.Attempt{Key: "untouched", Failures: 1}),
			tx.Attempts.Put(storage.Attempt{Key: "just then", Failures: 1, LastAt: later}),
		)
	})
	for _, step := range [][2]int{{0, 0}, {1, 1}, {10, 1}, {10, 0}} {
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Attempts.Prune(later, step[0])
			return counts("pruned", n, err, step[1])
		})
	}
	read("just then", storage.Attempt{Key: "just then", Failures: 1, LastAt: later})
}

func testSpent(t *testing.T, db storage.Store) {
	spend := func(id string, until time.Time, want bool) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error {
			ok, err := tx.Spent.Spend(id, until)
			return holds("spend "+id, ok, err, want)
		})
	}
	used := func(id string, want bool) {
		t.Helper()
		view(t, db, func(tx storage.Tx) error {
			ok, err := tx.Spent.Used(id)
			return holds("used "+id, ok, err, want)
		})
	}
	used("a", false)
	spend("a", noon, true)
	used("a", true)
	used("b", false)
	spend("a", later, false)
	spend("b", later, true)
	spend("forever", never, true)
	for _, step := range [][2]int{{0, 0}, {10, 1}, {10, 0}} {
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Spent.Prune(later, step[0])
			return counts("pruned", n, err, step[1])
		})
	}
	used("a", false) // forgotten
	used("b", true)
	spend("a", noon, true)
	spend("b", later, false)
	spend("forever", later, false)
	if err := db.Update(ctx, func(tx storage.Tx) error {
		ok, err := tx.Spent.Spend("undone", later)
		return errors.Join(holds("spend", ok, err, true), errRefused)
	}); !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	spend("undone", later, true)
}
