package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// BenchmarkUserOfManySessions is what sign-ins and sign-outs of one user cost the
// writer when that user has as many live sessions as a user may have.
func BenchmarkUserOfManySessions(b *testing.B) {
	const most = 10_000
	db := filled(b, Options{}, 0)
	now := time.Unix(1_800_000_000, 0)
	update := func(change func(storage.Tx) error) {
		b.Helper()
		if err := db.Update(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	session := func(i int) storage.Session {
		s := benchSession(i)
		s.UserSub, s.RefreshedAt, s.TokensEndAt = benchSub(1), now.Add(time.Duration(i)*time.Millisecond), now.Add(time.Hour)
		return s
	}
	update(func(tx storage.Tx) error {
		for i := range most {
			if err := tx.Sessions.Insert(session(i)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, bound := range []int{most, most - 1} {
		b.Run(fmt.Sprint("Excess/", most-bound), func(b *testing.B) {
			for b.Loop() {
				update(func(tx storage.Tx) error {
					list, err := tx.Sessions.Excess(benchPool, benchSub(1), bound, bound, now)
					if len(list) != most-bound {
						b.Error(len(list))
					}
					return err
				})
			}
		})
	}
	b.Run("SignInAndOut", func(b *testing.B) {
		n := most
		for b.Loop() {
			n++
			at := now.Add(time.Duration(n) * time.Second / 38)
			s := session(n)
			s.RefreshedAt, s.TokensEndAt = at, at.Add(time.Hour)
			update(func(tx storage.Tx) error {
				if err := tx.Sessions.Insert(s); err != nil {
					return err
				}
				_, err := tx.Revocations.Append(storage.Ended{PoolID: benchPool, SessionID: s.ID},
					storage.Notice{At: at, Margin: time.Minute, PerUser: 200, Settle: 5 * time.Second})
				if err == nil {
					_, err = tx.Sessions.Revoke(storage.Ended{PoolID: benchPool, SessionID: s.ID}, at)
				}
				return err
			})
		}
	})
	b.Run("GlobalSignOut", func(b *testing.B) {
		n := 1_000_000
		for b.Loop() {
			b.StopTimer()
			update(func(tx storage.Tx) error {
				for range most {
					n++
					if err := tx.Sessions.Insert(session(n)); err != nil {
						return err
					}
				}
				return nil
			})
			b.StartTimer()
			update(func(tx storage.Tx) error {
				ended := storage.Ended{PoolID: benchPool, UserSub: benchSub(1)}
				at := now.Add(48 * time.Minute)
				_, err := tx.Revocations.Append(ended, storage.Notice{At: at, Margin: time.Minute, PerUser: 200, Settle: 5 * time.Second})
				if err == nil {
					_, err = tx.Sessions.Revoke(ended, at)
				}
				return err
			})
		}
	})
}
