package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/store"
)

// subTo is an edit that sets the user's id.
func subTo(sub string) func(Held) (store.Record, error) {
	return func(old Held) (store.Record, error) {
		next := old.Record
		next.Sub = sub
		return next, nil
	}
}

// TestUpdateReads checks when the store is read and written, and with which record the
// edit begins.
func TestUpdateReads(t *testing.T) {
	t.Parallel()
	kept := newScriptedStore()
	r := newRecords(t, kept)
	first, err := r.Update(t.Context(), alice, nil, subTo("new"))
	if err != nil || first.Record.Account != alice || first.unsaved() || first.Record.Generation == 0 {
		t.Fatalf("a new record: %+v, %v", first, err)
	}
	kept.count()
	second, err := r.Update(t.Context(), alice, &first, subTo("from what was read"))
	if loads, saves := kept.count(); err != nil || loads != 0 || saves != 1 || second.Record.Generation != first.Record.Generation+1 {
		t.Errorf("with a record in hand: %v, %d loads, %d saves, generation %d", err, loads, saves, second.Record.Generation)
	}
	same, err := r.Update(t.Context(), alice, nil, func(old Held) (store.Record, error) {
		old.Record.Sub = "not taken"
		return old.Record, errUnchanged
	})
	if loads, saves := kept.count(); err != nil || loads != 1 || saves != 0 || same.Record.Sub != second.Record.Sub || same.Stored != second.Stored {
		t.Errorf("unchanged: %v, %d loads, %d saves, %+v", err, loads, saves, same)
	}
	if _, err := r.Update(t.Context(), alice, nil, func(Held) (store.Record, error) { return store.Record{}, errOvertaken }); !errors.Is(err, errOvertaken) {
		t.Errorf("an edit that gives up: %v", err)
	}
	if _, saves := kept.count(); saves != 0 {
		t.Error("an edit that gives up was saved")
	}
	// A record in hand that another writer has replaced: the edit runs again on the newer.
	third, err := r.Update(t.Context(), alice, &first, func(old Held) (store.Record, error) {
		next := old.Record
		next.Issuer = "after " + old.Record.Sub
		return next, nil
	})
	if err != nil || third.Record.Issuer != "after "+second.Record.Sub || third.Record.Generation != second.Record.Generation+1 {
		t.Errorf("after a conflict: %+v, %v", third, err)
	}
}

// TestUpdateKeepsWhatCannotBeStored checks a store that fails: the caller gets the record
// as edited, with what the store is left with, and nothing is tried twice.
func TestUpdateKeepsWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	base := store.Record{Account: alice, Generation: 7, Tokens: &store.Tokens{Access: store.NewSecret("old")}}
	renew := func(old Held) (store.Record, error) {
		next := old.Record
		next.Tokens = &store.Tokens{Access: store.NewSecret("new")}
		return next, nil
	}
	damaged := &store.DamagedError{Account: alice, Err: errDisk}
	for name, test := range map[string]struct {
		load        func(store.Account) error
		save        func(store.Record) error
		err         error
		saves       int
		stored      uint64
		storedToken string
	}{
		"cannot write":       {nil, always(errDisk), errDisk, 1, 7, "old"},
		"panics":             {nil, func(store.Record) error { panic("a mistake") }, errPanic, 1, 7, "old"},
		"cannot read":        {loading(errDisk), nil, errDisk, 0, 0, ""},
		"refuses the record": {nil, always(store.ErrGeneration), store.ErrGeneration, 1, 7, "old"},
		"always conflicts":   {nil, always(store.ErrConflict), store.ErrConflict, updateAttempts, 7, "old"},
		"damaged":            {loading(damaged), always(errDisk), errDisk, 1, 0, ""},
	} {
		kept := newScriptedStore()
		if err := kept.Save(t.Context(), base, 0); err != nil {
			t.Fatal(err)
		}
		kept.count()
		kept.set(test.load, test.save)
		held, err := newRecords(t, kept).Update(t.Context(), alice, nil, renew)
		_, saves := kept.count()
		if !errors.Is(err, test.err) || saves != test.saves {
			t.Errorf("%s: %v after %d saves, want %v after %d", name, err, saves, test.err, test.saves)
		}
		if held.Record.Tokens == nil || held.Record.Tokens.Access.Reveal() != "new" || !held.unsaved() {
			t.Errorf("%s: the edit's work is lost: %+v", name, held)
		}
		if held.Stored != test.stored || held.storedAccess.Reveal() != test.storedToken {
			t.Errorf("%s: stored generation %d with %q, want %d with %q", name, held.Stored, held.storedAccess.Reveal(), test.stored, test.storedToken)
		}
	}
}

