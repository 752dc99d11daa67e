package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// tokenRecord is alice's live record of a generation with an access token.
func tokenRecord(generation uint64, access string) store.Record {
	return store.Record{
		Account: alice, Generation: generation, Sub: "sub-1",
		Tokens: &store.Tokens{Access: store.NewSecret(access), Refresh: store.NewSecret("refresh of " + access)},
	}
}

// TestReadReconciles checks what a renewal goes by for each pair of what the store answers
// and what memory holds.
func TestReadReconciles(t *testing.T) {
	t.Parallel()
	damaged := &store.DamagedError{Account: alice, Err: errDisk}
	saved := stored(tokenRecord(5, "a"))
	unsaved := Held{Record: tokenRecord(6, "b"), Stored: 5, storedAccess: store.NewSecret("a")}
	ended := tombstone(tokenRecord(7, "a"), SignedOutReason, "")
	ended.Generation = 7
	edited := tokenRecord(7, "a")
	edited.Pending = []store.Revocation{{Token: store.NewSecret("other")}}
	ok := func(r store.Record) *store.Record { return &r }
	for name, test := range map[string]struct {
		kept     *store.Record
		load     error
		memory   *Held
		access   string // of what is found; empty for an empty record
		stored   uint64 // what the store is known to hold after it
		inStore  uint64 // what it holds
		unusable bool   // the store could not be read
		err      error
	}{
		"a record, nothing in memory":      {ok(tokenRecord(5, "a")), nil, nil, "a", 5, 5, false, nil},
		"the same in both":                 {ok(tokenRecord(5, "a")), nil, &saved, "a", 5, 5, false, nil},
		"a newer one":                      {ok(tokenRecord(9, "z")), nil, &saved, "z", 9, 9, false, nil},
		"memory could not be stored":       {ok(tokenRecord(5, "a")), nil, &unsaved, "b", 5, 5, false, nil},
		"unsaved, and edited beside":       {ok(edited), nil, &unsaved, "b", 8, 8, false, nil},
		"unsaved, and refreshed by others": {ok(tokenRecord(7, "z")), nil, &unsaved, "z", 7, 7, false, nil},
		"unsaved, and signed out":          {ok(ended), nil, &unsaved, "", 7, 7, false, nil},
		"none":                             {nil, nil, nil, "", 0, 0, false, nil},
		"none, but in memory":              {nil, nil, &saved, "", 0, 0, false, nil},
		"none, and unsaved":                {nil, nil, &unsaved, "b", 6, 6, false, nil},
		"damaged, nothing in memory":       {nil, damaged, nil, "", 0, 0, false, nil},
		"damaged, and in memory":           {nil, damaged, &saved, "a", 5, 5, false, nil},
		"damaged, and unsaved":             {nil, damaged, &unsaved, "b", 6, 6, false, nil},
		"unreadable, nothing in memory":    {ok(tokenRecord(5, "a")), errDisk, nil, "", 0, 5, false, errDisk},
		"unreadable, and in memory":        {ok(tokenRecord(5, "a")), errDisk, &saved, "a", 5, 5, true, nil},
		"unreadable, and unsaved":          {ok(tokenRecord(5, "a")), errDisk, &unsaved, "b", 5, 5, true, nil},
	} {
		kept := newScriptedStore()
		if test.kept != nil {
			if err := kept.Save(t.Context(), *test.kept, 0); err != nil {
				t.Fatal(err)
			}
		}
		if test.load != nil {
			kept.set(loading(test.load), nil)
		}
		r := newRecords(t, kept)
		if test.memory != nil {
			r.owner.replace(&State{user: *test.memory})
		}
		got, err := r.read(t.Context(), alice)
		access := ""
		if got.Record.Tokens != nil {
			access = got.Record.Tokens.Access.Reveal()
		}
		if !errors.Is(err, test.err) || access != test.access || got.Stored != test.stored || got.unreadable != test.unusable {
			t.Errorf("%s: %q of stored generation %d, unreadable %t, %v; want %+v", name, access, got.Stored, got.unreadable, err, test)
		}
		if err == nil && got.Record.Account != alice {
			t.Errorf("%s: of the account %v", name, got.Record.Account)
		}
		if now, _ := kept.Memory.Load(t.Context(), alice); now.Generation != test.inStore {
			t.Errorf("%s: the store holds generation %d, want %d", name, now.Generation, test.inStore)
		}
	}
}

// TestReapplyKeepsTheOtherChange checks unsaved tokens over a record that another program
// has edited: both changes are in the record, and memory follows even if that cannot be
// stored either.
func TestReapplyKeepsTheOtherChange(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"stored": false, "the store still fails": true} {
		kept := newScriptedStore()
		edited := tokenRecord(7, "a")
		edited.Pending = []store.Revocation{{Token: store.NewSecret("queued")}}
		if err := kept.Save(t.Context(), edited, 0); err != nil {
			t.Fatal(err)
		}
		r := newRecords(t, kept)
		r.owner.replace(&State{user: Held{Record: tokenRecord(6, "b"), Stored: 5, storedAccess: store.NewSecret("a")}})
		if broken {
			kept.set(nil, always(errDisk))
		}
		got, err := r.read(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		memory := r.owner.load().user
		for which, held := range map[string]Held{"found": got.Held, "memory": memory} {
			if held.unsaved() != broken || len(held.Record.Pending) != 1 || held.Record.Tokens.Refresh.Reveal() != "refresh of b" {
				t.Errorf("%s: %s: %+v", name, which, held)
			}
		}
		// The access token in the store stays known, so that this can be done again.
		if _, again := memory.reapplied(tokenRecord(9, "a")); again != broken {
			t.Errorf("%s: can be reapplied again: %t", name, again)
		}
	}
}

// TestFollowIsOfOneRecord checks that memory takes a record only in the place of the one
// that it replaces.
func TestFollowIsOfOneRecord(t *testing.T) {
	t.Parallel()
	r := newRecords(t, store.NewMemory())
	before, next := stored(tokenRecord(5, "a")), stored(tokenRecord(6, "b"))
	if r.follow(before, next) {
		t.Error("without a state")
	}
	r.owner.replace(&State{user: stored(tokenRecord(8, "z"))})
	if r.follow(before, next) || r.owner.load().user.Record.Generation != 8 {
		t.Error("a sign-in that came between was replaced")
	}
	r.owner.replace(&State{user: before})
	if !r.follow(before, next) || r.owner.load().user.Record.Generation != 6 {
		t.Error("the record was not taken")
	}
}

// TestHealingIsWaitedFor checks a renewal that reads while another reader mends damage: it
// does not take the record that was set aside for a sign-out.
func TestHealingIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := newScriptedStore()
		damages := 1
		kept.set(func(store.Account) error {
			if damages--; damages == 0 {
				return &store.DamagedError{Account: alice, Err: errDisk}
			}
			return nil
		}, func(store.Record) error { time.Sleep(time.Second); return nil })
		r := newRecords(t, kept)
		r.owner.replace(&State{user: stored(tokenRecord(5, "a"))})
		go func() {
			if _, err := r.inspect(t.Context(), alice); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("inspect: %v", err)
			}
		}()
		synctest.Wait()
		bounded, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := r.loadHealed(bounded, alice); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a reader whose context ends takes it for a sign-out: %v", err)
		}
		got, err := r.read(t.Context(), alice)
		if err != nil || got.Record.Generation != 5 || got.unreadable {
			t.Errorf("a reader that waits: %+v, %v", got, err)
		}
	})
}
