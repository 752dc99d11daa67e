package limits

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// Lockout slows down guessing a user's password as Cognito does ("Lockout
// behavior for failed sign-in attempts" in its developer guide): after five
// failures the user is locked for one second, and twice as long with each
// further one, up to 15 minutes. Attempts inside a lock are refused unseen and
// do not count. A success, or 15 quiet minutes, forget all failures. Signed-in
// sessions are never touched. The zero Lockout has these figures.
//
// # Why counting comes first
//
// An attempt is counted before the password is looked at, in the transaction
// that admits it. Counting afterwards would let any number of parallel guesses
// pass while none has failed yet; so at most Threshold attempts are undecided
// at once, and an attacker who keeps to the end of each lock has ten passwords
// checked in the first minute, from however many sources.
//
// The price is that an attempt counts as failed until its outcome is known.
//   - A success therefore undoes its own count, and all others with it: whoever
//     knows the password owns the counter. A failure changes nothing more, so a
//     process that dies between admission and outcome leaves a failure behind.
//   - Threshold correct sign-ins at the same time lock the user for the moment
//     until the first of them succeeds. [Lockout.Admit] bridges that moment: an
//     attempt that meets a lock set less than Settle ago waits for a success to
//     lift it. Waiting admits nobody by itself: wrong guesses keep the lock.
//   - An attempt that was admitted and then not checked at all, since the
//     service was busy, is taken back by [Lockout.Withdraw].
type Lockout struct {
	Threshold int           // failures that lock; default 5
	Base      time.Duration // first lock; default 1 s
	Max       time.Duration // longest lock; default 15 min
	Quiet     time.Duration // after this long without attempts all is forgotten; default 15 min
	// Settle is how long the outcome of an admitted attempt may take before it
	// is believed to have failed; default 500 ms. It delays the answer to some
	// locked attempts by as much.
	Settle time.Duration
	// Now is the clock of Admit; default time.Now.
	Now func() time.Time
}

// Duration returns how long a user is locked after that many failures in a row.
func (l Lockout) Duration(failures int) time.Duration {
	l = l.withDefaults()
	if failures < l.Threshold {
		return 0
	}
	lock := l.Base
	for range failures - l.Threshold {
		if lock >= l.Max {
			break
		}
		lock *= 2
	}
	return min(lock, l.Max)
}

// Begin counts an attempt for key, inside an Update closure, before the
// password is checked. It reports whether the user is locked; then nothing was
// counted and the password must not be checked. The key stands for one user
// under all their names, and for one made-up user under theirs; its length is
// for the caller to bound.
func (l Lockout) Begin(tx storage.Tx, key string, now time.Time) (locked bool, err error) {
	l = l.withDefaults()
	attempt, err := tx.Attempts.Attempt(key)
	if err != nil {
		return false, err
	}
	if l.locked(attempt, now) {
		return true, nil
	}
	if l.quiet(attempt, now) {
		attempt.Failures = 0
	}
	attempt.Failures++
	attempt.Key = key
	l.stamp(&attempt, now)
	return false, tx.Attempts.Put(attempt)
}

// Succeed forgets the failures of key and lifts its lock, inside an Update
// closure, after the password of an admitted attempt was right.
func (l Lockout) Succeed(tx storage.Tx, key string) error {
	return tx.Attempts.Delete(key)
}

// Withdraw takes back the count of an admitted attempt whose password was not
// checked, inside an Update closure. It must not be called after a check. A
// lock that remains is counted from the newest attempt.
func (l Lockout) Withdraw(tx storage.Tx, key string) error {
	l = l.withDefaults()
	attempt, err := tx.Attempts.Attempt(key)
	if err != nil || attempt.Failures == 0 {
		return err // a success of somebody else came in between
	}
	attempt.Failures--
	if attempt.Failures == 0 {
		return tx.Attempts.Delete(key)
	}
	l.stamp(&attempt, attempt.LastAt)
	return tx.Attempts.Put(attempt)
}

// Admit runs Begin in a transaction of its own. When it finds a lock that was
// set less than Settle ago, it waits until a success lifts the lock or that
// time is over; see above. The wait holds nothing but its goroutine, and ends
// with ctx. If then is not nil, it runs in the transaction that admits the
// attempt.
func (l Lockout) Admit(ctx context.Context, store storage.Store, key string, then func(storage.Tx) error) (locked bool, err error) {
	l = l.withDefaults()
	for {
		err := store.Update(ctx, func(tx storage.Tx) (err error) {
			locked, err = l.Begin(tx, key, l.Now())
			if err == nil && !locked && then != nil {
				err = then(tx)
			}
			return err
		})
		if err != nil || !locked {
			return false, err
		}
		settled, err := l.await(ctx, store, key)
		if err != nil || settled {
			return true, err
		}
	}
}

// await polls a locked counter, without writing, and returns true when it stays
// locked and false when it is worth trying again.
func (l Lockout) await(ctx context.Context, store storage.Store, key string) (settled bool, err error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 80*time.Millisecond) {
		var attempt storage.Attempt
		err := store.View(ctx, func(tx storage.Tx) (err error) {
			attempt, err = tx.Attempts.Attempt(key)
			return err
		})
		if err != nil {
			return false, err
		}
		now := l.Now()
		if !l.locked(attempt, now) {
			return false, nil
		}
		left := attempt.LastAt.Add(l.Settle).Sub(now)
		if left <= 0 {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// PruneBefore returns the time before which a counter must have been touched
// for the last time to mean nothing any more at now; it is for Attempts.Prune.
func (l Lockout) PruneBefore(now time.Time) time.Time {
	l = l.withDefaults()
	return now.Add(-l.Max - l.Quiet)
}

// locked reports whether an attempt at now is inside a lock. A lock that ends
// later than any lock can was set by a clock that has been put back since, and
// does not hold.
func (l Lockout) locked(a storage.Attempt, now time.Time) bool {
	left := a.LockedUntil.Sub(now)
	return left > 0 && left <= l.Max
}

// quiet reports whether the failures are old enough to be forgotten. The quiet
// time starts with the end of the lock: counted from the last failure, the
// longest lock would always end in forgiveness, and an attacker would have the
// short locks again.
func (l Lockout) quiet(a storage.Attempt, now time.Time) bool {
	last := a.LastAt
	if a.LockedUntil.After(last) {
		last = a.LockedUntil
	}
	return now.Sub(last) >= l.Quiet
}

// stamp sets the times that follow from the number of failures.
func (l Lockout) stamp(a *storage.Attempt, last time.Time) {
	a.LastAt = last.UTC().Truncate(time.Microsecond)
	a.LockedUntil = time.Time{}
	if lock := l.Duration(a.Failures); lock > 0 {
		a.LockedUntil = a.LastAt.Add(lock)
	}
}

func (l Lockout) withDefaults() Lockout {
	if l.Threshold <= 0 {
		l.Threshold = 5
	}
	l.Base = orDefault(l.Base, time.Second)
	l.Max = orDefault(l.Max, 15*time.Minute)
	l.Quiet = orDefault(l.Quiet, 15*time.Minute)
	l.Settle = orDefault(l.Settle, 500*time.Millisecond)
	if l.Now == nil {
		l.Now = time.Now
	}
	return l
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}
