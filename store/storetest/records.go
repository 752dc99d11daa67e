package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// testRoundTrip saves records that a store with columns or default values
// might change: parts that are present and empty, the largest generation.
func testRoundTrip(t *testing.T, s store.Store) {
	account := Account("alice")
	if _, err := s.Load(t.Context(), account); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load from an empty store: %v, want ErrNotFound", err)
	}
	records := map[string]store.Record{
		"every field": ended(Sample(account, 1)),
		"least":       {Generation: 2, Account: account},
		"empty parts": {
			Generation: 3, Account: account, SignIn: &store.SignIn{}, Tokens: &store.Tokens{},
			Device: &store.Device{}, Identities: []store.Identity{{Credentials: &store.Credentials{}}}, Ended: &store.Ended{},
		},
		"largest generation": {Generation: 1<<64 - 1, Account: account},
		"time zone": {
			Generation: 5, Account: account,
			SavedAt: time.Date(2026, 1, 1, 0, 0, 0, 1, time.FixedZone("", -5*3600-30*60)),
		},
	}
	for name, record := range records {
		t.Run(name, func(t *testing.T) {
			record.Account.Username = name
			mustSave(t, s, record, 0)
			if diff := Diff(record, mustLoad(t, s, record.Account)); diff != "" {
				t.Errorf("saved (-) and loaded (+) differ:\n%s", diff)
			}
		})
	}
}

// ended returns the record as a sign-out leaves it, with every field set.
func ended(record store.Record) store.Record {
	record.Ended = &store.Ended{Reason: "signed-out", Detail: "by the user", At: record.SavedAt.Add(time.Minute)}
	return record
}

// testCopies changes what it gave to Save and what it got from Load. A record in
// the store must not change with it.
func testCopies(t *testing.T, s store.Store) {
	account := Account("alice")
	change := func(r store.Record) {
		r.Tokens.Access = store.NewSecret("changed")
		r.SignIn.Flow = "changed"
		r.Device.Key = "changed"
		r.Identities[0].ID = "changed"
		r.Identities[1].Credentials.AccessKeyID = "changed"
		r.Ended.Reason = "changed"
		r.Pending[0].Token = store.NewSecret("changed")
	}
	record := ended(Sample(account, 1))
	mustSave(t, s, record, 0)
	change(record)
	loaded := mustLoad(t, s, account)
	if diff := Diff(ended(Sample(account, 1)), loaded); diff != "" {
		t.Errorf("a change after Save reached the store:\n%s", diff)
	}
	change(loaded)
	if diff := Diff(ended(Sample(account, 1)), mustLoad(t, s, account)); diff != "" {
		t.Errorf("a change after Load reached the store:\n%s", diff)
	}
}

// testGenerations goes through the rules of Save one by one and looks after each
// what is kept.
func testGenerations(t *testing.T, s store.Store) {
	account := Account("alice")
	mustSave(t, s, Sample(account, 3), 0)
	tests := []struct {
		name           string
		next, previous uint64
		want           error
	}{
		{"there is one already", 4, 0, store.ErrConflict},
		{"read too early", 4, 2, store.ErrConflict},
		{"not yet there", 5, 4, store.ErrConflict},
		{"the same again", 3, 3, store.ErrGeneration},
		{"backwards", 2, 3, store.ErrGeneration},
		{"next", 4, 3, nil},
		{"with a gap", 9, 4, nil},
	}
	kept := uint64(3)
	for _, test := range tests {
		err := s.Save(t.Context(), Sample(account, test.next), test.previous)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: Save(generation %d, previous %d): %v, want %v", test.name, test.next, test.previous, err, test.want)
		}
		if test.want == nil {
			kept = test.next
		}
		if diff := Diff(Sample(account, kept), mustLoad(t, s, account)); diff != "" {
			t.Errorf("%s: kept record:\n%s", test.name, diff)
		}
	}
	if err := s.Save(t.Context(), Sample(Account("nobody"), 2), 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save after a record that does not exist: %v, want ErrConflict", err)
	}
}

