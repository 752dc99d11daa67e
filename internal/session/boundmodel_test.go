package session

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/store"
)

// TestBoundIsOneStore makes random changes through a store of one service, over records
// that were kept in its former scopes: whoever looks sees one store, and what is another
// service's stays as it was.
func TestBoundIsOneStore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		b, kept := newBound()
		model := map[string]store.Record{} // by username
		theirs := map[store.Account]string{}
		names := rapid.SampledFrom([]string{"alice", "bob", "carol", ""})
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		record := func(account store.Account, generation uint64, issuer string) store.Record {
			return store.Record{Account: account, Generation: generation, Issuer: issuer, Tokens: &store.Tokens{Refresh: store.NewSecret(fmt.Sprint(generation, issuer))}}
		}
		for i, name := range []string{"alice", "bob", "carol", "dave"} { // what earlier versions have left
			scope := rapid.SampledFrom([]store.Scope{formerScope, plainScope}).Draw(t, "scope of "+name)
			issuer := "ours"
			if scope == plainScope && rapid.Bool().Draw(t, name+" is another's") {
				issuer = "theirs"
			}
			old := record(store.Account{Scope: scope, Username: name}, uint64(i+1), issuer)
			must(kept.Save(ctx, old, 0))
			if issuer == "theirs" {
				theirs[old.Account] = old.Tokens.Refresh.Reveal()
			} else {
				old.Account = in(ownScope, old.Account)
				model[name] = old
			}
		}
		account := func(name string) store.Account { return store.Account{Scope: ownScope, Username: name} }
		t.Repeat(map[string]func(*rapid.T){
			"save": func(t *rapid.T) {
				name := names.Draw(t, "name")
				before := model[name].Generation
				next := record(account(name), before+1+rapid.Uint64Range(0, 3).Draw(t, "step"), "ours")
				must(b.Save(ctx, next, before))
				model[name] = next
			},
			"save too late": func(t *rapid.T) {
				name := names.Draw(t, "name")
				before := model[name].Generation
				wrong := before + 1 + rapid.Uint64Range(0, 3).Draw(t, "off")
				if err := b.Save(ctx, record(account(name), wrong+1, "ours"), wrong); !errors.Is(err, store.ErrConflict) {
					t.Fatalf("a save after generation %d over %d: %v", wrong, before, err)
				}
			},
			"delete": func(t *rapid.T) {
				name := names.Draw(t, "name")
				must(b.Delete(ctx, account(name)))
				delete(model, name)
			},
			"activate": func(t *rapid.T) {
				name := names.Draw(t, "name")
				must(b.SetActive(ctx, account(name)))
				if got, err := b.Active(ctx, ownScope); err != nil || got != account(name) {
					t.Fatalf("active is %v, %v; want %q", got, err, name)
				}
			},
			"": func(t *rapid.T) {
				var want []store.Account
				for name := range model {
					want = append(want, account(name))
				}
				store.SortAccounts(want)
				if got, err := b.List(ctx, ownScope); err != nil || !slices.Equal(got, want) {
					t.Fatalf("List: %v, %v; want %v", got, err, want)
				}
				for _, name := range []string{"alice", "bob", "carol", "dave", ""} {
					got, err := b.Load(ctx, account(name))
					saved, ok := model[name]
					if ok != (err == nil) || !ok && !errors.Is(err, store.ErrNotFound) {
						t.Fatalf("%q: %v, want a record: %t", name, err, ok)
					}
					if ok && (got.Account != account(name) || got.Generation != saved.Generation || !got.Tokens.Refresh.Equal(saved.Tokens.Refresh)) {
						t.Fatalf("%q: %+v, want %+v", name, got, saved)
					}
				}
				for other, refresh := range theirs {
					if r, err := kept.Load(ctx, other); err != nil || r.Tokens.Refresh.Reveal() != refresh {
						t.Fatalf("%v of another service: %+v, %v", other, r, err)
					}
				}
			},
		})
	})
}

