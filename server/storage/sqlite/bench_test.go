package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	benchPool, benchClient = "us-east-1_BENCHMARK", "1benchmarkclient0000000000"
	benchUsers             = 100
)

// filled opens a Store with a pool, a client, some users and that many sessions.
func filled(t testing.TB, opts Options, sessions int) *Store {
	t.Helper()
	db := openNew(t, opts)
	update := func(change func(storage.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx storage.Tx) error {
		errs := []error{
			tx.Pools.Insert(storage.Pool{ID: benchPool}),
			tx.Clients.Insert(storage.Client{ID: benchClient, PoolID: benchPool, Settings: make([]byte, 300)}),
		}
		for i := range benchUsers {
			errs = append(errs, tx.Users.Insert(storage.User{
				PoolID: benchPool, Sub: benchSub(i), Username: fmt.Sprint("user", i), Status: "CONFIRMED", Enabled: true,
				Logins:     []string{fmt.Sprint("user", i), fmt.Sprintf("user%d@example.com", i)},
				Attributes: map[string]string{"email": fmt.Sprintf("user%d@example.com", i), "email_verified": "true", "name": "A Name"},
				Salt:       make([]byte, 16), Verifier: make([]byte, 412),
			}))
		}
		return errors.Join(errs...)
	})
	for i := 0; i < sessions; i += 1000 {
		update(func(tx storage.Tx) error {
			for j := i; j < min(i+1000, sessions); j++ {
				if err := tx.Sessions.Insert(benchSession(j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return db
}

func benchSub(i int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", i*2654435761%(1<<32))
}

// benchSession has a random-looking id, as the service's have.
func benchSession(i int) storage.Session {
	now := time.Unix(1_800_000_000, 0)
	return storage.Session{
		ID: fmt.Sprintf("%08x-1111-4000-8000-%012x", i*2654435761%(1<<32), i), PoolID: benchPool, ClientID: benchClient,
		UserSub: benchSub(i % benchUsers), OriginJTI: fmt.Sprintf("%08x-2222-4000-8000-%012x", i*40503%(1<<32), i),
		Scope: "aws.cognito.signin.user.admin", Generation: 1, CreatedAt: now, RefreshedAt: now, RotatedAt: now,
		ExpiresAt: now.AddDate(1, 0, 0),
	}
}

const benchSessions = 100_000

// BenchmarkAdvance is the durable write of a refresh: alone, and with 32 callers
// who share commits. The transactions of 100 rows are what batching can reach.
func BenchmarkAdvance(b *testing.B) {
	db := filled(b, Options{}, benchSessions)
	now := time.Unix(1_800_000_100, 0)
	var next atomic.Int64
	advance := func(tx storage.Tx) error {
		id := benchSession(int(next.Add(7919) % benchSessions)).ID
		ok, err := tx.Sessions.Advance(id, 1, false, now, now)
		if err == nil && !ok {
			err = errors.New("not advanced")
		}
		return err
	}
	for _, callers := range []int{1, 8, 32, 128} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			before := db.Stats()
			inParallel(b, callers, func() error { return db.Update(b.Context(), advance) })
			after := db.Stats()
			b.ReportMetric(float64(after.Updates-before.Updates)/float64(after.Commits-before.Commits), "updates/commit")
		})
	}
	b.Run("transaction=100", func(b *testing.B) {
		for i := 0; i < b.N; i += 100 {
			err := db.Update(b.Context(), func(tx storage.Tx) error {
				for range 100 {
					if err := advance(tx); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// inParallel runs b.N operations on that many goroutines.
func inParallel(b *testing.B, callers int, run func() error) {
	if procs := runtime.GOMAXPROCS(0); callers >= procs {
		b.SetParallelism(callers / procs)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := run(); err != nil {
					b.Error(err)
					return
				}
			}
		})
		return
	}
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInsertSession(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			db := filled(b, Options{}, 1000)
			next := atomic.Int64{}
			next.Store(1000)
			inParallel(b, callers, func() error {
				s := benchSession(int(next.Add(1)))
				return db.Update(b.Context(), func(tx storage.Tx) error { return tx.Sessions.Insert(s) })
			})
		})
	}
}

func BenchmarkAttempt(b *testing.B) {
	db := filled(b, Options{}, 0)
	inParallel(b, 32, func() error {
		return db.Update(b.Context(), func(tx storage.Tx) error {
			a, err := tx.Attempts.Attempt("ann")
			if err != nil {
				return err
			}
			a.Failures++
			return errors.Join(tx.Attempts.Put(a), tx.Attempts.Delete("bob"))
		})
	})
}

// BenchmarkView reads a session and its user: from the cache, without one, and
// while writers make snapshots old.
func BenchmarkView(b *testing.B) {
	for name, opts := range map[string]Options{"cached": {}, "uncached": {CacheRows: -1}} {
		db := filled(b, opts, 1000)
		var next atomic.Int64
		view := func() error {
			s := benchSession(int(next.Add(1) % 1000))
			return db.View(b.Context(), func(tx storage.Tx) error {
				s, err := tx.Sessions.Session(s.ID)
				if err != nil {
					return err
				}
				_, err = tx.Users.BySub(s.PoolID, s.UserSub)
				return err
			})
		}
		for i := range 1000 {
			next.Store(int64(i))
			if err := view(); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name, func(b *testing.B) { inParallel(b, 1, view) })
		b.Run(name+"/parallel", func(b *testing.B) { inParallel(b, 8, view) })
		b.Run(name+"/while writing", func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for ctx.Err() == nil {
					_ = db.Update(ctx, func(tx storage.Tx) error { return tx.Attempts.Put(storage.Attempt{Key: "k"}) })
				}
			}()
			inParallel(b, 1, view)
			stop()
			<-ended
		})
	}
}
