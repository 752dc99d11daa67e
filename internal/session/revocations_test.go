package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

var errUnreached = fault.OfClass("RevokeToken", fault.Unreached, "")

// pend queues tokens in the store, as an earlier client did, some time ago.
func pend(t *testing.T, kept store.Store, username string, ago time.Duration, tokens ...string) store.Account {
	t.Helper()
	r := store.Record{Account: store.Account{Scope: testScope, Username: username}, Generation: 1, Ended: &store.Ended{Reason: SignedOutReason}}
	for _, token := range tokens {
		r.Pending = append(r.Pending, store.Revocation{Token: store.NewSecret(token), Since: time.Now().Round(0).Add(-ago)})
	}
	if err := kept.Save(t.Context(), r, 0); err != nil {
		t.Fatal(err)
	}
	return r.Account
}

// pending is how many revocations an account has in the store.
func pending(t *testing.T, kept store.Store, account store.Account) int {
	t.Helper()
	r, err := kept.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return len(r.Pending)
}

// TestPendingIsBounded queues random numbers of tokens: the latest are kept, in order, and
// records that others hold are not changed.
func TestPendingIsBounded(t *testing.T) {
	t.Parallel()
	q := &revocationQueue{log: slog.New(slog.DiscardHandler)}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 3*store.MaxPending).Draw(t, "tokens")
		var r store.Record
		for i := range n {
			held := r
			q.enqueue(&r, store.NewSecret(fmt.Sprint(i)))
			q.enqueue(&held, store.NewSecret("another holder's"))
			if r.Pending[len(r.Pending)-1].Token.Reveal() != fmt.Sprint(i) {
				t.Fatal("the list of another holder is shared")
			}
		}
		if len(r.Pending) != min(n, store.MaxPending) {
			t.Fatalf("%d of %d tokens are queued", len(r.Pending), n)
		}
		for i, p := range r.Pending {
			if want := fmt.Sprint(n - len(r.Pending) + i); p.Token.Reveal() != want || p.Since.IsZero() {
				t.Fatalf("token %d is %s, want %s", i, p.Token.Reveal(), want)
			}
		}
	})
}

// TestQueueSends checks what a client does, once it reaches the service, about tokens that
// earlier clients could not revoke.
func TestQueueSends(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		age      time.Duration
		failures int
		err      error
		after    time.Duration // when it looks
		calls    int
		left     int
	}{
		"at once":                       {time.Hour, 0, nil, 0, 2, 0},
		"that another is about to send": {0, 0, nil, ownTime / 2, 0, 2},
		"when that time is over":        {0, 0, nil, 2 * ownTime, 2, 0},
		"refused":                       {time.Hour, 99, fault.OfClass("", fault.Misconfigured, ""), 0, 2, 0},
		"not reached":                   {time.Hour, 99, errUnreached, 0, 1, 2},
		"not reached at first":          {time.Hour, 1, errUnreached, lastBackoff, 3, 0},
		"asked to wait":                 {time.Hour, 1, &fault.Fault{Class: fault.TooManyCalls, RetryAfter: time.Minute}, time.Minute - 1, 1, 2},
		"after that time":               {time.Hour, 1, &fault.Fault{Class: fault.TooManyCalls, RetryAfter: time.Minute}, time.Minute, 3, 0},
		"too old, and not reached":      {pendingAge + time.Hour, 99, errUnreached, 0, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, store.NewMemory()
				calls := 0
				p.revoke = func(context.Context, store.Secret) error {
					if calls++; calls <= test.failures {
						return test.err
					}
					return nil
				}
				account := pend(t, kept, "bob", test.age, "a", "b")
				e := newEngine(t, Config{Store: kept, UserPool: p})
				e.Reached()
				time.Sleep(test.after)
				synctest.Wait()
				if got := p.revocations(); len(got) != test.calls || pending(t, kept, account) != test.left {
					t.Errorf("%q were sent, %d are left; want %d and %d", got, pending(t, kept, account), test.calls, test.left)
				}
			})
		})
	}
}

// TestQueueIsNotFollowedTooOften checks that a client which reaches the service all the
// time looks for pending revocations every five minutes.
func TestQueueIsNotFollowedTooOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := newEngine(t, Config{Store: kept, UserPool: p})
		e.Reached()
		synctest.Wait()
		account := pend(t, kept, "bob", time.Hour, "a")
		for range 59 {
			time.Sleep(sweepEvery / 60)
			e.Reached()
		}
		synctest.Wait()
		if pending(t, kept, account) != 1 {
			t.Error("it looked again before five minutes were over")
		}
		time.Sleep(sweepEvery / 60)
		e.Reached()
		synctest.Wait()
		if pending(t, kept, account) != 0 {
			t.Error("it did not look after five minutes")
		}
	})
}

