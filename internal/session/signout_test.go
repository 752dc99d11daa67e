package session

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestEnd checks what a sign-out leaves, in memory and in the store, and what it hands to
// the revocation.
func TestEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options EndOptions
		edit    func(*store.Record) // another process, meanwhile
		load    error
		save    error
		refresh string // the token to be revoked
		queued  bool
		pending int // in the store
		gone    bool
		err     error
	}{
		"all works":      {EndOptions{Cause: CauseLocal}, nil, nil, nil, "refresh-1", true, 1, false, nil},
		"locally":        {EndOptions{Cause: CauseLocal, Local: true}, nil, nil, nil, "refresh-1", false, 0, false, nil},
		"rotated beside": {EndOptions{}, func(r *store.Record) { r.Tokens.Refresh = store.NewSecret("newer") }, nil, nil, "newer", true, 1, false, nil},
		"queued beside": {
			EndOptions{}, func(r *store.Record) { r.Pending = []store.Revocation{{Token: store.NewSecret("other")}} }, nil, nil, "refresh-1", true, 2, false, nil,
		},
		"ended beside": {EndOptions{}, func(r *store.Record) { *r = tombstone(*r, SignedOutReason, "") }, nil, nil, "refresh-1", true, 1, false, nil},
		"cannot write": {EndOptions{}, nil, nil, errDisk, "refresh-1", false, 0, true, nil},
		"cannot read":  {EndOptions{}, nil, errDisk, nil, "refresh-1", false, 0, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, &unwatched{kept})
				events := collect(t, e)
				if test.edit != nil {
					rewrite(t, kept, test.edit)
				}
				kept.set(loading(test.load), always(test.save))
				ended, cancel := context.WithCancel(t.Context())
				cancel() // a sign-out is done whole
				over, err := e.End(ended, test.options)
				if err != nil {
					t.Fatal(err)
				}
				if over.Username != "alice" || over.Refresh.Reveal() != test.refresh || over.Queued != test.queued || !errors.Is(over.Err, test.err) {
					t.Errorf("%+v (token %q), want %+v", over, over.Refresh.Reveal(), test)
				}
				if s := e.Current(); s.Live() || !errors.Is(s.view.tokensErr, fault.SignedOut) {
					t.Errorf("the session is shown: %v", s.view.tokensErr)
				}
				r, err := kept.Memory.Load(t.Context(), alice)
				if errors.Is(err, store.ErrNotFound) != test.gone || r.Tokens != nil || len(r.Pending) != test.pending {
					t.Errorf("the store holds %+v, %v", r, err)
				}
				if diff := cmp.Diff([]Event{{Kind: SignedOut, Cause: test.options.Cause}}, brief(events())); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if again, err := e.End(t.Context(), test.options); err != nil || !again.Refresh.IsZero() || len(events()) != 0 {
					t.Errorf("a second sign-out: %+v, %v", again, err)
				}
			})
		})
	}
}

// TestEndWithoutStore checks a sign-out that the store cannot take in any way: it counts
// in this process, the report says that it failed, and it is stored later.
func TestEndWithoutStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, &brokenStore{kept})
		kept.set(nil, always(errDisk))
		over, err := e.End(t.Context(), EndOptions{})
		if err != nil || !errors.Is(over.Err, fault.Store) || over.Queued || over.Refresh.Reveal() != "refresh-1" || e.Current().Live() {
			t.Errorf("%+v, %v", over, err)
		}
		kept.set(nil, nil)
		sleep(t.Context(), lastBackoff)
		if r := inStore(t, e, kept); live(r) || r.Ended == nil {
			t.Errorf("the store holds %+v", r)
		}
	})
}

// TestEndOfGuest checks what a sign-out does to guests and to sessions of other providers.
func TestEndOfGuest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		user, federate, keep bool
		kept                 bool // the guest's record
		events               []EventKind
	}{
		"guest":            {kept: false},
		"guest, kept":      {keep: true, kept: true},
		"user":             {user: true, events: []EventKind{SignedOut}},
		"user, guest kept": {user: true, keep: true, kept: true, events: []EventKind{SignedOut}},
		"provider":         {federate: true, events: []EventKind{SignedOut}},
		"provider, kept":   {federate: true, keep: true, events: []EventKind{SignedOut}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
				e := newEngine(t, withIdentities(&unwatched{kept}, p, identities))
				switch {
				case test.federate:
					e = federated(t, &unwatched{kept}, identities)
				case test.user:
					establish(t, e, p)
					keep(t, kept, guest, "us-east-1:g")
				default:
					if _, err := keys(t, e, Want{}); err != nil {
						t.Fatal(err)
					}
				}
				events := collect(t, e)
				over, err := e.End(t.Context(), EndOptions{KeepGuest: test.keep})
				if err != nil || over.Err != nil || (over.Username != "") != test.user {
					t.Errorf("%+v, %v", over, err)
				}
				if _, err := kept.Load(t.Context(), guest); (err == nil) != test.kept {
					t.Errorf("the guest's record: %v", err)
				}
				var kinds []EventKind
				for _, ev := range events() {
					kinds = append(kinds, ev.Kind)
				}
				if !slices.Equal(kinds, test.events) {
					t.Errorf("events %v, want %v", kinds, test.events)
				}
				if v := e.Current().View(); v.Provider() != "" || v.SignedIn() {
					t.Errorf("after the sign-out: %+v", v)
				}
			})
		})
	}
}

