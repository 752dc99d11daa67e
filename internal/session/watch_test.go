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

// TestWatchTellsOfOthers checks two engines over one store: what one does the other shows
// at once, and tells of it once.
func TestWatchTellsOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signedOut bool // the engine that watches begins without a session
		act       func(t *testing.T, other *Engine, p *testPool, kept *store.Memory)
		live      bool
		want      []Event
	}{
		"refreshed": {
			false, func(t *testing.T, other *Engine, _ *testPool, _ *store.Memory) {
				wantTokens(t, other, Want{Force: true})
			},
			true, []Event{{Kind: Refreshed, Cause: CauseRemote}},
		},
		"signed out": {false, end, false, []Event{{Kind: SignedOut, Cause: CauseRemote}}},
		"deleted": {
			false, func(t *testing.T, _ *Engine, _ *testPool, kept *store.Memory) {
				if err := kept.Delete(t.Context(), alice); err != nil {
					t.Fatal(err)
				}
			}, false, []Event{{Kind: SignedOut, Cause: CauseRemote}},
		},
		"ended by the service": {
			false, func(t *testing.T, _ *Engine, _ *testPool, kept *store.Memory) {
				rewrite(t, kept, func(r *store.Record) { *r = tombstone(*r, "UserNotFoundException", "") })
			}, false, []Event{{Kind: SessionExpired, Reason: "UserNotFoundException"}},
		},
		"signed in": {true, func(t *testing.T, other *Engine, p *testPool, _ *store.Memory) { establish(t, other, p) }, true, []Event{{Kind: Restored, Cause: CauseRemote}}},
		"signed in anew": {
			false, func(t *testing.T, other *Engine, p *testPool, _ *store.Memory) {
				p.origin = "another"
				establish(t, other, p)
			}, true, []Event{{Kind: Restored, Cause: CauseRemote}},
		},
		"out and in": {
			false, func(t *testing.T, other *Engine, p *testPool, kept *store.Memory) {
				end(t, other, p, kept)
				synctest.Wait()
				establish(t, other, p)
			}, true, []Event{{Kind: SignedOut, Cause: CauseRemote}, {Kind: Restored, Cause: CauseRemote}},
		},
		"edited": {
			false, func(t *testing.T, _ *Engine, _ *testPool, kept *store.Memory) {
				rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
			}, true, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, store.NewMemory()
				other := newEngine(t, Config{Store: kept, UserPool: p})
				if !test.signedOut {
					establish(t, other, p)
				}
				e := newEngine(t, Config{Store: kept, UserPool: p})
				if _, err := e.Fetch(t.Context(), Want{}); err != nil {
					t.Fatal(err)
				}
				events := collect(t, e)
				synctest.Wait()
				test.act(t, other, p, kept)
				if diff := cmp.Diff(test.want, brief(events())); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if s := e.Current(); s.Live() != test.live {
					t.Errorf("signed in: %t", s.Live())
				} else if r, _ := kept.Load(t.Context(), alice); test.live && s.user.Record.Generation != r.Generation {
					t.Errorf("memory has generation %d, the store %d", s.user.Record.Generation, r.Generation)
				}
				time.Sleep(time.Hour)
				if got := events(); len(got) != 0 {
					t.Errorf("later events %v", got)
				}
			})
		})
	}
}

func end(t *testing.T, other *Engine, _ *testPool, _ *store.Memory) {
	if _, err := other.End(t.Context(), EndOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
}

// TestWatchKeepsOwnChanges checks that an engine which watches tells of its own sign-in,
// refresh and sign-out once, and not as another's.
func TestWatchKeepsOwnChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := newEngine(t, Config{Store: kept, UserPool: p})
		events := collect(t, e)
		establish(t, e, p)
		synctest.Wait()
		wantTokens(t, e, Want{Force: true})
		synctest.Wait()
		end(t, e, p, kept)
		want := []Event{{Kind: SignedIn}, {Kind: Refreshed}, {Kind: SignedOut}}
		if diff := cmp.Diff(want, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestWatchKeepsClocks checks a record that was only edited: the tokens' clocks in memory,
// which are better than those of a record that is read, stay.
func TestWatchKeepsClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := signedIn(t, p, kept)
		collect(t, e)
		synctest.Wait()
		before := e.Current().tokens
		time.Sleep(time.Minute)
		rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
		synctest.Wait()
		if now := e.Current(); now.tokens != before || now.Record().Device == nil {
			t.Errorf("the window is %+v, was %+v; the record %+v", now.tokens, before, now.Record())
		}
	})
}

// TestWatchWaitsForRefresh checks a change that comes while this engine refreshes: it is
// looked at afterwards, and the refresh's own result is not told as another's.
func TestWatchWaitsForRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := signedIn(t, p, kept)
		events := collect(t, e)
		synctest.Wait()
		gate := make(chan struct{})
		p.before = func() { <-gate }
		go func() { _, _ = e.Fetch(t.Context(), Want{Force: true}) }()
		synctest.Wait()
		rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
		synctest.Wait()
		if e.Current().Record().Device != nil || len(events()) != 0 {
			t.Error("the change was taken during the refresh")
		}
		close(gate)
		if diff := cmp.Diff([]Event{{Kind: Refreshed}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if r := e.Current(); r.Record().Device == nil || r.user.unsaved() {
			t.Errorf("the other's change is lost: %+v", r.Record())
		}
	})
}

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
			stop, err := e.Subscribe(func(Event) {})
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
		if _, err := e.Subscribe(func(Event) {}); err != nil {
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

// TestWatchKeepsUnsaved checks what memory has and the store cannot take yet: refreshed
// tokens and a sign-out stay as they are, whatever else changes in the store.
func TestWatchKeepsUnsaved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act  func(t *testing.T, e *Engine)
		live bool
	}{
		"tokens":   {func(t *testing.T, e *Engine) { wantTokens(t, e, Want{Force: true}) }, true},
		"sign-out": {func(t *testing.T, e *Engine) { _, _ = e.End(t.Context(), EndOptions{}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := signedIn(t, &testPool{}, &brokenStore{kept})
				kept.set(nil, always(errDisk))
				events := collect(t, e)
				test.act(t, e)
				if got := events(); len(got) != 1 {
					t.Fatalf("events %v", got)
				}
				before := e.Current().user.Record.Generation
				if err := kept.SetActive(t.Context(), alice); err != nil { // wakes the watch
					t.Fatal(err)
				}
				if got := events(); len(got) != 0 || e.Current().Live() != test.live || e.Current().user.Record.Generation != before {
					t.Errorf("events %v, signed in %t, generation %d after %d", got, e.Current().Live(), e.Current().user.Record.Generation, before)
				}
			})
		})
	}
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
