package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Bounds of the revocations that wait in the store.
const (
	// revokeTime bounds one revocation that no caller waits for.
	revokeTime = 5 * time.Second
	// ownTime is how long a token on the list is left to the sign-out that put it there.
	ownTime = 2 * time.Second
	// sweepEvery is how often a client that reaches the service looks for revocations that
	// others left in the store.
	sweepEvery = 5 * time.Minute
	// sweepAccounts bounds how many accounts one sweep reads, chosen at random: a server may
	// keep thousands under one scope.
	sweepAccounts = 64
	// pendingAge is Cognito's default life of a refresh token. A revocation that fails when
	// it is older is given up.
	pendingAge = 30 * 24 * time.Hour
)

// revocationQueue revokes refresh tokens, and keeps in the store those whose revocation
// could not be sent.
type revocationQueue struct {
	records *Records
	pool    UserPool
	life    *lifecycle
	log     *slog.Logger

	mu      sync.Mutex
	running bool      // the goroutine that sends them
	more    bool      // more came meanwhile
	swept   time.Time // when it looked last
}

// worthRepeating reports whether a revocation that failed may succeed later. It does not
// when Cognito itself refused.
func worthRepeating(err error) bool {
	switch fault.Find(err).Class {
	case fault.Refused, fault.Ended, fault.Device, fault.DeviceUnknown, fault.Misconfigured, fault.BadRequest:
		return false
	}
	return true
}

// revokeOrphan revokes a token that no record holds, or queues it.
func (q *revocationQueue) revokeOrphan(ctx context.Context, account store.Account, refresh store.Secret) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	err := guard(q.log, func() error { return q.pool.Revoke(bounded, refresh) })
	if err == nil {
		return
	}
	queued := false
	if worthRepeating(err) {
		queued = q.records.EditPending(ctx, account, func(r *store.Record) { q.enqueue(r, refresh) }) == nil
	}
	q.log.WarnContext(ctx, "latchkey: cannot revoke a refresh token that came too late", "queued", queued, "error", err)
	if queued {
		q.start(ownTime)
	}
}

// enqueue adds a token to the pending revocations of a record.
func (q *revocationQueue) enqueue(r *store.Record, refresh store.Secret) {
	r.Pending = slices.Clone(r.Pending) // others may hold the record too
	if len(r.Pending) >= store.MaxPending {
		q.log.Warn("latchkey: too many refresh tokens wait to be revoked; the oldest is forgotten", "username", r.Account.Username)
		r.Pending = r.Pending[len(r.Pending)-store.MaxPending+1:]
	}
	r.Pending = append(r.Pending, store.Revocation{Token: refresh, Since: time.Now().Round(0)})
}

// dequeue notes in the store that a token need not be revoked any more.
func (q *revocationQueue) dequeue(ctx context.Context, account store.Account, refresh store.Secret) error {
	return q.records.EditPending(ctx, account, func(r *store.Record) {
		r.Pending = slices.DeleteFunc(slices.Clone(r.Pending), func(p store.Revocation) bool { return p.Token.Equal(refresh) })
	})
}

// errUnsaved prevents a change of the pending list while memory has a newer version of the
// record: afterwards the newer tokens could not be distinguished from older ones.
var errUnsaved = errors.New("newer tokens wait to be stored")

// EditPending changes what is pending for an account, revocations and the browser's
// logout, and nothing else. An account that the store has lost gets the record of a
// signed-out one. Memory follows.
func (r *Records) EditPending(ctx context.Context, account store.Account, edit func(*store.Record)) error {
	ctx = context.WithoutCancel(ctx)
	if held, ok := r.owner.load().of(account); ok && held.unsaved() {
		return errUnsaved
	}
	if _, err := r.inspect(ctx, account); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var before Held
	next, err := r.Update(ctx, account, nil, func(old Held) (store.Record, error) {
		before = old
		record := old.Record
		if old.Stored == 0 {
			record = tombstone(store.Record{Account: account}, SignedOutReason, "")
		}
		pending, redirect := len(record.Pending), record.Redirect
		if edit(&record); len(record.Pending) == 0 && pending == 0 && record.Redirect == redirect {
			return record, errUnchanged
		}
		return record, nil
	})
	if err == nil && next.Record.Generation != before.Record.Generation {
		r.follow(before, next)
	}
	return err
}

