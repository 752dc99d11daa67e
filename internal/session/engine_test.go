package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestStartReadsOnce checks many callers at a program's start: the store is read once, and
// each caller stops waiting at its own deadline.
func TestStartReadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		signedIn(t, p, kept)
		kept.count()
		kept.set(func(store.Account) error { time.Sleep(time.Second / 2); return nil }, nil)
		e := newEngine(t, Config{Store: kept, UserPool: p})
		events := collect(t, e) // its watch reads too, through the same flight
		var good, late atomic.Int32
		for i := range 20 {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%2*2)*time.Second/2)
				defer cancel()
				v, err := e.Fetch(ctx, Want{})
				switch {
				case err == nil && v.SignedIn():
					good.Add(1)
				case errors.Is(err, context.DeadlineExceeded):
					late.Add(1)
				}
			}()
		}
		time.Sleep(time.Minute)
		if loads, _ := kept.count(); good.Load() != 10 || late.Load() != 10 || loads != 2 { // one for the pointer, one for the record
			t.Errorf("%d callers got the session and %d gave up, after %d reads", good.Load(), late.Load(), loads)
		}
		if diff := cmp.Diff([]Event{{Kind: Restored}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestSignedOutLooksAgain checks a process in which no user is signed in: after a second it
// notices who signed in elsewhere, also in the place of a session of another provider.
func TestSignedOutLooksAgain(t *testing.T) {
	t.Parallel()
	for name, federate := range map[string]bool{"signed out": false, "with a provider's session": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, newScriptedStore()
				e := newEngine(t, withIdentities(&unwatched{kept}, p, identities))
				if federate {
					e = federated(t, &unwatched{kept}, identities)
				}
				if s, err := e.Ready(t.Context()); err != nil || s.Live() {
					t.Fatalf("%+v, %v", s, err)
				}
				events := collect(t, e)
				establish(t, newEngine(t, withIdentities(kept, p, identities)), p)
				if s, err := e.Ready(t.Context()); err != nil || s.Live() {
					t.Errorf("at once: %v, %v", s.Live(), err)
				}
				kept.count()
				time.Sleep(recheck)
				s, err := e.Ready(t.Context())
				if err != nil || !s.Live() || s.View().Username() != "alice" {
					t.Errorf("after a second: %v, %v", s.Live(), err)
				}
				want := []Event{{Kind: Restored, Cause: CauseRemote}}
				if federate {
					want = append([]Event{{Kind: SignedOut, Cause: CauseRemote}}, want...)
				}
				if diff := cmp.Diff(want, brief(events())); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				kept.count()
				time.Sleep(time.Minute)
				if _, err := e.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				if loads, _ := kept.count(); loads != 0 {
					t.Errorf("the store is read %d times while a user is signed in", loads)
				}
			})
		})
	}
}

// TestUnreadableStore checks a store that cannot be read: it is an error and no sign-out,
// for a program that starts; one that runs goes on with what it knows.
func TestUnreadableStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		running := signedIn(t, p, kept)
		kept.set(loading(errDisk), nil)
		e := newEngine(t, Config{Store: kept, UserPool: p})
		if _, err := e.Fetch(t.Context(), Want{}); !errors.Is(err, fault.Store) || !errors.Is(err, errDisk) {
			t.Errorf("a program that starts: %v", err)
		}
		if e.Current() != nil {
			t.Error("what could not be read became the state")
		}
		wantTokens(t, running, Want{})
		wantTokens(t, running, Want{Force: true}) // with the token in memory
		if p.count() != 1 {
			t.Errorf("%d refreshes", p.count())
		}
		kept.set(nil, nil)
		if _, err := e.Fetch(t.Context(), Want{}); err != nil {
			t.Errorf("when the store works again: %v", err)
		}
	})
}

// TestDamagedGuest checks a guest's record that the store has lost to damage: memory puts
// it back, so that the next process is the same guest.
func TestDamagedGuest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		identities, kept := &fakeIdentityPool{}, newScriptedStore()
		e := newEngine(t, withIdentities(kept, &testPool{}, identities))
		before, err := keys(t, e, Want{})
		if err != nil {
			t.Fatal(err)
		}
		generation := e.Current().guest.Record.Generation
		if err := kept.Delete(t.Context(), guest); err != nil { // it was set aside
			t.Fatal(err)
		}
		kept.set(loading(&store.DamagedError{Account: guest, Err: errDisk}), nil)
		time.Sleep(recheck)
		after, err := keys(t, e, Want{})
		if err != nil || before != after {
			t.Errorf("%q, then %q, %v", before, after, err)
		}
		if r, err := kept.Memory.Load(t.Context(), guest); err != nil || r.Generation != generation {
			t.Errorf("the store holds generation %d of %d, %v", r.Generation, generation, err)
		}
	})
}

// TestClosedEngine checks that nothing works after Close, and that Close is repeatable.
func TestClosedEngine(t *testing.T) {
	t.Parallel()
	p := &testPool{}
	e := signedIn(t, p, store.NewMemory())
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Closed":    e.Closed,
		"Fetch":     func() error { _, err := e.Fetch(ctx, Want{}); return err },
		"Ready":     func() error { _, err := e.Ready(ctx); return err },
		"Establish": func() error { return e.Establish(ctx, p.newGrant(), How{}) },
		"Switch":    func() error { return e.Switch(ctx, "alice") },
		"Accounts":  func() error { _, _, err := e.Accounts(ctx); return err },
		"End":       func() error { _, err := e.End(ctx, EndOptions{}); return err },
		"Subscribe": func() error { _, err := e.Subscribe(Subscription{Call: func(Event) {}}); return err },
		"KeepFresh": func() error { _, err := e.KeepFresh(ctx); return err },
		"Federate": func() error {
			_, err := e.Federate(ctx, store.Federation{Provider: provider}, sourceOf(providerToken("carol"), nil))
			return err
		},
	} {
		if err := call(); !errors.Is(err, fault.Closed) {
			t.Errorf("%s: %v, want Closed", name, err)
		}
	}
	if r, err := e.records.store.Load(ctx, alice); err != nil || !live(r) {
		t.Errorf("the session in the store: %v", err)
	}
}

// TestElsewhereIsNamed checks a scope without a session, where a user of the same pool and
// client is signed in at another service.
func TestElsewhereIsNamed(t *testing.T) {
	t.Parallel()
	kept := store.NewMemory()
	other := testScope
	other.Service = "https://auth.example"
	put(t, kept, other, "alice", "r", 7)
	v, err := newEngine(t, Config{Store: kept, UserPool: &testPool{}}).Fetch(t.Context(), Want{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Tokens()
	if elsewhere, ok := errors.AsType[*fault.Elsewhere](err); !ok || elsewhere.Service != other.Service || !errors.Is(err, fault.SignedOut) {
		t.Errorf("%v, want SignedOut that names %s", err, other.Service)
	}
}
