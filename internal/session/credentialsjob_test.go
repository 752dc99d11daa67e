package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

var guest = store.Account{Scope: testScope}

// keep stores an identity for an account.
func keep(t *testing.T, kept store.Store, account store.Account, id string) {
	t.Helper()
	r, err := kept.Load(t.Context(), account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	before := r.Generation
	r.Account, r.Generation = account, before+1
	r.SetIdentity(store.Identity{PoolID: testIdentityPool, Endpoint: testIdentityOrigin, ID: id})
	if err := kept.Save(t.Context(), r, before); err != nil {
		t.Fatal(err)
	}
}

// TestCredentialsCalls checks which calls a renewal makes, by what the store knows of
// identities and by what the pool answers.
func TestCredentialsCalls(t *testing.T) {
	t.Parallel()
	const ofUser, keysOfUser = "id " + aliceLogin, " " + aliceLogin
	for name, test := range map[string]struct {
		user        bool
		mine, other string // identities of the user, or of the guest, that are known
		fails       map[string]int
		class       fault.Class
		steps       []string
		err         error
		identity    string // in the record of whose session it is, at the end
		guest       bool   // the guest's record is there at the end
	}{
		"guest":             {steps: []string{"id guest", "keys us-east-1:1 guest"}, identity: "us-east-1:1", guest: true},
		"guest, known":      {mine: "us-east-1:g", steps: []string{"keys us-east-1:g guest"}, identity: "us-east-1:g", guest: true},
		"user":              {user: true, steps: []string{ofUser, "keys us-east-1:1" + keysOfUser}, identity: "us-east-1:1"},
		"user, known":       {user: true, mine: "us-east-1:u", steps: []string{"keys us-east-1:u" + keysOfUser}, identity: "us-east-1:u"},
		"user after guest":  {user: true, other: "us-east-1:g", steps: []string{"keys us-east-1:g" + keysOfUser}, identity: "us-east-1:g"},
		"known after guest": {user: true, mine: "us-east-1:u", other: "us-east-1:g", steps: []string{"keys us-east-1:u" + keysOfUser}, identity: "us-east-1:u", guest: true},
		"guest's is refused": {
			user: true, other: "us-east-1:g", fails: map[string]int{"keys us-east-1:g": 1}, class: fault.Misconfigured,
			steps: []string{"keys us-east-1:g" + keysOfUser, ofUser, "keys us-east-1:2" + keysOfUser}, identity: "us-east-1:2",
		},
		"own is refused": {
			user: true, mine: "us-east-1:u", fails: map[string]int{"keys": 1}, class: fault.Misconfigured,
			steps: []string{"keys us-east-1:u" + keysOfUser}, err: fault.Config, identity: "us-east-1:u",
		},
		"gone": {
			user: true, mine: "us-east-1:u", fails: map[string]int{"keys": 1}, class: fault.IdentityGone,
			steps: []string{"keys us-east-1:u" + keysOfUser, ofUser, "keys us-east-1:2" + keysOfUser}, identity: "us-east-1:2",
		},
		"gone twice": {
			user: true, mine: "us-east-1:u", fails: map[string]int{"keys": 9}, class: fault.IdentityGone,
			steps: []string{"keys us-east-1:u" + keysOfUser, ofUser, "keys us-east-1:2" + keysOfUser}, err: fault.NotAuthorized, identity: "us-east-1:2",
		},
		"named, but no keys": {
			user: true, fails: map[string]int{"keys": 1}, class: fault.Misconfigured,
			steps: []string{ofUser, "keys us-east-1:1" + keysOfUser}, err: fault.Config, identity: "us-east-1:1",
		},
		"guests are off": {
			fails: map[string]int{"id": 9}, class: fault.NoGuests, steps: []string{"id guest"}, err: fault.GuestsDisabled,
		},
		"stale login": {
			user: true, mine: "us-east-1:u", fails: map[string]int{"keys": 1}, class: fault.StaleLogin,
			steps: []string{"keys us-east-1:u" + keysOfUser, "keys us-east-1:u" + keysOfUser}, identity: "us-east-1:u",
		},
		"stale login twice": {
			user: true, mine: "us-east-1:u", fails: map[string]int{"keys": 9}, class: fault.StaleLogin,
			steps: []string{"keys us-east-1:u" + keysOfUser, "keys us-east-1:u" + keysOfUser}, err: fault.NotAuthorized, identity: "us-east-1:u",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, newScriptedStore()
				e := newEngine(t, withIdentities(kept, p, identities))
				account := guest
				if test.user {
					account = alice
					establish(t, e, p)
					time.Sleep(time.Second)
				}
				if test.other != "" {
					keep(t, kept, guest, test.other)
				}
				if test.mine != "" {
					keep(t, kept, account, test.mine)
				}
				identities.failing(test.fails, test.class)
				if key, err := keys(t, e, Want{}); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || (key != "") != (err == nil) {
					t.Errorf("%q, %v; want %v", key, err, test.err)
				}
				wantSteps(t, identities, test.steps...)
				r, _ := kept.Memory.Load(t.Context(), account)
				if got := e.reader.identity(r); got.ID != test.identity || (got.Credentials != nil) != (test.err == nil) {
					t.Errorf("the record has identity %q, keys %t; want %q", got.ID, got.Credentials != nil, test.identity)
				}
				if _, err := kept.Memory.Load(t.Context(), guest); (err == nil) != test.guest {
					t.Errorf("the guest's record: %v", err)
				}
				if want := map[bool]int{true: 1}[test.class == fault.StaleLogin]; p.count() != want {
					t.Errorf("%d refreshes of tokens, want %d", p.count(), want)
				}
			})
		})
	}
}