// TestQueueEndsWithClose checks that Close waits for one revocation and leaves the rest.
func TestQueueEndsWithClose(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took time.Duration
		err  error
		left int
	}{"hangs": {revokeTime, errUnreached, 3}, "succeeds": {time.Second, nil, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, store.NewMemory()
				p.revoke = func(ctx context.Context, _ store.Secret) error { sleep(ctx, test.took); return test.err }
				account := pend(t, kept, "bob", time.Hour, "a", "b", "c")
				e := newEngine(t, Config{Store: kept, UserPool: p})
				e.Reached()
				synctest.Wait()
				began := time.Now()
				if err := e.Close(); err != nil || time.Since(began) != test.took {
					t.Errorf("Close: %v after %v", err, time.Since(began))
				}
				if got := p.revocations(); len(got) != 1 || pending(t, kept, account) != test.left {
					t.Errorf("%q were sent, %d are left", got, pending(t, kept, account))
				}
			})
		})
	}
}

// TestOrphansAreQueued checks a token that came too late and cannot be revoked at once: the
// account's record keeps it, if the service may take it later.
func TestOrphansAreQueued(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		left int
	}{
		"revoked": {nil, 0}, "not reached": {errUnreached, 1}, "refused": {fault.OfClass("", fault.Refused, ""), 0},
		"a panic of the transport": {errPanic, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, store.NewMemory()
				e := newEngine(t, Config{Store: kept, UserPool: p})
				p.revoke = func(context.Context, store.Secret) error {
					if errors.Is(test.err, errPanic) {
						panic("a mistake")
					}
					return test.err
				}
				e.queue.revokeOrphan(t.Context(), alice, store.NewSecret("late"))
				r, err := kept.Load(t.Context(), alice)
				if err != nil && !errors.Is(err, store.ErrNotFound) || len(r.Pending) != test.left {
					t.Errorf("%d are queued, %v; want %d", len(r.Pending), err, test.left)
				}
				if test.left > 0 && r.Ended == nil {
					t.Errorf("the record is no signed-out one: %+v", r)
				}
			})
		})
	}
}

// TestEditPending checks the changes beside a session: tokens and generation of a record
// that memory has in a newer version stay, an edit that changes nothing is not stored, and
// memory follows.
func TestEditPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, kept)
		add := func(r *store.Record) { e.queue.enqueue(r, store.NewSecret("other")) }
		before := inStore(t, e, kept).Generation
		if err := e.records.EditPending(t.Context(), alice, func(*store.Record) {}); err != nil {
			t.Fatal(err)
		}
		if now := inStore(t, e, kept).Generation; now != before {
			t.Errorf("an edit that changes nothing was stored: generation %d after %d", now, before)
		}
		if err := e.records.EditPending(t.Context(), alice, add); err != nil || inStore(t, e, kept).Generation != before+1 {
			t.Errorf("%v, generation %d after %d", err, inStore(t, e, kept).Generation, before)
		}
		if held := e.Current().user; held.unsaved() || held.Record.Generation != before+1 || len(held.Record.Pending) != 1 {
			t.Errorf("memory holds %+v", held)
		}
		wantTokens(t, e, Want{Force: true}) // from memory's generation
		if got := inStore(t, e, kept); len(got.Pending) != 1 {
			t.Error("a refresh dropped what is to be revoked")
		}
		if err := e.queue.dequeue(t.Context(), alice, store.NewSecret("other")); err != nil || pending(t, kept, alice) != 0 {
			t.Errorf("dequeue: %v", err)
		}
		kept.set(nil, always(errDisk))
		wantTokens(t, e, Want{Force: true})
		if err := e.records.EditPending(t.Context(), alice, add); !errors.Is(err, errUnsaved) {
			t.Errorf("beside tokens that wait to be stored: %v", err)
		}
	})
}

// TestRevocationsWorthRepeating checks after which failures a revocation is tried again.
func TestRevocationsWorthRepeating(t *testing.T) {
	t.Parallel()
	final := []fault.Class{fault.Ended, fault.Refused, fault.Device, fault.DeviceUnknown, fault.Misconfigured, fault.BadRequest}
	for class := fault.Unknown; class <= fault.Conflict; class++ {
		if got := worthRepeating(fault.OfClass("", class, "")); got == slices.Contains(final, class) {
			t.Errorf("class %d is repeated: %t", class, got)
		}
	}
	if !worthRepeating(errDisk) {
		t.Error("an error that is no fault is not repeated")
	}
}