// TestUpdateOfUnsavedRecord checks that the access token in the store stays known while
// several changes in a row cannot be stored.
func TestUpdateOfUnsavedRecord(t *testing.T) {
	t.Parallel()
	kept := newScriptedStore()
	r := newRecords(t, kept)
	token := func(access string) func(Held) (store.Record, error) {
		return func(old Held) (store.Record, error) {
			next := old.Record
			next.Tokens = &store.Tokens{Access: store.NewSecret(access)}
			return next, nil
		}
	}
	held, err := r.Update(t.Context(), alice, nil, token("in the store"))
	if err != nil {
		t.Fatal(err)
	}
	inStore := held.Stored
	kept.set(nil, always(errDisk))
	for i := range 3 {
		held, err = r.Update(t.Context(), alice, &held, token(fmt.Sprint("unsaved ", i)))
		if !errors.Is(err, errDisk) || held.Stored != inStore || held.storedAccess.Reveal() != "in the store" {
			t.Fatalf("change %d: %v, stored %d with %q", i, err, held.Stored, held.storedAccess.Reveal())
		}
	}
	kept.set(nil, nil)
	held, err = r.Update(t.Context(), alice, &held, token("last"))
	if err != nil || held.unsaved() {
		t.Errorf("when the store works again: %+v, %v", held, err)
	}
}

// TestUpdateIgnoresEndedContext checks that what a caller has begun to store is stored,
// in bounded time: what the service has issued cannot be issued again.
func TestUpdateIgnoresEndedContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := newScriptedStore()
		r := newRecords(t, kept)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		held := Held{Record: store.Record{Account: alice}}
		if held, err := r.Update(ctx, alice, &held, subTo("s")); err != nil || held.unsaved() {
			t.Errorf("an ended context: %v", err)
		}
		blocked := &blockingStore{Memory: store.NewMemory()}
		r.store.Store = blocked
		began := time.Now()
		if _, err := r.Update(ctx, alice, &held, subTo("s")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != saveTime {
			t.Errorf("a store that hangs: %v after %v", err, time.Since(began))
		}
	})
}

// TestUpdatesLoseNothing lets several writers change one record at the same time: each
// change that was reported as done is in the record.
func TestUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	r := newRecords(t, store.NewMemory())
	const writers, each = 4, 4
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				token := store.NewSecret(fmt.Sprintf("%d of %d", i, w))
				for {
					_, err := r.Update(t.Context(), alice, nil, func(old Held) (store.Record, error) {
						next := old.Record
						next.Pending = append(next.Pending[:len(next.Pending):len(next.Pending)], store.Revocation{Token: token})
						return next, nil
					})
					if err == nil {
						break
					}
					if !errors.Is(err, store.ErrConflict) {
						t.Errorf("Update: %v", err)
						return
					}
				}
			}
		})
	}
	group.Wait()
	record, err := r.load(t.Context(), alice)
	if err != nil || len(record.Pending) != writers*each {
		t.Errorf("%d changes are in the record, want %d (%v)", len(record.Pending), writers*each, err)
	}
}

// TestGenerationsGrow checks that a record's next generation is above all that memory and
// store are known to have had, and that a first one goes by the clock.
func TestGenerationsGrow(t *testing.T) {
	t.Parallel()
	r := newRecords(t, store.NewMemory())
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Uint64Range(0, 1<<53-2)
		old := Held{Record: store.Record{Account: alice, Generation: draw.Draw(t, "record")}, Stored: draw.Draw(t, "stored")}
		known := max(old.Record.Generation, old.Stored)
		r.owner = &Owner{wake: func() {}}
		if memory := draw.Draw(t, "memory"); rapid.Bool().Draw(t, "in memory") {
			r.owner.replace(&State{user: stored(store.Record{Account: alice, Generation: memory})})
			known = max(known, memory)
		}
		next := r.nextGeneration(alice, old)
		if known > 0 && next != known+1 {
			t.Fatalf("generation %d after %d", next, known)
		}
	})
	early := firstGeneration()
	if late := uint64(time.Now().Add(time.Second).UnixMilli()) << generationBits; early >= late || early < late-uint64(time.Minute.Milliseconds())<<generationBits {
		t.Errorf("the first generation %d does not go by the clock, which gives less than %d", early, late)
	}
	if year2248 := time.Date(2248, 1, 1, 0, 0, 0, 0, time.UTC); uint64(year2248.UnixMilli())<<generationBits >= 1<<53 {
		t.Error("first generations reach 2^53 before the year 2248")
	}
}
