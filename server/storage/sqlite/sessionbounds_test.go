package sqlite

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestSessionBounds: a bound never hides an excess, whether sessions begin, end, or are
// taken back, and a user with a bound is not counted.
func TestSessionBounds(t *testing.T) {
	t.Parallel()
	db := filled(t, Options{}, 0)
	now := time.Unix(1_800_000_000, 0)
	update := func(change func(storage.Tx) error) error { return db.Update(t.Context(), change) }
	session := func(i int) storage.Session {
		s := benchSession(i)
		s.UserSub, s.RefreshedAt, s.TokensEndAt = benchSub(1), now.Add(time.Duration(i)*time.Second), now.Add(time.Hour)
		return s
	}
	insert := func(tx storage.Tx, numbers ...int) error {
		for _, i := range numbers {
			if err := tx.Sessions.Insert(session(i)); err != nil {
				return err
			}
		}
		return nil
	}
	check := func(what string, most int, want ...int) {
		t.Helper()
		err := update(func(tx storage.Tx) error {
			list, err := tx.Sessions.Excess(benchPool, benchSub(1), most, most, now)
			var got, wanted []string
			for _, s := range list {
				got = append(got, s.ID)
			}
			for _, i := range want {
				wanted = append(wanted, session(i).ID)
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	bound := func() (n int64) {
		err := update(func(storage.Tx) error {
			n = db.writer.batch.bounds.users[userKey{benchPool, benchSub(1)}]
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	base := 1_000
	must(update(func(tx storage.Tx) error { return insert(tx, base, base+1, base+2) }))
	check("three of three", 3)
	if bound() != 3 {
		t.Errorf("bound %d, want 3", bound())
	}
	must(update(func(tx storage.Tx) error { return insert(tx, base+3) }))
	check("four of three", 3, base)
	undone := errors.New("undone")
	if err := update(func(tx storage.Tx) error { return errors.Join(insert(tx, base+4, base+5), undone) }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	check("four of four, after two that were undone", 4)
	check("four of three again", 3, base)
	must(update(func(tx storage.Tx) error {
		_, err := tx.Sessions.Revoke(storage.Ended{PoolID: benchPool, SessionID: session(base).ID}, now)
		return err
	}))
	check("three of three, after one ended", 3)
	must(update(func(tx storage.Tx) error { return insert(tx, base+6) }))
	check("four of three, after another began", 3, base+1)
	check("two beyond", 2, base+1, base+2)
	if err := db.View(t.Context(), func(tx storage.Tx) error {
		list, err := tx.Sessions.Excess(benchPool, benchSub(1), 3, 3, now)
		if !slices.ContainsFunc(list, func(s storage.Session) bool { return s.ID == session(base+1).ID }) {
			t.Errorf("in a View: %v", list)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSessionBoundsAreBounded(t *testing.T) {
	t.Parallel()
	var b sessionBounds
	for i := range 3 * maxSessionBounds {
		b.counted(userKey{"pool", benchSub(i)}, int64(i))
	}
	if n := len(b.users); n > maxSessionBounds {
		t.Errorf("%d users, want at most %d", n, maxSessionBounds)
	}
	k := userKey{"pool", benchSub(3*maxSessionBounds - 1)}
	if n := int64(3*maxSessionBounds - 1); !b.atMost(k, n) || b.atMost(k, n-1) {
		t.Error("the last count is lost")
	}
}
