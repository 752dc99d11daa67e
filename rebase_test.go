package latchkey

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// TestEditedWhileUnsaved: tokens that could not be stored are not lost to a
// program that edits the stored record meanwhile, which still has the tokens
// that they replaced; nor is what that program wrote.
func TestEditedWhileUnsaved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		expiries int           // that pass before the store works again
		wait     time.Duration // after that
		calls    int           // of a refresh, in all
	}{
		"the store works again by itself": {1, 2 * time.Minute, 1},
		"after several expiries":          {3, 2 * time.Minute, 3},
		"found by the next refresh":       {1, 2 * time.Hour, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.rotate = true
				shared := store.NewMemory()
				disk := &brokenStore{Memory: shared}
				c := p.signedIn(t, "alice", withStore(disk))
				account := c.account()

				disk.save.Store(true)
				for range test.expiries {
					time.Sleep(2 * time.Hour)
					wantTokens(t, fetch(t, c), "alice")
				}
				queueRevocation(t, shared, account, "left-over")
				disk.save.Store(false)
				if test.wait > time.Hour {
					disk.load.Store(true) // so that the refresh is the first to see the edit
					time.Sleep(test.wait - time.Minute)
					disk.load.Store(false)
					time.Sleep(time.Minute)
				} else {
					time.Sleep(test.wait)
				}
				want := wantTokens(t, fetch(t, c), "alice")
				synctest.Wait()

				stored, err := shared.Load(t.Context(), account)
				if err != nil || stored.Tokens == nil || stored.Tokens.Access.Reveal() != want.Access.Raw() {
					t.Fatalf("the store holds other tokens: %v", err)
				}
				if got := p.count(opRefresh); got != test.calls {
					t.Errorf("%d refreshes, want %d", got, test.calls)
				}
				// Whoever comes next spends the newest refresh token, or the session ends.
				later := p.newClient(t, withStore(shared))
				if _, err := fetch(t, later, ForceRefresh()).Tokens(); err != nil {
					t.Errorf("another program: %v", err)
				}
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
			})
		})
	}
}

// TestUnsavedTwice checks two refreshes while the store fails: the background save of the
// first must not take the place of the second, whose refresh token alone is still good.
func TestUnsavedTwice(t *testing.T) {
	t.Parallel()
	for _, between := range []time.Duration{0, 500 * time.Millisecond, 900 * time.Millisecond, 2500 * time.Millisecond} {
		t.Run(between.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), &brokenStore{Memory: store.NewMemory()}
				p.rotate = true
				c := p.signedIn(t, "alice", withStore(kept))
				kept.save.Store(true)
				fetch(t, c, ForceRefresh())
				time.Sleep(between)
				last := wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				kept.save.Store(false)
				time.Sleep(time.Minute)
				other := p.newClient(t, withStore(kept.Memory))
				if got := wantTokens(t, fetch(t, other), "alice"); got.Access.Raw() != last.Access.Raw() {
					t.Error("the store has other tokens than the last")
				}
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				wantTokens(t, fetch(t, other, ForceRefresh()), "alice")
			})
		})
	}
}
