package session

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

const provider = "accounts.example"

// providerToken is a token of the other provider for one of its users.
func providerToken(subject string) store.Secret {
	encode := base64.RawURLEncoding.EncodeToString
	return store.NewSecret(encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(`{"sub":"`+subject+`"}`)) + "." + encode([]byte("s")))
}

// sourceOf is a token source that gives one token or error.
func sourceOf(token store.Secret, err error) TokenSource {
	return func(context.Context) (store.Secret, error) { return token, err }
}

// federated is an engine with a session of the other provider's carol.
func federated(t *testing.T, kept store.Store, identities *fakeIdentityPool) *Engine {
	t.Helper()
	e := newEngine(t, withIdentities(kept, &testPool{}, identities))
	if _, err := e.Federate(t.Context(), store.Federation{Provider: provider}, sourceOf(providerToken("carol"), nil)); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestFederateBegins checks a session of another provider: it is active, stored with whom
// it is of, has no tokens of the user pool, and takes over the guest's identity.
func TestFederateBegins(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		guest    string
		named    string // by the application
		fails    map[string]int
		class    fault.Class
		steps    []string
		identity string
		err      error
	}{
		"new":             {steps: []string{"id carol@" + provider, "keys us-east-1:1 carol@" + provider}, identity: "us-east-1:1"},
		"guest's":         {guest: "us-east-1:g", steps: []string{"keys us-east-1:g carol@" + provider}, identity: "us-east-1:g"},
		"named":           {named: "us-east-1:n", steps: []string{"keys us-east-1:n carol@" + provider}, identity: "us-east-1:n"},
		"named, guest's":  {guest: "us-east-1:g", named: "us-east-1:n", steps: []string{"keys us-east-1:n carol@" + provider}, identity: "us-east-1:n"},
		"named, and gone": {named: "us-east-1:n", fails: map[string]int{"keys": 9}, class: fault.IdentityGone, steps: []string{"keys us-east-1:n carol@" + provider}, err: fault.NotAuthorized},
		"guest's refused": {
			guest: "us-east-1:g", fails: map[string]int{"keys us-east-1:g": 1}, class: fault.Conflict,
			steps: []string{"keys us-east-1:g carol@" + provider, "id carol@" + provider, "keys us-east-1:2 carol@" + provider}, identity: "us-east-1:2",
		},
		"stale": {fails: map[string]int{"keys": 9}, class: fault.StaleLogin, steps: []string{"id carol@" + provider, "keys us-east-1:1 carol@" + provider}, err: fault.NeedsSignIn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				identities, kept := &fakeIdentityPool{}, store.NewMemory()
				identities.failing(test.fails, test.class)
				e := newEngine(t, withIdentities(kept, &testPool{}, identities))
				if test.guest != "" {
					keep(t, kept, guest, test.guest)
				}
				events := collect(t, e)
				v, err := e.Federate(t.Context(), store.Federation{Provider: provider, IdentityID: test.named}, sourceOf(providerToken("carol"), nil))
				wantSteps(t, identities, test.steps...)
				r, _ := kept.Load(t.Context(), guest)
				if test.err != nil {
					if !errors.Is(err, test.err) || v != nil || r.Federation != nil || len(events()) != 0 {
						t.Errorf("%v, want %v and nothing changed: %+v", err, test.err, r)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Tokens(); !errors.Is(err, fault.NoUserPoolSession) || v.SignedIn() || v.Provider() != provider || v.identityID != test.identity {
					t.Errorf("%+v, want identity %s", v, test.identity)
				}
				if f := r.Federation; f == nil || f.Subject != "carol" || e.reader.identity(r).ID != test.identity {
					t.Errorf("the store holds %+v", r)
				}
				want := []Event{{Kind: SignedIn}}
				if test.guest != "" && test.guest != test.identity {
					want = append(want, Event{Kind: IdentityChanged})
				}
				if diff := cmp.Diff(want, brief(events())); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestFederateRefusesSources checks sources that give no token, and a user who is signed
// in: nothing is asked and nothing changes.
func TestFederateRefusesSources(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source TokenSource
		user   bool
		want   error
	}{
		"fails":     {sourceOf(store.Secret{}, errDisk), false, fault.NeedsSignIn},
		"empty":     {sourceOf(store.Secret{}, nil), false, fault.NeedsSignIn},
		"signed in": {sourceOf(providerToken("carol"), nil), true, fault.AlreadySignedIn},
	} {
		p, identities := &testPool{}, &fakeIdentityPool{}
		e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
		if test.user {
			establish(t, e, p)
		}
		_, err := e.Federate(t.Context(), store.Federation{Provider: provider}, test.source)
		if s := e.Current(); !errors.Is(err, test.want) || s.Live() != test.user || s.view.provider != "" {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		wantSteps(t, identities)
	}
}

// TestFederationIsRenewedBySource checks what the registered source decides when the keys
// have expired, in the process that began the session and in the next one.
func TestFederationIsRenewedBySource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source TokenSource
		fails  map[string]int
		err    error
		asked  bool // the pool
	}{
		"the same user":    {sourceOf(providerToken("carol"), nil), nil, nil, true},
		"another user":     {sourceOf(providerToken("dave"), nil), nil, fault.WrongAccount, false},
		"no token":         {sourceOf(store.Secret{}, nil), nil, fault.NeedsSignIn, false},
		"an error":         {sourceOf(store.Secret{}, errDisk), nil, errDisk, false},
		"unreadable token": {sourceOf(store.NewSecret("opaque"), nil), nil, fault.WrongAccount, false},
		"no source":        {nil, nil, fault.NeedsSignIn, false},
		"stale":            {sourceOf(providerToken("carol"), nil), map[string]int{"keys": 9}, fault.NeedsSignIn, true},
	} {
		for where, restarted := range map[string]bool{"": false, ", after a restart": true} {
			t.Run(name+where, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					identities, kept := &fakeIdentityPool{}, store.NewMemory()
					e := federated(t, kept, identities)
					e.sources.known[provider] = test.source
					if restarted {
						c := withIdentities(kept, &testPool{}, identities)
						c.Sources = map[string]TokenSource{provider: test.source}
						e = newEngine(t, c)
					}
					before, err := keys(t, e, Want{})
					if err != nil {
						t.Fatal(err)
					}
					identities.taken()
					events := collect(t, e)
					time.Sleep(2 * time.Hour)
					identities.failing(test.fails, fault.StaleLogin)
					key, err := keys(t, e, Want{})
					if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || err == nil && key == before {
						t.Errorf("%q, %v; want %v", key, err, test.err)
					}
					if got := identities.taken(); (len(got) > 0) != test.asked {
						t.Errorf("calls %q", got)
					}
					needs := errors.Is(err, fault.NeedsSignIn)
					_, _ = keys(t, e, Want{Force: true}) // the second failure is no news
					if got := events(); (len(got) == 1 && got[0].Kind == RefreshFailed && got[0].Provider == provider) != needs || !needs && len(got) != 0 {
						t.Errorf("events %+v", got)
					}
					if v := e.Current().View(); v.identityID != "us-east-1:1" || v.Provider() != provider {
						t.Errorf("the session is gone: %+v", v)
					}
				})
			})
		}
	}
}

// TestFederationGivesWayToUser checks a sign-in over a session of another provider: that
// one ends, and nothing of it becomes the user's.
func TestFederationGivesWayToUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
		e := federated(t, kept, identities)
		events := collect(t, e)
		establish(t, e, p)
		if diff := cmp.Diff([]Event{{Kind: SignedOut, Cause: CauseLocal}, {Kind: SignedIn}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if _, err := kept.Load(t.Context(), guest); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the provider's record: %v", err)
		}
		identities.taken()
		if _, err := keys(t, e, Want{}); err != nil {
			t.Fatal(err)
		}
		wantSteps(t, identities, "id "+aliceLogin, "keys us-east-1:3 "+aliceLogin)
	})
}
