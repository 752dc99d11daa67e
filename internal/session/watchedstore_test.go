package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
)

// watchedStore counts watches, and makes them end or panic.
type watchedStore struct {
	*store.Memory
	watch   func(attempt int) error // nil goes on with the memory's
	running int
	begun   int
	times   []time.Time
}

func (s *watchedStore) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	s.begun++
	s.times = append(s.times, time.Now())
	if s.watch != nil {
		if err := s.watch(s.begun); err != nil {
			return err
		}
	}
	s.running++
	defer func() { s.running-- }()
	return s.Memory.Watch(ctx, scope, changed)
}

// TestWatchRunsWhileSubscribed checks that the store is watched once for all subscriptions,
// and no longer than the last.
func TestWatchRunsWhileSubscribed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := &watchedStore{Memory: store.NewMemory()}
		e := newEngine(t, Config{Store: kept, UserPool: &testPool{}})
		var stops []func()
		for range 3 {
			stop, err := e.Subscribe(Subscription{Call: func(Event) {}})
			if err != nil {
				t.Fatal(err)
			}
			stops = append(stops, stop)
		}
		synctest.Wait()
		if kept.running != 1 {
			t.Errorf("%d watches for three subscriptions", kept.running)
		}
		for i, stop := range stops {
			stop()
			stop() // twice does nothing
			synctest.Wait()
			if want := map[bool]int{true: 1}[i < 2]; kept.running != want {
				t.Errorf("%d watches after the end of %d subscriptions", kept.running, i+1)
			}
		}
		if _, err := e.Subscribe(Subscription{Call: func(Event) {}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if kept.running != 1 {
			t.Error("a later subscription is without a watch")
		}
		if err := e.Close(); err != nil || kept.running != 0 {
			t.Errorf("Close: %v, %d watches", err, kept.running)
		}
	})
}

// TestWatchIsTriedAgain checks a watch that fails or panics: it begins again with growing
// pauses, and those start over after a change was seen.
func TestWatchIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"fails": func() error { return errDisk }, "panics": func() error { panic("a mistake") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &testPool{}
				kept := &watchedStore{Memory: store.NewMemory(), watch: func(attempt int) error {
					if attempt <= 5 {
						return fail()
					}
					return nil
				}}
				other := newEngine(t, Config{Store: kept.Memory, UserPool: p})
				e := newEngine(t, Config{Store: kept, UserPool: p})
				events := collect(t, e)
				time.Sleep(40 * time.Second)
				synctest.Wait()
				if kept.begun != 6 || kept.running != 1 {
					t.Fatalf("%d watches begun, %d running", kept.begun, kept.running)
				}
				for i := 1; i < 5; i++ {
					if pause := kept.times[i+1].Sub(kept.times[i]); pause <= kept.times[i].Sub(kept.times[i-1]) {
						t.Errorf("pause %d is %v, no longer than the one before", i, pause)
					}
				}
				establish(t, other, p)
				if got := events(); len(got) != 1 {
					t.Errorf("events after it works: %v", got)
				}
			})
		})
	}
}

// TestWatchSurvivesUnreadableStore checks a change that cannot be read: the session stays
// as it is, and the next change is seen.
func TestWatchSurvivesUnreadableStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, kept)
		events := collect(t, e)
		synctest.Wait()
		for name, load := range map[string]func(store.Account) error{
			"an error": loading(errDisk), "a panic": func(store.Account) error { panic("a mistake") },
		} {
			kept.set(load, nil)
			rewrite(t, kept.Memory, func(r *store.Record) { r.Device = &store.Device{Key: name} })
			synctest.Wait()
			if !e.Current().Live() || e.Current().Record().Device != nil {
				t.Errorf("%s: the state is %+v", name, e.Current().Record())
			}
			kept.set(nil, nil)
		}
		rewrite(t, kept.Memory, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") })
		if diff := cmp.Diff([]Event{{Kind: SignedOut, Cause: CauseRemote}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestWatchMendsDamage checks a record of a live session that was damaged: memory puts it
// back at once, and the session goes on.
func TestWatchMendsDamage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, kept)
		events := collect(t, e)
		synctest.Wait()
		generation := e.Current().user.Record.Generation
		damaged := true
		kept.set(func(account store.Account) error {
			if damaged {
				damaged = false
				return errors.Join(&store.DamagedError{Account: account, Err: errDisk}, kept.Delete(t.Context(), account))
			}
			return nil
		}, nil)
		if err := kept.SetActive(t.Context(), alice); err != nil { // a change wakes the watch
			t.Fatal(err)
		}
		if got := events(); len(got) != 0 || !e.Current().Live() {
			t.Errorf("events %v, signed in %t", got, e.Current().Live())
		}
		if r := inStore(t, e, kept); r.Generation != generation || !live(r) {
			t.Errorf("the store holds %+v", r)
		}
	})
}

// pokedStore is a store whose watch tells of changes when it is poked.
type pokedStore struct {
	store.Store
	poke chan struct{}
}

func (s *pokedStore) Watch(ctx context.Context, _ store.Scope, changed func()) error {
	for {
		select {
		case <-s.poke:
			changed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestWatchSeesWhoFollows checks several changes that are told of as one: where one user
// has left, the one who has signed in since is found.
func TestWatchSeesWhoFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, &pokedStore{store.NewMemory(), make(chan struct{})}
		e := signedIn(t, p, kept)
		events := collect(t, e)
		rewrite(t, kept, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") })
		bob := sessionRecord(time.Now(), false)
		bob.Account.Username = "bob"
		if err := errors.Join(kept.Save(t.Context(), bob, 0), kept.SetActive(t.Context(), bob.Account)); err != nil {
			t.Fatal(err)
		}
		kept.poke <- struct{}{}
		want := []Event{{Kind: SignedOut, Cause: CauseRemote}, {Kind: Restored, Cause: CauseRemote}}
		if diff := cmp.Diff(want, brief(events())); diff != "" || e.Current().View().Username() != "bob" {
			t.Errorf("active is %q; events (-want +got):\n%s", e.Current().View().Username(), diff)
		}
	})
}
