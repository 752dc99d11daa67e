package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// many calls run at once on n goroutines.
func many(n int, run func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	group.Wait()
}

// testRaceAdvance: of a hundred refreshes with one token, one rotates it.
func testRaceAdvance(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	const generations = 5
	for generation := int64(1); generation <= generations; generation++ {
		var winners atomic.Int32
		many(100, func(int) {
			won := false
			err := db.Update(ctx, func(tx storage.Tx) (err error) {
				if _, err := tx.Sessions.Session(sessionA); err != nil {
					return err
				}
				won, err = tx.Sessions.Advance(sessionA, generation, true, later, later)
				return err
			})
			if err != nil {
				t.Error(err)
			} else if won {
				winners.Add(1)
			}
		})
		if winners.Load() != 1 {
			t.Errorf("generation %d: %d refreshes rotated, want 1", generation, winners.Load())
		}
	}
	view(t, db, func(tx storage.Tx) error {
		s, err := tx.Sessions.Session(sessionA)
		return errors.Join(err, same("generation", s.Generation, int64(generations+1)))
	})
}

func testRaceSpend(t *testing.T, db storage.Store) {
	var first atomic.Int32
	many(100, func(int) {
		won := false
		err := db.Update(ctx, func(tx storage.Tx) (err error) {
			won, err = tx.Spent.Spend("code", later)
			return err
		})
		if err != nil {
			t.Error(err)
		} else if won {
			first.Add(1)
		}
	})
	if first.Load() != 1 {
		t.Errorf("%d uses of one code succeeded, want 1", first.Load())
	}
}

func testRaceAttempts(t *testing.T, db storage.Store) {
	many(50, func(int) {
		if err := db.Update(ctx, func(tx storage.Tx) error {
			a, err := tx.Attempts.Attempt("ann")
			if err != nil {
				return err
			}
			a.Failures++
			a.LastAt = noon
			return tx.Attempts.Put(a)
		}); err != nil {
			t.Error(err)
		}
	})
	view(t, db, func(tx storage.Tx) error {
		a, err := tx.Attempts.Attempt("ann")
		return errors.Join(err, same("failures", a.Failures, 50))
	})
}

// testRaceViews: each Update moves five entities to the next number together.
// A View must find the same number in all five, and none that was old already
// when the View began.
func testRaceViews(t *testing.T, db storage.Store) {
	seed(t, db)
	s := session(sessionA)
	s.ExpiresAt = never
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Sessions.Insert(s), tx.Attempts.Put(storage.Attempt{Key: "n", Failures: 1}), number(tx, 1))
	})
	const rounds, viewers = 80, 3
	var latest, done atomic.Int64
	latest.Store(1)
	many(viewers+1, func(i int) {
		if i > 0 {
			for n := i; done.Load() == 0 && !t.Failed(); n++ {
				atLeast := latest.Load()
				if err := db.View(ctx, func(tx storage.Tx) error { return agree(tx, atLeast, n) }); err != nil {
					t.Error(err)
				}
			}
			return
		}
		defer done.Store(1)
		for n := int64(2); n < rounds && !t.Failed(); n++ {
			if err := db.Update(ctx, func(tx storage.Tx) error {
				ok, err := tx.Sessions.Advance(sessionA, n-1, true, later, later)
				return errors.Join(holds("advance", ok, err, true), number(tx, n), agree(tx, n, int(n)))
			}); err != nil {
				t.Error(err)
			}
			latest.Store(n)
			// One that fails must not be seen by anybody.
			_ = db.Update(ctx, func(tx storage.Tx) error { return errors.Join(number(tx, -n), errRefused) })
		}
	})
}

func number(tx storage.Tx, n int64) error {
	p, c, u := pool(poolA), client(poolA, clientA), user(poolA, subA, "ann", fmt.Sprint("alias", n))
	p.Name, c.Name, u.SignOuts = fmt.Sprint(n), fmt.Sprint(n), n
	return errors.Join(tx.Pools.Update(p), tx.Clients.Update(c), tx.Users.Update(u),
		tx.Attempts.Put(storage.Attempt{Key: "n", Failures: int(n)}))
}

// agree reads the five in an order that depends on turn.
func agree(tx storage.Tx, atLeast int64, turn int) error {
	var p storage.Pool
	var c storage.Client
	var u storage.User
	var s storage.Session
	var a storage.Attempt
	var errs [5]error
	reads := []func(){
		func() { p, errs[0] = tx.Pools.Pool(poolA) },
		func() { c, errs[1] = tx.Clients.Client(clientA) },
		func() { u, errs[2] = tx.Users.Lookup(poolA, "ann") },
		func() { s, errs[3] = tx.Sessions.Session(sessionA) },
		func() { a, errs[4] = tx.Attempts.Attempt("n") },
	}
	for i := range reads {
		reads[(i*2+turn)%len(reads)]()
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	n := fmt.Sprint(s.Generation)
	if p.Name != n || c.Name != n || fmt.Sprint(u.SignOuts) != n || fmt.Sprint(a.Failures) != n || s.Generation < atLeast {
		return fmt.Errorf("session at %s (at least %d), pool %s, client %s, user %d, attempt %d",
			n, atLeast, p.Name, c.Name, u.SignOuts, a.Failures)
	}
	if _, err := tx.Users.Lookup(poolA, "alias"+n); err != nil {
		return fmt.Errorf("alias at %s: %w", n, err)
	}
	return nil
}

// testRaceMixedOutcomes: closures that fail, panic or succeed side by side have
// each their own outcome and no other's.
func testRaceMixedOutcomes(t *testing.T, db storage.Store) {
	const callers, each = 32, 12
	many(callers, func(i int) {
		for j := range each {
			id := fmt.Sprintf("%02d-%02d", i, j)
			err := db.Update(ctx, func(tx storage.Tx) error {
				if err := tx.Pools.Insert(pool(id)); err != nil {
					return err
				}
				switch (i + j) % 4 {
				case 0:
					return errRefused
				case 1:
					panic("told to")
				}
				return tx.Attempts.Put(storage.Attempt{Key: id, Failures: j + 1})
			})
			if failed := (i+j)%4 < 2; failed != (err != nil) {
				t.Errorf("closure %s: error %v", id, err)
			}
		}
	})
	view(t, db, func(tx storage.Tx) error {
		var errs []error
		for i := range callers {
			for j := range each {
				id := fmt.Sprintf("%02d-%02d", i, j)
				_, err := tx.Pools.Pool(id)
				a, err2 := tx.Attempts.Attempt(id)
				want := j + 1
				if (i+j)%4 < 2 {
					want = 0
				}
				errs = append(errs, err2, same("attempt "+id, a.Failures, want), same("pool "+id, err == nil, want > 0))
			}
		}
		return errors.Join(errs...)
	})
}
