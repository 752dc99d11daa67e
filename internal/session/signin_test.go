package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestEstablishKeepsWhatOutlivesSessions checks a sign-in over an earlier session of the
// same account: which parts of its record stay.
func TestEstablishKeepsWhatOutlivesSessions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit   func(*store.Record)
		device string // of the grant
		want   func(store.Record) bool
	}{
		"device":         {func(r *store.Record) { r.Device = &store.Device{Key: "old"} }, "", func(r store.Record) bool { return r.Device.Key == "old" }},
		"another device": {func(r *store.Record) { r.Device = &store.Device{Key: "old"} }, "new", func(r store.Record) bool { return r.Device.Key == "new" }},
		"revocations": {
			func(r *store.Record) { r.Pending = []store.Revocation{{Token: store.NewSecret("r")}} }, "", func(r store.Record) bool { return len(r.Pending) == 1 },
		},
		"identity without its keys": {
			func(r *store.Record) {
				r.SetIdentity(store.Identity{PoolID: testIdentityPool, ID: "us-east-1:u", Credentials: &store.Credentials{AccessKeyID: "k"}})
			}, "", func(r store.Record) bool {
				return r.Identities[0].ID == "us-east-1:u" && r.Identities[0].Credentials == nil
			},
		},
		"no identity of another user": {
			func(r *store.Record) {
				r.Sub = "sub-2"
				r.SetIdentity(store.Identity{PoolID: testIdentityPool, ID: "us-east-1:u"})
			}, "", func(r store.Record) bool { return len(r.Identities) == 0 },
		},
		"no end":            {func(r *store.Record) { *r = tombstone(*r, "TokenRevokedException", "") }, "", func(r store.Record) bool { return live(r) }},
		"no former token":   {func(r *store.Record) { r.Tokens.Former = store.NewSecret("f") }, "", func(r store.Record) bool { return r.Tokens.Former.IsZero() }},
		"no refused device": {func(r *store.Record) { r.Tokens.DeviceRefused = true }, "", func(r store.Record) bool { return !r.Tokens.DeviceRefused }},
		"no redirect":       {func(r *store.Record) { r.Redirect = &store.Redirect{URI: "http://x"} }, "", func(r store.Record) bool { return r.Redirect == nil }},
	} {
		p, kept := &testPool{}, store.NewMemory()
		e := signedIn(t, p, kept)
		rewrite(t, kept, test.edit)
		g := p.newGrant()
		if test.device != "" {
			g.Device = &store.Device{Key: test.device}
		}
		if err := e.Establish(t.Context(), g, How{SignIn: &store.SignIn{LoginID: "alice@example.com"}}); err != nil {
			t.Fatal(err)
		}
		r, err := kept.Load(t.Context(), alice)
		if err != nil || !test.want(r) || r.SignIn.LoginID != "alice@example.com" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// TestEstablishWithoutStore checks a sign-in that cannot be stored: an error, and a session
// that lasts as long as the process and is stored later.
func TestEstablishWithoutStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := newEngine(t, Config{Store: kept, UserPool: p})
		kept.set(nil, always(errDisk))
		ended, cancel := context.WithCancel(t.Context())
		cancel() // the service has already signed the user in
		if err := e.Establish(ended, p.newGrant(), How{}); !errors.Is(err, fault.Store) || !errors.Is(err, errDisk) {
			t.Errorf("Establish: %v", err)
		}
		wantTokens(t, e, Want{})
		kept.set(nil, nil)
		synctest.Wait()
		sleep(t.Context(), lastBackoff)
		if r := inStore(t, e, kept); !live(r) {
			t.Errorf("the store holds %+v", r)
		}
	})
}

// TestEstablishEndsRenewals checks that what was begun for the session before cannot reach
// the new one.
func TestEstablishEndsRenewals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, store.NewMemory()
		e := signedIn(t, p, kept)
		gate := make(chan struct{})
		p.before = func() { <-gate }
		done := make(chan error, 1)
		go func() { done <- fetchErr(t, e) }()
		synctest.Wait()
		p.origin = "another"
		establish(t, e, p)
		access := wantTokens(t, e, Want{}).Access.Raw()
		p.before = nil
		close(gate)
		if err := <-done; err != nil {
			t.Errorf("the caller that waited: %v", err)
		}
		if got := wantTokens(t, e, Want{}).Access; got.Raw() != access && got.OriginID() != "another" {
			t.Errorf("the session before has taken the place: %s", got.OriginID())
		}
	})
}

