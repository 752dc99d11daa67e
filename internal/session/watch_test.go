package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/internal/fault"
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
			}, false, []Event{{Kind: SessionExpired, Err: fault.UserNotFound}},
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
				if diff := cmp.Diff(test.want, brief(events()), cmpopts.EquateErrors()); diff != "" {
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

// TestWatchKeepsOwnChanges checks that an engine which watches tells of its own sign-ins,
// refresh and sign-out once, and not as another's.
func TestWatchKeepsOwnChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := newEngine(t, Config{Store: &slowPointers{kept}, UserPool: p})
		events := collect(t, e)
		establish(t, e, p)
		synctest.Wait()
		wantTokens(t, e, Want{Force: true})
		synctest.Wait()
		p.origin = "another"
		establish(t, e, p) // over the session before
		synctest.Wait()
		end(t, e, p, kept)
		want := []Event{{Kind: SignedIn}, {Kind: Refreshed}, {Kind: SignedIn}, {Kind: SignedOut}}
		if diff := cmp.Diff(want, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// slowPointers is a store that takes a while to move the pointer, after a record was saved.
type slowPointers struct{ *store.Memory }

func (s *slowPointers) SetActive(ctx context.Context, account store.Account) error {
	time.Sleep(time.Second)
	return s.Memory.SetActive(ctx, account)
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

// TestSubscriptionEndsBeforeItBegins checks that a subscription which was ended while the
// store was read for its first event leaves neither a subscriber nor a watch.
func TestSubscriptionEndsBeforeItBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := signedIn(t, &testPool{}, store.NewMemory())
		s := &subscriber{call: func(Event) { t.Error("called") }}
		e.owner.events.remove(s)
		e.begin(s)
		synctest.Wait()
		if !e.owner.events.idle() || e.watching.stop != nil {
			t.Errorf("idle %t, watched %t", e.owner.events.idle(), e.watching.stop != nil)
		}
	})
}