// TestEndUnreadable checks a sign-out in a program that cannot read its session: it is
// done by the account that the store's pointer names.
func TestEndUnreadable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		signedIn(t, p, kept)
		e := newEngine(t, Config{Store: kept, UserPool: p})
		kept.set(loading(errDisk), nil)
		over, err := e.End(t.Context(), EndOptions{})
		if err != nil || over.Username != "alice" || over.Err != nil {
			t.Errorf("%+v, %v", over, err)
		}
		if r, err := kept.Memory.Load(t.Context(), alice); err == nil && live(r) {
			t.Errorf("the store holds %+v", r)
		}
	})
}

// TestEndOther checks the sign-out of an account that is not the active one.
func TestEndOther(t *testing.T) {
	t.Parallel()
	p, kept := &testPool{}, newScriptedStore()
	e := signedIn(t, p, kept)
	bob := store.Account{Scope: testScope, Username: "bob"}
	if err := kept.Save(t.Context(), store.Record{Account: bob, Generation: 1, Tokens: &store.Tokens{Refresh: store.NewSecret("bob's")}}, 0); err != nil {
		t.Fatal(err)
	}
	if over := e.EndOther(t.Context(), alice, EndOptions{}); !errors.Is(over.Err, fault.InvalidParameter) || !e.Current().Live() {
		t.Errorf("the active account: %+v", over)
	}
	if others, err := e.Others(t.Context(), "alice"); err != nil || !slices.Equal(others, []store.Account{bob}) {
		t.Errorf("others: %v, %v", others, err)
	}
	over := e.EndOther(t.Context(), bob, EndOptions{})
	if over.Err != nil || over.Refresh.Reveal() != "bob's" || !over.Queued || !e.Current().Live() {
		t.Errorf("bob: %+v", over)
	}
	if others, err := e.Others(t.Context(), "alice"); err != nil || len(others) != 0 {
		t.Errorf("others after it: %v, %v", others, err)
	}
	kept.set(loading(errDisk), nil)
	if others, err := e.Others(t.Context(), ""); err != nil || len(others) != 2 {
		t.Errorf("accounts that cannot be read have to be signed out too: %v, %v", others, err)
	}
}

// TestRevokeReports checks what becomes of the token of a session that was ended.
func TestRevokeReports(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		local  bool
		err    error
		queued bool
		left   int // in the store, at once
	}{
		"done":             {false, nil, false, 0},
		"not reached":      {false, fault.OfClass("", fault.Unreached, ""), true, 1},
		"refused":          {false, fault.OfClass("", fault.Misconfigured, ""), false, 0},
		"not queued":       {true, fault.OfClass("", fault.Unreached, ""), false, 0},
		"not queued, done": {true, nil, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := &testPool{}, newScriptedStore()
				e := signedIn(t, p, kept)
				over, err := e.End(t.Context(), EndOptions{Local: test.local})
				if err != nil {
					t.Fatal(err)
				}
				p.revoke = func(context.Context, store.Secret) error { return test.err }
				queued, err := e.Revoke(t.Context(), over)
				if !errors.Is(err, test.err) || queued != test.queued || len(inStore(t, e, kept).Pending) != test.left {
					t.Errorf("queued %t, %v, %d left; want %+v", queued, err, len(inStore(t, e, kept).Pending), test)
				}
			})
		})
	}
}

// TestLeftPages checks that the browser's logout is noted, unless the user has signed in
// since.
func TestLeftPages(t *testing.T) {
	t.Parallel()
	p, kept := &testPool{}, newScriptedStore()
	e := newEngine(t, Config{Store: kept, UserPool: p})
	signIn := func() {
		if err := e.Establish(t.Context(), p.newGrant(), How{Redirect: &store.Redirect{URI: "http://127.0.0.1:1/"}}); err != nil {
			t.Fatal(err)
		}
	}
	signIn()
	if err := e.LeftPages(t.Context(), alice); err != nil || inStore(t, e, kept).Redirect == nil {
		t.Errorf("a live session lost its browser's: %v", err)
	}
	over, err := e.End(t.Context(), EndOptions{})
	if err != nil || over.Record.Redirect == nil {
		t.Fatalf("%+v, %v", over, err)
	}
	if err := e.LeftPages(t.Context(), alice); err != nil || inStore(t, e, kept).Redirect != nil {
		t.Errorf("the browser's session stays noted: %v", err)
	}
}
