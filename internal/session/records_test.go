package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// TestReapplied checks that unsaved tokens go into a record that was edited and not
// refreshed, and into no other.
func TestReapplied(t *testing.T) {
	t.Parallel()
	account := store.Account{Username: "alice"}
	record := func(generation uint64, access string) store.Record {
		return store.Record{Generation: generation, Account: account, Tokens: &store.Tokens{Access: store.NewSecret(access), Refresh: store.NewSecret("r" + access)}}
	}
	held := func(r store.Record, stored uint64, access string) Held {
		return Held{Record: r, Stored: stored, storedAccess: store.NewSecret(access)}
	}
	unsaved := held(record(5, "new"), 4, "old")
	ended := record(5, "old")
	ended.Ended = &store.Ended{Reason: SignedOutReason}
	for name, test := range map[string]struct {
		held   Held
		stored store.Record
		want   bool
	}{
		"edited":                   {unsaved, record(5, "old"), true},
		"edited twice":             {unsaved, record(9, "old"), true},
		"untouched":                {unsaved, record(4, "old"), false},
		"refreshed by another":     {unsaved, record(5, "other"), false},
		"signed out":               {unsaved, ended, false},
		"without tokens":           {unsaved, store.Record{Generation: 5, Account: account}, false},
		"memory that was stored":   {held(record(5, "new"), 5, "old"), record(6, "old"), false},
		"memory that was read":     {Held{Record: record(5, "new"), Stored: 4}, record(6, "old"), false},
		"memory that is over":      {held(ended, 4, "old"), record(6, "old"), false},
		"memory without a session": {Held{}, record(6, "old"), false},
		"the same tokens again":    {unsaved, record(5, "new"), false},
		"an older generation":      {unsaved, record(3, "old"), false},
	} {
		next, ok := test.held.reapplied(test.stored)
		if ok != test.want {
			t.Errorf("%s: %v", name, ok)
		}
		if ok && (next.Record.Generation != test.stored.Generation+1 || !next.Record.Tokens.Refresh.Equal(store.NewSecret("rnew"))) {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

// rival changes the record just before each of the first saves of another.
type rival struct {
	*store.Memory
	saves int
}

func (r *rival) Save(ctx context.Context, record store.Record, previous uint64) error {
	if r.saves--; r.saves >= 0 {
		other, err := r.Memory.Load(ctx, record.Account)
		if err != nil {
			return err
		}
		other.Generation++
		if err := r.Memory.Save(ctx, other, other.Generation-1); err != nil {
			return err
		}
	}
	return r.Memory.Save(ctx, record, previous)
}

// TestUpdateIsBounded checks the one loop of compare-and-swap: it runs the edit again on
// what another writer made, and gives up after a number of tries with the store's error.
func TestUpdateIsBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rivals, edits int
		err           error
	}{{0, 1, nil}, {1, 2, nil}, {updateAttempts - 1, updateAttempts, nil}, {updateAttempts, updateAttempts, store.ErrConflict}} {
		kept := &rival{Memory: store.NewMemory()}
		e := signedIn(t, &testPool{}, kept)
		kept.saves = test.rivals
		edits := 0
		_, err := e.records.Update(t.Context(), e.Current().Record().Account, nil, func(old Held) (store.Record, error) {
			edits++
			next := old.Record
			next.Sub = "changed"
			return next, nil
		})
		if !errors.Is(err, test.err) || edits != test.edits {
			t.Errorf("%d rivals: %v after %d edits, want %v after %d", test.rivals, err, edits, test.err, test.edits)
		}
	}
}

// TestEditRefusesAnotherEpoch checks that what was computed for a login that has been
// replaced changes nothing.
func TestEditRefusesAnotherEpoch(t *testing.T) {
	t.Parallel()
	p := &testPool{}
	e := signedIn(t, p, store.NewMemory())
	before := e.owner.present()
	p.mu.Lock()
	g := p.grant()
	p.mu.Unlock()
	if err := e.Establish(t.Context(), g, How{}); err != nil {
		t.Fatal(err)
	}
	if e.owner.edit(before, func(*State) change { t.Error("an edit of another epoch ran"); return change{} }) {
		t.Error("edit reports success")
	}
}

// TestEndedContextIsAnError checks a caller whose context has ended when the flight
// ends: the result does not depend on which came first.
func TestEndedContextIsAnError(t *testing.T) {
	t.Parallel()
	f := &flight{done: make(chan struct{})}
	close(f.done)
	if err := f.wait(t.Context()); err != nil {
		t.Errorf("a context that goes on: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // a select of two ready cases chooses at random
		if err := f.wait(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("an ended context: %v, want context.Canceled", err)
		}
	}
}

// TestNoteStored checks a background save that succeeds after memory has moved on: memory
// knows then which record the store holds, and its own replaces that.
func TestNoteStored(t *testing.T) {
	t.Parallel()
	p, kept := &testPool{}, &failingSaves{Memory: store.NewMemory()}
	e := signedIn(t, p, kept)
	kept.fail.Store(true)
	wantTokens(t, e, Want{Force: true})
	first := e.Current().user
	wantTokens(t, e, Want{Force: true})
	second := e.Current().user
	kept.fail.Store(false)
	if _, done := e.records.retrySave(t.Context(), first); !done {
		t.Fatal("the first record was not stored")
	}
	if now := e.Current().user; now.Stored != first.Record.Generation || now.Record.Generation != second.Record.Generation {
		t.Errorf("memory: generation %d, stored %d; want %d and %d", now.Record.Generation, now.Stored, second.Record.Generation, first.Record.Generation)
	}
	if !e.records.isPresent(&second) {
		t.Fatal("memory has another record")
	}
	if _, done := e.records.retrySave(t.Context(), second); !done || e.Current().user.unsaved() {
		t.Error("the second record was not stored")
	}
	wantTokens(t, e, Want{Force: true})
}

// failingSaves is a store that cannot be written for a while.
type failingSaves struct {
	*store.Memory
	fail atomic.Bool
}

func (s *failingSaves) Save(ctx context.Context, r store.Record, previous uint64) error {
	if s.fail.Load() {
		return errors.New("no space left on device")
	}
	return s.Memory.Save(ctx, r, previous)
}
