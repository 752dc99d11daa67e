package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// plan is what SQLite says that it does for a statement.
func plan(t *testing.T, db *Store, sql string, args ...any) string {
	t.Helper()
	var steps []string
	err := db.View(t.Context(), func(tx storage.Tx) error {
		return tx.Users.(users).query("EXPLAIN QUERY PLAN "+sql, func(r *row) error {
			r.next = 3 // id, parent, unused
			steps = append(steps, r.text())
			return nil
		}, args...)
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(steps, "; ")
}

// searches reports whether a plan reads ranges of indexes only and sorts nothing.
func searches(plan string) bool {
	return plan != "" && !strings.Contains(plan, "SCAN") && !strings.Contains(plan, "TEMP B-TREE")
}

// TestUserListPlans: every page of every list is one range of an index in the
// list's order, with statistics about the tables and without.
func TestUserListPlans(t *testing.T) {
	t.Parallel()
	db := filled(t, Options{}, 0)
	for range 2 {
		for attribute, index := range map[string]string{
			"": "(pool_id=? AND sub>?)", "email": "SEARCH a USING PRIMARY KEY (pool_id=? AND name=? AND ", "custom:x": "SEARCH a USING PRIMARY KEY (pool_id=? AND name=? AND ",
			"username": "users_by_username (pool_id=? AND ", "cognito:user_status": "users_by_status (pool_id=? AND ",
			"status": "users_by_enabled (pool_id=?", "sub": "(pool_id=? AND ",
		} {
			for _, match := range []storage.Match{storage.Equals, storage.StartsWith} {
				for _, after := range []storage.UserCursor{{}, {Value: "Enabled", Sub: benchSub(3)}} {
					for _, value := range []string{"", "Enabled", "user3@example.com"} {
						filter := storage.UserFilter{Attribute: attribute, Match: match, Value: value}
						if q, ok := listQuery(benchPool, filter, after, 60); ok {
							got := plan(t, db, q.sql, q.args...)
							first, _, _ := strings.Cut(got, "; ") // the outer loop: what is read is what is listed
							if !searches(got) || !strings.Contains(first, index) {
								t.Errorf("%+v after %+v: %s", filter, after, got)
							}
						}
					}
				}
			}
		}
		err := db.Update(t.Context(), func(tx storage.Tx) error {
			_, err := tx.Users.(users).exec("ANALYZE")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSessionPlans: what a sign-in, a refresh and the end of a session look for is
// found by indexes.
func TestSessionPlans(t *testing.T) {
	t.Parallel()
	db := filled(t, Options{}, 0)
	now := time.Unix(1_800_000_000, 0)
	check := func(sql string, args ...any) {
		t.Helper()
		if got := plan(t, db, sql, args...); strings.Contains(got, "SCAN sessions") || strings.Contains(got, "SCAN revocations") {
			t.Errorf("%s: %s", sql, got)
		}
	}
	for _, ended := range []storage.Ended{
		{PoolID: benchPool, SessionID: "s"}, {PoolID: benchPool, UserSub: "u"}, {PoolID: benchPool, ClientID: benchClient},
	} {
		condition, args := selection(ended)
		check(revokeSelected+condition+notRevoked, append(args, now)...)
		check(goingOfUser+condition+`)`, append(args, "u", now, 1)...)
		check(appendEnded+condition+stillAlive, append(args, 1, now, 1)...)
	}
	check(countOfUser, benchPool, "u", 10)
	check(`SELECT `+revocationColumns+` FROM revocations WHERE pool_id = $1 AND user_sub = $2 AND before_time IS NOT NULL`, benchPool, "u")
	for sql, args := range map[string][]any{advance: {"s", 1, now, now}, advanceAndRotate: {"s", 1, now, now}} {
		check(sql, args...)
	}
}

// BenchmarkListUsers: pages of lists of 1,000 and of 200,000 users.
func BenchmarkListUsers(b *testing.B) {
	for _, n := range []int{1_000, 200_000} {
		db := openNew(b, Options{})
		fillUsers(b, db, n)
		for name, filter := range map[string]storage.UserFilter{
			"all": {}, "equals": {Attribute: "email", Value: "user700@example.com"},
			"prefix": {Attribute: "email", Match: storage.StartsWith, Value: "user7"}, "status": {Attribute: "cognito:user_status", Value: "CONFIRMED"},
		} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				for b.Loop() {
					err := db.View(b.Context(), func(tx storage.Tx) error {
						list, err := tx.Users.List(benchPool, filter, storage.UserCursor{}, 60)
						if len(list) == 0 {
							b.Error("no users")
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func fillUsers(b *testing.B, db *Store, n int) {
	b.Helper()
	for i := 0; i < n; i += 1000 {
		err := db.Update(b.Context(), func(tx storage.Tx) error {
			if i == 0 {
				if err := tx.Pools.Insert(storage.Pool{ID: benchPool}); err != nil {
					return err
				}
			}
			for j := i; j < i+1000; j++ {
				err := tx.Users.Insert(storage.User{
					PoolID: benchPool, Sub: benchSub(j), Username: fmt.Sprint("user", j), Status: "CONFIRMED", Enabled: true,
					Logins: []string{fmt.Sprint("user", j)}, Attributes: map[string]string{"email": fmt.Sprintf("user%d@example.com", j)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
