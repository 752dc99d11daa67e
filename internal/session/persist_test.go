package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// unsavedSession is an engine with tokens that could not be stored.
func unsavedSession(t *testing.T, kept *scriptedStore) *Engine {
	t.Helper()
	e := signedIn(t, &testPool{}, kept)
	kept.set(nil, always(errDisk))
	wantTokens(t, e, Want{Force: true})
	if !e.Current().user.unsaved() {
		t.Fatal("the record was stored")
	}
	return e
}

// inStore is the record of the engine's user in the store.
func inStore(t *testing.T, e *Engine, kept *scriptedStore) store.Record {
	t.Helper()
	r, err := kept.Memory.Load(t.Context(), e.Current().user.Record.Account)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPersistTriesUntilStored checks the background save: it tries less and less often
// while the store fails or panics, and stops once the record is stored.
func TestPersistTriesUntilStored(t *testing.T) {
	t.Parallel()
	reads := 0
	for name, test := range map[string]struct {
		load func(store.Account) error
		save func(store.Record) error
	}{
		"fails":  {nil, always(errDisk)},
		"panics": {nil, func(store.Record) error { panic("a mistake") }},
		"panics at a read": {func(store.Account) error {
			if reads++; reads%2 == 0 { // after the one that finds the conflict
				panic("a mistake")
			}
			return nil
		}, always(store.ErrConflict)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := unsavedSession(t, kept)
				kept.count()
				kept.set(test.load, test.save)
				time.Sleep(time.Hour - time.Second)
				if _, saves := kept.count(); saves < 60 || saves > 66 {
					t.Errorf("%s: %d tries in an hour, want one a minute", name, saves)
				}
				kept.set(nil, nil)
				time.Sleep(lastBackoff)
				if e.Current().user.unsaved() || inStore(t, e, kept).Generation != e.Current().user.Record.Generation {
					t.Errorf("%s: the record is not stored", name)
				}
				kept.count()
				time.Sleep(time.Hour)
				if _, saves := kept.count(); saves != 0 {
					t.Errorf("%s: %d saves after it was stored", name, saves)
				}
			})
		})
	}
}

// TestPersistIsOfOneRecord checks that a background save ends when something newer takes
// the record's place: it must not bring back a session that was signed out.
func TestPersistIsOfOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := newScriptedStore()
		e := unsavedSession(t, kept)
		kept.set(nil, nil)
		if _, err := e.End(t.Context(), EndOptions{Cause: CauseLocal}); err != nil {
			t.Fatal(err)
		}
		over := inStore(t, e, kept)
		time.Sleep(time.Hour)
		if now := inStore(t, e, kept); now.Tokens != nil || now.Generation != over.Generation {
			t.Errorf("after the sign-out: %+v", now)
		}
	})
}

// TestPersistSavesTheLatest checks two records in a row that could not be stored: only the
// second is saved when the store works again.
func TestPersistSavesTheLatest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := newScriptedStore()
		e := unsavedSession(t, kept)
		wantTokens(t, e, Want{Force: true})
		kept.set(nil, nil)
		kept.count()
		time.Sleep(time.Hour / 2)
		if _, saves := kept.count(); saves != 1 || inStore(t, e, kept).Generation != e.Current().user.Record.Generation || e.Current().user.unsaved() {
			t.Errorf("%d saves; the store holds generation %d of %d", saves, inStore(t, e, kept).Generation, e.Current().user.Record.Generation)
		}
	})
}

// TestPersistMeetsAnotherWriter checks a background save that finds the record changed: it
// gives way to other tokens, and puts its own into a record that was edited beside them.
func TestPersistMeetsAnotherWriter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*store.Record)
		want   string // the access token in the store at the end; empty for the other's
	}{
		"edited":    {func(r *store.Record) { r.Device = &store.Device{Key: "d"} }, "mine"},
		"refreshed": {func(r *store.Record) { r.Tokens = &store.Tokens{Access: store.NewSecret("another's")} }, "another's"},
		"ended":     {func(r *store.Record) { *r = tombstone(*r, "TokenRevokedException", "") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := unsavedSession(t, kept)
				kept.set(nil, nil)
				record := inStore(t, e, kept)
				before := record.Generation
				test.change(&record)
				record.Generation = before + 5
				if err := kept.Memory.Save(t.Context(), record, before); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				got, want := "", test.want
				now := inStore(t, e, kept)
				if now.Tokens != nil {
					got = now.Tokens.Access.Reveal()
				}
				if want == "mine" {
					want = e.Current().user.Record.Tokens.Access.Reveal()
				}
				if got != want {
					t.Errorf("%s: the store holds %q, want %q", name, got, want)
				}
				if test.want == "mine" && (now.Device == nil || e.Current().user.unsaved()) {
					t.Errorf("%s: the other's change is lost, or memory does not know of the save: %+v", name, now)
				}
			})
		})
	}
}

// TestCloseSavesOnce checks what Close does about tokens that are not stored yet: one last
// try, and an error if that fails.
func TestCloseSavesOnce(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"works again": false, "still fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := newScriptedStore()
				e := unsavedSession(t, kept)
				generation := e.Current().user.Record.Generation
				if !broken {
					kept.set(nil, nil)
				}
				kept.count()
				began := time.Now()
				err := e.Close()
				if errors.Is(err, fault.Store) != broken || time.Since(began) != 0 {
					t.Errorf("%s: Close: %v after %v", name, err, time.Since(began))
				}
				if _, saves := kept.count(); saves != 1 {
					t.Errorf("%s: %d saves, want 1", name, saves)
				}
				r, err := kept.Memory.Load(t.Context(), alice)
				if err != nil || (r.Generation == generation) == broken {
					t.Errorf("%s: the store holds generation %d of %d (%v)", name, r.Generation, generation, err)
				}
				if e.Current() != nil {
					t.Errorf("%s: a closed engine has a state", name)
				}
			})
		})
	}
}