// testParallelWriters counts in a record's Sub: every increment must be there
// at the end.
func testParallelWriters(t *testing.T, s store.Store) {
	const writers = 50
	account := Account("alice")
	mustSave(t, s, store.Record{Generation: 1, Account: account, Sub: "0"}, 0)
	var conflicts atomic.Int64
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for {
				record, err := s.Load(t.Context(), account)
				if err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				previous := record.Generation
				count, err := strconv.Atoi(record.Sub)
				if err != nil {
					t.Errorf("Sub is not a number: %v", err)
					return
				}
				record.Generation, record.Sub = previous+1, strconv.Itoa(count+1)
				err = s.Save(t.Context(), record, previous)
				if err == nil {
					return
				}
				if !errors.Is(err, store.ErrConflict) {
					t.Errorf("Save: %v", err)
					return
				}
				conflicts.Add(1)
			}
		})
	}
	wait.Wait()
	got := mustLoad(t, s, account)
	if got.Sub != strconv.Itoa(writers) || got.Generation != writers+1 {
		t.Errorf("count %s at generation %d after %d increments (%d conflicts)", got.Sub, got.Generation, writers, conflicts.Load())
	}
}

// testParallelSignIns lets many create the same record: one may.
func testParallelSignIns(t *testing.T, s store.Store) {
	const writers = 20
	account := Account("alice")
	var won, lost atomic.Int64
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			switch err := s.Save(t.Context(), Sample(account, 1), 0); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrConflict):
				lost.Add(1)
			default:
				t.Errorf("Save: %v", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || lost.Load() != writers-1 {
		t.Errorf("%d sign-ins won and %d lost, want 1 and %d", won.Load(), lost.Load(), writers-1)
	}
}

// testRefusals saves what no store may keep; see store.Encode for the list.
func testRefusals(t *testing.T, s store.Store) {
	account := Account("alice")
	mustSave(t, s, Sample(account, 1), 0)
	huge := Sample(account, 2)
	huge.Tokens.ID = store.NewSecret(string(make([]byte, store.MaxSize)))
	broken := Sample(account, 2)
	broken.Sub = "\xff"
	far := Sample(account, 2)
	far.SavedAt = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	twice := Sample(account, 2)
	twice.Identities[0] = twice.Identities[1]
	for name, record := range map[string]store.Record{"too large": huge, "not UTF-8": broken, "year 12026": far, "two identities of one key": twice} {
		if err := s.Save(t.Context(), record, 1); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: Save: %v, want an error that is no conflict", name, err)
		}
	}
	if err := s.Save(t.Context(), store.Record{Account: Account("bob")}, 0); err == nil {
		t.Error("Save took a record of generation 0")
	}
	if diff := Diff(Sample(account, 1), mustLoad(t, s, account)); diff != "" {
		t.Errorf("a refused Save changed the record:\n%s", diff)
	}
}

// testContextEnded calls every method under a context that has ended. Nothing
// may happen, however little it would cost.
func testContextEnded(t *testing.T, s store.Store) {
	account := Account("alice")
	mustSave(t, s, Sample(account, 1), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, loadErr := s.Load(ctx, account)
	_, listErr := s.List(ctx, account.Scope)
	_, activeErr := s.Active(ctx, account.Scope)
	if lister, ok := s.(store.ServiceLister); ok {
		if _, err := lister.Services(ctx, account.PoolID, account.ClientID); !errors.Is(err, context.Canceled) {
			t.Errorf("Services under an ended context: %v, want context.Canceled", err)
		}
	}
	errs := map[string]error{
		"Load": loadErr, "List": listErr, "Active": activeErr,
		"Save":      s.Save(ctx, Sample(account, 2), 1),
		"Delete":    s.Delete(ctx, account),
		"SetActive": s.SetActive(ctx, account),
	}
	for method, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under an ended context: %v, want context.Canceled", method, err)
		}
	}
	if diff := Diff(Sample(account, 1), mustLoad(t, s, account)); diff != "" {
		t.Errorf("a call under an ended context changed the record:\n%s", diff)
	}
	if _, err := s.Active(t.Context(), account.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Active: %v, want ErrNotFound", err)
	}
}