// TestBoundMovesIdentities checks the identities of a record from a former scope: those of
// the identity pool's former addresses are its own now, and others stay.
func TestBoundMovesIdentities(t *testing.T) {
	t.Parallel()
	identity := func(endpoint, id string) store.Identity {
		return store.Identity{PoolID: testIdentityPool, Endpoint: endpoint, ID: id}
	}
	for name, test := range map[string]struct {
		before, after []store.Identity
	}{
		"none":                  {nil, nil},
		"of today":              {[]store.Identity{identity("new", "a")}, []store.Identity{identity("new", "a")}},
		"of a former address":   {[]store.Identity{identity("old", "a")}, []store.Identity{identity("new", "a")}},
		"of another service":    {[]store.Identity{identity("other", "a")}, []store.Identity{identity("other", "a")}},
		"of both":               {[]store.Identity{identity("new", "a"), identity("old", "b")}, []store.Identity{identity("new", "a")}},
		"of two former":         {[]store.Identity{identity("older", "a"), identity("old", "b")}, []store.Identity{identity("new", "a")}},
		"of former and another": {[]store.Identity{identity("other", "a"), identity("old", "b")}, []store.Identity{identity("other", "a"), identity("new", "b")}},
	} {
		b, kept := newBound()
		b.identityOrigin, b.formerIdentityOrigins = "new", []string{"old", "older", "new"}
		r := store.Record{Generation: 1, Account: store.Account{Scope: formerScope, Username: "alice"}, Identities: test.before}
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
		got, err := b.Load(t.Context(), in(ownScope, r.Account))
		if err != nil || !slices.Equal(got.Identities, test.after) {
			t.Errorf("%s: %v, %v; want %v", name, got.Identities, err, test.after)
		}
		if inStore, _ := kept.Load(t.Context(), r.Account); !slices.Equal(inStore.Identities, test.before) {
			t.Errorf("%s: a read changed the store: %v", name, inStore.Identities)
		}
	}
}

// bareStore is a store with neither locks nor a watch.
type bareStore struct{ store.Store }

// TestBoundOverBareStores checks stores that have neither locks nor a watch: nothing is
// locked, and nothing watched.
func TestBoundOverBareStores(t *testing.T) {
	t.Parallel()
	b := &bound{Store: bareStore{store.NewMemory()}, scope: ownScope}
	for range 2 { // the first lock holds nothing
		unlock, err := b.Lock(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
	}
	if b.watcher() != nil || b.elsewhere(t.Context()) != "" {
		t.Error("a bare store is watched, or knows of services")
	}
}

// TestBoundTakesThePlace checks a store whose keys do not name the service: a first record
// takes the place of another service's, and of no record of its own.
func TestBoundTakesThePlace(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]error{"theirs": nil, "ours": store.ErrConflict} {
		kept := &blindStore{Memory: store.NewMemory(), blind: true}
		b := &bound{Store: kept, scope: ownScope, ours: func(issuer string) bool { return issuer == "ours" }}
		r := store.Record{Account: in(ownScope, alice), Generation: 7, Issuer: issuer, Tokens: &store.Tokens{}}
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
		r.Generation, r.Issuer, r.Sub = 8, "ours", "new"
		if err := b.Save(t.Context(), r, 0); !errors.Is(err, want) {
			t.Errorf("over a record of %s: %v, want %v", issuer, err, want)
		}
		if now, err := kept.Load(t.Context(), r.Account); err != nil || (now.Sub == "new") != (want == nil) {
			t.Errorf("over a record of %s: %+v, %v", issuer, now, err)
		}
	}
}

// TestBoundListsMovedOnce checks a record that has moved, and whose old copy could not be
// deleted: it is one account, with what was saved last.
func TestBoundListsMovedOnce(t *testing.T) {
	t.Parallel()
	b, kept := newBound()
	old := put(t, kept, formerScope, "alice", "r", 7)
	kept.deletes = true
	r, err := b.Load(t.Context(), in(ownScope, old))
	if err != nil {
		t.Fatal(err)
	}
	r.Generation = 8
	if err := b.Save(t.Context(), r, 7); err != nil {
		t.Fatal(err)
	}
	if listed, err := b.List(t.Context(), ownScope); err != nil || !slices.Equal(listed, []store.Account{r.Account}) {
		t.Errorf("List: %v, %v", listed, err)
	}
	if _, err := kept.Load(t.Context(), old); err != nil {
		t.Fatalf("the old copy was deleted: %v", err)
	}
	if now, err := b.Load(t.Context(), r.Account); err != nil || now.Generation != 8 {
		t.Errorf("generation %d, %v", now.Generation, err)
	}
}