// TestSwitch checks which accounts can be made active.
func TestSwitch(t *testing.T) {
	t.Parallel()
	p, kept := &testPool{}, newScriptedStore()
	e := signedIn(t, p, kept)
	bob := sessionRecord(e.Current().readAt, false)
	bob.Account.Username = "bob"
	over := tombstone(bob, SignedOutReason, "")
	over.Account.Username, over.Generation = "carol", 1
	for _, r := range []store.Record{bob, over} {
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{"carol": fault.SignedOut, "nobody": fault.SignedOut, "": fault.SignedOut} {
		if err := e.Switch(t.Context(), name); !errors.Is(err, want) || e.Current().View().Username() != "alice" {
			t.Errorf("%q: %v, want %v; active is %q", name, err, want, e.Current().View().Username())
		}
	}
	kept.set(loading(errDisk), nil)
	if err := e.Switch(t.Context(), "bob"); !errors.Is(err, fault.Store) || e.Current().View().Username() != "alice" {
		t.Errorf("an unreadable store: %v", err)
	}
	kept.set(nil, nil)
	before := e.owner.present()
	if err := e.Switch(t.Context(), "bob"); err != nil || e.Current().View().Username() != "bob" || e.owner.present() == before {
		t.Errorf("bob: %v, active is %q", err, e.Current().View().Username())
	}
	if active, err := kept.Active(t.Context(), testScope); err != nil || active.Username != "bob" {
		t.Errorf("the store's pointer: %v, %v", active, err)
	}
}

// TestAccounts checks the list of users, with what cannot be read among them.
func TestAccounts(t *testing.T) {
	t.Parallel()
	p, kept := &testPool{}, newScriptedStore()
	e := signedIn(t, p, kept)
	for _, name := range []string{"bob", ""} {
		r := store.Record{Account: store.Account{Scope: testScope, Username: name}, Generation: 1}
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
	}
	kept.set(func(account store.Account) error {
		if account.Username == "bob" {
			return errDisk
		}
		return nil
	}, nil)
	accounts, failures, err := e.Accounts(t.Context())
	if err != nil || len(failures) != 1 || !errors.Is(failures[0], fault.Store) {
		t.Errorf("failures %v, %v", failures, err)
	}
	var got []string
	for _, a := range accounts {
		got = append(got, a.Record.Account.Username)
		if a.Active != (a.Record.Account.Username == "alice") {
			t.Errorf("%s is active: %t", a.Record.Account.Username, a.Active)
		}
	}
	if diff := cmp.Diff([]string{"alice", "bob"}, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// TestDeviceOfUser checks which record's device is sent at a sign-in: the user's name
// counts first, then what was typed at an earlier sign-in, in any case.
func TestDeviceOfUser(t *testing.T) {
	t.Parallel()
	kept := newScriptedStore()
	e := newEngine(t, Config{Store: kept, UserPool: &testPool{}})
	for name, login := range map[string]string{"aaron": "dave", "alice": "bob", "Bob": "b@example.com", "carol": "c@example.com", "dave": ""} {
		r := store.Record{Account: store.Account{Scope: testScope, Username: name}, Generation: 1, Device: &store.Device{Key: "of " + name}}
		if name == "carol" {
			r.Device = nil
		}
		if login != "" {
			r.SignIn = &store.SignIn{LoginID: login}
		}
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"alice": "of alice", "ALICE": "of alice", "bob": "of Bob", "B@EXAMPLE.COM": "of Bob", "carol": "", "c@example.com": "", "dave": "of dave", "eve": ""}
	check := func(want map[string]string) {
		t.Helper()
		for typed, key := range want {
			got := ""
			if d := e.Device(t.Context(), typed); d != nil {
				got = d.Key
			}
			if got != key {
				t.Errorf("%s: device %q, want %q", typed, got, key)
			}
		}
	}
	check(want)
	e.ForgetDevice(t.Context(), &store.Device{Key: "of Bob"})
	want["B@EXAMPLE.COM"], want["bob"] = "", "of alice" // who typed that once
	check(want)
	kept.set(loading(errDisk), nil)
	check(map[string]string{"alice": ""})
}

// TestEstablishAfterCloseRevokes checks a sign-in that the service completes after Close: no
// record holds its refresh token, which must not stay good.
func TestEstablishAfterCloseRevokes(t *testing.T) {
	t.Parallel()
	p := &testPool{}
	e := newEngine(t, Config{Store: store.NewMemory(), UserPool: p})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Establish(t.Context(), p.newGrant(), How{}); !errors.Is(err, fault.Closed) {
		t.Errorf("Establish: %v", err)
	}
	if got := p.revocations(); len(got) != 1 || got[0] != "refresh-1" {
		t.Errorf("revoked %q, want refresh-1", got)
	}
}
