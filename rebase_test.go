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
				other := p.newClient(t, withStore(shared))
				account := c.current.Load().record.Account

				disk.save.Store(true)
				for range test.expiries {
					time.Sleep(2 * time.Hour)
					wantTokens(t, fetch(t, c), "alice")
				}
				err := other.editPending(t.Context(), account, func(r *store.Record) { other.enqueue(r, NewSecret("left-over")) })
				if err != nil {
					t.Fatal(err)
				}
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

// TestRebased: only a record that was edited and not refreshed is rebased upon.
func TestRebased(t *testing.T) {
	t.Parallel()
	account := store.Account{Username: "alice"}
	record := func(generation uint64, access string) store.Record {
		return store.Record{Generation: generation, Account: account, Tokens: &store.Tokens{Access: NewSecret(access), Refresh: NewSecret("r" + access)}}
	}
	unsaved := &snapshot{record: record(5, "new"), kept: 4, replaced: NewSecret("old")}
	ended := record(5, "old")
	ended.Ended = &store.Ended{Reason: reasonSignedOut}
	for name, test := range map[string]struct {
		s      *snapshot
		stored store.Record
		want   bool
	}{
		"edited":                   {unsaved, record(5, "old"), true},
		"edited twice":             {unsaved, record(9, "old"), true},
		"untouched":                {unsaved, record(4, "old"), false},
		"refreshed by another":     {unsaved, record(5, "other"), false},
		"signed out":               {unsaved, ended, false},
		"without tokens":           {unsaved, store.Record{Generation: 5, Account: account}, false},
		"memory that was stored":   {&snapshot{record: record(5, "new"), kept: 5, replaced: NewSecret("old")}, record(6, "old"), false},
		"memory that was read":     {&snapshot{record: record(5, "new"), kept: 4}, record(6, "old"), false},
		"memory that is over":      {&snapshot{record: ended, kept: 4, replaced: NewSecret("old")}, record(6, "old"), false},
		"memory of nobody at all":  {&snapshot{}, record(6, "old"), false},
		"the same tokens again":    {unsaved, record(5, "new"), false},
		"an older generation":      {unsaved, record(3, "old"), false},
		"the replaced, but ending": {unsaved, ended, false},
	} {
		next, ok := test.s.rebased(test.stored)
		if ok != test.want {
			t.Errorf("%s: %v", name, ok)
		}
		if ok && (next.Generation != test.stored.Generation+1 || !next.Tokens.Refresh.Equal(NewSecret("rnew"))) {
			t.Errorf("%s: %+v", name, next)
		}
	}
}
