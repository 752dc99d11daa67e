package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/store"
)

// TestRefreshAdoptsAnothersTokens checks two engines over one store: what one refreshes
// the other takes, and a refresh that is forced spends the token that was just read.
func TestRefreshAdoptsAnothersTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		// Without a watch it learns of the other's tokens from the store alone.
		first, second := signedIn(t, p, kept), newEngine(t, Config{Store: &unwatched{kept}, UserPool: p})
		wantTokens(t, second, Want{})
		events := collect(t, second)
		time.Sleep(30 * time.Minute)
		renewed := wantTokens(t, first, Want{Force: true})
		time.Sleep(45 * time.Minute)
		got := wantTokens(t, second, Want{})
		if got.Access.Raw() != renewed.Access.Raw() || p.count() != 1 {
			t.Errorf("%d refreshes", p.count())
		}
		if diff := cmp.Diff([]Event{{Kind: Refreshed, Cause: CauseRemote}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		wantTokens(t, first, Want{Force: true})
		time.Sleep(time.Second)
		wantTokens(t, second, Want{Force: true}) // it sends the token of the first's refresh
		if p.count() != 3 {
			t.Errorf("%d refreshes, want three", p.count())
		}
	})
}

// TestLateGrant checks tokens that are issued after the record was changed: those of a
// session that is over are revoked, and those of the session that is there are not.
func TestLateGrant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*testing.T, *testPool, *scriptedStore)
		live    bool
		revoked int
		event   Event
	}{
		"signed out": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") })
			}, false, 1, Event{Kind: SignedOut, Cause: CauseRemote},
		},
		"deleted": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				if err := kept.Delete(t.Context(), alice); err != nil {
					t.Error(err)
				}
			}, false, 1, Event{Kind: SignedOut, Cause: CauseRemote},
		},
		"signed in anew": {
			func(t *testing.T, p *testPool, kept *scriptedStore) {
				p.origin = "another"
				rewrite(t, kept, setTokens(p.grant()))
				p.origin = ""
			}, true, 1, Event{Kind: Refreshed, Cause: CauseRemote},
		},
		"refreshed by another": {
			func(t *testing.T, p *testPool, kept *scriptedStore) { rewrite(t, kept, setTokens(p.grant())) }, true, 0, Event{Kind: Refreshed, Cause: CauseRemote},
		},
		"edited": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
			}, true, 0, Event{Kind: Refreshed},
		},
		"edited, and unreadable for a while": {
			func(t *testing.T, _ *testPool, kept *scriptedStore) {
				rewrite(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "d"} })
				kept.set(loading(errDisk), nil)
			}, true, 0, Event{Kind: Refreshed},
		},
		"edited again and again": {
			func(_ *testing.T, _ *testPool, kept *scriptedStore) { kept.set(nil, always(store.ErrConflict)) }, true, 0, Event{Kind: Refreshed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, &unwatched{kept})
				events := collect(t, e)
				p.answer = func(cognito.Grant) (cognito.Grant, error) {
					test.change(t, p, kept)
					return p.grant(), nil
				}
				v, err := e.Fetch(t.Context(), Want{Force: true})
				if err != nil {
					t.Fatal(err)
				}
				if v.SignedIn() != test.live {
					t.Errorf("%s: signed in %t", name, v.SignedIn())
				}
				if diff := cmp.Diff([]Event{test.event}, brief(events())); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", name, diff)
				}
				if got := p.revocations(); len(got) != test.revoked {
					t.Errorf("%s: revoked %q, want %d", name, got, test.revoked)
				}
				if !test.live {
					return
				}
				// The token that the service takes now is in the store once that works again.
				kept.set(nil, nil)
				time.Sleep(time.Minute)
				wantTokens(t, e, Want{})
				if got := inStore(t, e, kept).Tokens.Refresh.Reveal(); test.event.Cause == "" && got != p.refresh {
					t.Errorf("%s: the store holds %s, the service takes %s", name, got, p.refresh)
				}
			})
		})
	}
}