// reached is called after each call that the service answered: the moment to send what
// could not be sent before.
func (q *revocationQueue) reached() {
	q.mu.Lock()
	due := q.swept.IsZero() || time.Since(q.swept) >= sweepEvery
	q.mu.Unlock()
	if due {
		q.start(0)
	}
}

// start sends what is pending in the background, after a pause. Only Close waits for it,
// and no longer than for one revocation.
func (q *revocationQueue) start(pause time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running {
		q.more = true
		return
	}
	if q.life.start(func() { q.run(pause) }) {
		q.running = true
		q.swept = time.Now()
	}
}

// run goes on until nothing is pending or the engine is closed. What is left then is for
// the next client. Without a pause it sends one in any case: a program that signs in and
// ends at once must make progress too.
func (q *revocationQueue) run(pause time.Duration) {
	for failures := 0; pause <= 0 || sleep(q.life.ctx, pause); failures++ {
		left, wait := q.sweepGuarded(context.WithoutCancel(q.life.ctx))
		if q.done(left) {
			return
		}
		pause = max(pauseAfter(failures), wait)
	}
}

// done reports whether the goroutine may end, and notes that it does.
func (q *revocationQueue) done(left bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	more := q.more
	q.more = false
	if left || more {
		return false
	}
	q.running = false
	return true
}

// sweepGuarded is sweep. A panic leaves what is pending for later.
func (q *revocationQueue) sweepGuarded(ctx context.Context) (left bool, wait time.Duration) {
	err := guard(q.log, func() error { left, wait = q.sweep(ctx); return nil })
	return left || err != nil, wait
}

// sweep sends what is pending in the scope, and reports whether something is left and how
// long the service asked to wait. It ends at the first failure, since the next call would
// hardly fare better, and takes accounts and tokens in random order, so that one that
// always fails cannot hold up the rest.
func (q *revocationQueue) sweep(ctx context.Context) (left bool, wait time.Duration) {
	accounts, err := q.records.list(ctx)
	if err != nil {
		q.log.Warn("latchkey: cannot look for pending revocations", "error", err)
		return false, 0
	}
	rand.Shuffle(len(accounts), func(i, j int) { accounts[i], accounts[j] = accounts[j], accounts[i] })
	for _, account := range accounts[:min(len(accounts), sweepAccounts)] {
		more, wait, failed := q.sweepAccount(ctx, account)
		if left = left || more; failed {
			return true, wait
		}
	}
	return left, 0
}

// sweepAccount is sweep for one account.
func (q *revocationQueue) sweepAccount(ctx context.Context, account store.Account) (left bool, wait time.Duration, failed bool) {
	record, err := q.records.inspect(ctx, account)
	if err != nil || len(record.Pending) == 0 {
		return false, 0, false // a caller who asks for this account gets the error
	}
	for _, i := range rand.Perm(len(record.Pending)) {
		if age := time.Since(record.Pending[i].Since); age >= 0 && age < ownTime {
			left = true
			continue
		}
		if err := q.send(ctx, account, record.Pending[i]); err != nil {
			return true, fault.Find(err).RetryAfter, true
		}
		if q.life.ctx.Err() != nil {
			return true, 0, true
		}
	}
	return left, 0, false
}

// send revokes one token and takes it off the list, also if the service refuses it or it
// is too old to be worth another try.
func (q *revocationQueue) send(ctx context.Context, account store.Account, p store.Revocation) error {
	bounded, cancel := context.WithTimeout(ctx, revokeTime)
	err := q.pool.Revoke(bounded, p.Token)
	cancel()
	if err != nil {
		old := time.Since(p.Since) > pendingAge
		q.log.Warn("latchkey: cannot revoke a refresh token", "username", account.Username, "since", p.Since, "given up", old, "error", err)
		if worthRepeating(err) && !old {
			return err
		}
	}
	return q.dequeue(ctx, account, p.Token)
}