// TestCredentialsAreShared checks two engines over one store: one asks the pool, the other
// takes what it finds, until that is due.
func TestCredentialsAreShared(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]bool{"user": true, "guest": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
				first, second := newEngine(t, withIdentities(kept, p, identities)), newEngine(t, withIdentities(kept, p, identities))
				if user {
					establish(t, first, p)
				}
				a, err := keys(t, first, Want{})
				if err != nil {
					t.Fatal(err)
				}
				b, err := keys(t, second, Want{})
				if err != nil || a != b || len(identities.taken()) != 2 {
					t.Errorf("%q and %q, %v", a, b, err)
				}
				time.Sleep(time.Second)
				if forced, err := keys(t, second, Want{Force: true, CredentialsOnly: true}); err != nil || forced == b {
					t.Errorf("a fetch that is forced: %q after %q, %v", forced, b, err)
				}
				time.Sleep(29 * time.Minute)
				newer, err := keys(t, first, Want{Force: true, CredentialsOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				identities.taken()
				if adopted, err := keys(t, second, Want{CredentialsOnly: true, MinCredentials: 40 * time.Minute}); err != nil || adopted != newer {
					t.Errorf("keys that last longer: %q, want %q of the store, %v", adopted, newer, err)
				}
				wantSteps(t, identities)
				time.Sleep(70 * time.Minute)
				c, err := keys(t, first, Want{CredentialsOnly: true})
				d, again := keys(t, second, Want{CredentialsOnly: true})
				if err != nil || again != nil || c != d || c == a || len(identities.taken()) != 1 {
					t.Errorf("after an hour: %q and %q, %v, %v", c, d, err, again)
				}
			})
		})
	}
}

// TestCredentialsOfPastSession checks keys that are issued after the session was changed by
// another process: they are neither stored nor handed out.
func TestCredentialsOfPastSession(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*store.Record){
		"signed out":   func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") },
		"another user": func(r *store.Record) { r.Sub = "sub-2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
				e := newEngine(t, withIdentities(&unwatched{kept}, p, identities))
				establish(t, e, p)
				calls := 0
				identities.before = func(context.Context) error {
					if calls++; calls == 2 {
						rewrite(t, kept, change)
					}
					return nil
				}
				const late = "key-2" // those that came too late
				if key, err := keys(t, e, Want{CredentialsOnly: true}); key == late {
					t.Errorf("the caller gets them (%v)", err)
				}
				r, err := kept.Load(t.Context(), alice)
				if c := e.reader.identity(r).Credentials; err != nil || c != nil && c.AccessKeyID == late {
					t.Errorf("the store holds %+v, %v", r.Identities, err)
				}
			})
		})
	}
}

// TestCredentialsWithoutStore checks a store that cannot be written: the keys are handed
// out as long as the process runs, and the pool is not asked each time.
func TestCredentialsWithoutStore(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]bool{"user": true, "guest": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, newScriptedStore()
				e := newEngine(t, withIdentities(kept, p, identities))
				if user {
					establish(t, e, p)
				}
				kept.set(nil, always(errDisk))
				a, err := keys(t, e, Want{})
				if err != nil {
					t.Fatal(err)
				}
				identities.taken()
				time.Sleep(time.Minute)
				if b, err := keys(t, e, Want{}); err != nil || a != b {
					t.Errorf("%q, then %q, %v", a, b, err)
				}
				wantSteps(t, identities)
				kept.set(nil, nil)
				time.Sleep(time.Hour)
				if c, err := keys(t, e, Want{CredentialsOnly: true}); err != nil || c == a {
					t.Errorf("after an hour: %q, %v", c, err)
				}
				if v, err := e.Fetch(t.Context(), Want{}); err != nil || v.identityID != "us-east-1:1" {
					t.Errorf("after an hour the identity is %q, %v", v.identityID, err)
				}
			})
		})
	}
}
