package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Bounds of one renewal. Its tries are few and close together: they get over a hiccup,
// and over a lost answer while the service's grace period for rotated tokens lasts
// (Cognito's is 60 seconds at most). What takes longer is left to the backoff.
const (
	firstPause    = 200 * time.Millisecond
	longestPause  = 2 * time.Second // a longer Retry-After is left to the backoff
	answeredTries = 3               // the service answered: later
	lostTries     = 2               // no answer came
	// aheadLock is how long a renewal that no caller waits for waits for the lock: its
	// holder is renewing already.
	aheadLock = 100 * time.Millisecond
)

// outcome is what a step of a renewal led to. The zero outcome found nothing to do.
type outcome struct {
	// change makes the next state of the present one; nil leaves it. It runs under the
	// Owner's lock, in the epoch in which the renewal began.
	change  func(now *State) change
	err     error
	unsaved Held         // what has to be stored in the background
	orphan  store.Secret // a refresh token that no record holds and that must be revoked
}

// step is what follows from a failed call.
type step uint8

const (
	giveUp step = iota // the outcome is final
	again              // read and call once more
	later              // the same after a pause, if there is a try left
)

// job is what a renewal renews: tokens or AWS credentials.
type job interface {
	// read reads the record, and reports whether that settles it: it will do as it is, or
	// it is over.
	read(ctx context.Context) (outcome, bool)
	// call asks the service, and keeps what it issues before anything else is done.
	call(ctx context.Context) (outcome, error)
	// judge says what a failed call means. The outcome counts with giveUp.
	judge(ctx context.Context, f *fault.Fault, err error) (outcome, step)
	// abandon is the outcome when a call is not tried again.
	abandon(ctx context.Context, err error) outcome
	// failed makes the event of a failure.
	failed(now *State, err error, changed bool) change
}

// renewals is the machine that renews tokens and AWS credentials. Across processes it
// locks, reads again, adopts what another process did or calls with what was just
// read, and replaces the record only if it is still the one that was read.
type renewals struct {
	owner   *Owner
	records *Records
	flights *flights
	backoff *backoff // of one kind of job
	revoke  func(ctx context.Context, account store.Account, refresh store.Secret)
	log     *slog.Logger
}

// run does one renewal under the store's lock of an account. behind says that no caller
// waits for it.
func (m *renewals) run(ctx context.Context, f *flight, lock store.Account, j job, behind bool) {
	var unlock func()
	err := guard(m.log, func() (err error) { unlock, err = m.lock(ctx, lock, behind); return err })
	if err != nil {
		if behind && errors.Is(err, context.DeadlineExceeded) {
			return // another process renews
		}
		m.settle(f, j, outcome{err: lockFault(err)})
		return
	}
	// The lock may have taken most of the flight's time, and a call that spends a refresh
	// token must not be cut short: its answer is the session.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), flightTime, cognito.ErrTimeout)
	defer cancel()
	out := m.locked(ctx, f, j, unlock)
	m.settle(f, j, out)
	if !out.orphan.IsZero() {
		m.revoke(ctx, f.key.account, out.orphan)
	}
}

// locked runs the steps and releases the lock. A panic in a step is a failure of the
// renewal, which the backoff holds off like others.
func (m *renewals) locked(ctx context.Context, f *flight, j job, unlock func()) (out outcome) {
	defer unlock()
	if guard(m.log, func() error { out = m.steps(ctx, f, j); return nil }) != nil {
		return outcome{err: panicked()}
	}
	return out
}

// lock acquires the store's lock.
func (m *renewals) lock(ctx context.Context, account store.Account, behind bool) (unlock func(), err error) {
	if behind {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, aheadLock)
		defer cancel()
	}
	return m.records.lock(ctx, account)
}

func lockFault(err error) error {
	f := &fault.Fault{Kind: fault.Store, Message: "cannot acquire the session lock", Err: err}
	switch {
	case errors.Is(err, store.ErrLockHeld):
		f.Hint = "another program is holding it"
	case errors.Is(err, store.ErrNoLocks):
		f.Hint = "keep the sessions in a folder that the program can write to, on a file system with locks"
	}
	return f
}

// steps reads and calls until there is an outcome.
func (m *renewals) steps(ctx context.Context, f *flight, j job) outcome {
	for tries := 0; ; {
		if out, done := j.read(ctx); done {
			return out
		}
		tries++
		f.called = true
		out, err := j.call(ctx)
		if err == nil {
			return out
		}
		failure := fault.Find(err)
		out, next := j.judge(ctx, failure, err)
		switch {
		case next == giveUp:
			return out
		case next == later && !pause(ctx, failure, tries):
			return j.abandon(ctx, err)
		}
	}
}

// pause waits, and reports whether a call may be tried once more after a number of
// tries.
func pause(ctx context.Context, f *fault.Fault, tries int) bool {
	limit := answeredTries
	if f.Class == fault.Unreached || f.Class == fault.Malformed {
		limit = lostTries
	}
	if !f.Retryable || tries >= limit || f.RetryAfter > longestPause {
		return false
	}
	pause := firstPause << (tries - 1)
	return sleep(ctx, max(pause+time.Duration(rand.Int64N(int64(pause))), f.RetryAfter))
}

// settle makes an outcome known: to readers and subscribers under one lock, so that
// events come in the order of what they tell, and then to the callers that wait.
func (m *renewals) settle(f *flight, j job, out outcome) {
	f.err = out.err
	if out.err != nil && !isMoved(out.err) {
		m.log.Warn("latchkey: cannot renew", "username", f.key.account.Username, "error", out.err)
	}
	m.owner.edit(f.key.epoch, func(now *State) change { return m.outcomeOf(f, j, out, now) })
	m.flights.finish(f)
	m.records.persist(out.unsaved)
}

// outcomeOf is the change that an outcome makes. It runs under the Owner's lock.
func (m *renewals) outcomeOf(f *flight, j job, out outcome, now *State) change {
	var c change
	switch {
	case isMoved(out.err):
		return c
	case out.err != nil:
		changed := m.backoff.add(f.key.epoch, out.err, time.Now())
		c = j.failed(now, out.err, changed)
	default:
		m.backoff.reset(f.key.epoch)
	}
	if out.change != nil {
		made := out.change(now)
		made.events = append(made.events, c.events...)
		return made
	}
	return c
}
