package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestFailuresHoldOff checks callers after a failed renewal: until the pause is over they
// get its error without another call, and what did not fail.
func TestFailuresHoldOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, identities := &testPool{}, &fakeIdentityPool{}
		e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
		establish(t, e, p)
		identities.failing(map[string]int{"id": 1}, fault.ServerFailed)
		for range 10 {
			wantTokens(t, e, Want{})
			if _, err := keys(t, e, Want{}); !errors.Is(err, fault.Service) {
				t.Errorf("keys: %v", err)
			}
		}
		wantSteps(t, identities, "id "+aliceLogin)
		time.Sleep(firstBackoff)
		if _, err := keys(t, e, Want{}); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		identities.taken()
		p.refuse = func(store.Record) (cognito.Grant, error) { return cognito.Grant{}, errDown }
		time.Sleep(2 * time.Hour)
		for range 10 {
			v, err := e.Fetch(t.Context(), Want{})
			if err != nil || !v.SignedIn() {
				t.Fatal(err)
			}
			_, tokensErr := v.Tokens()
			_, keysErr := v.Credentials()
			if !errors.Is(tokensErr, fault.Service) || !errors.Is(keysErr, fault.Service) {
				t.Errorf("tokens: %v; keys: %v", tokensErr, keysErr)
			}
		}
		if p.count() != 1 {
			t.Errorf("%d refreshes", p.count())
		}
		wantSteps(t, identities) // there is no login to ask with
	})
}

// TestKeysWithExpiredLogin checks keys that are renewed alone, behind a caller, after the
// tokens have expired: the login is renewed first.
func TestKeysWithExpiredLogin(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"refresh works": false, "refresh fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities := &testPool{}, &fakeIdentityPool{}
				e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
				establish(t, e, p)
				time.Sleep(30 * time.Minute)
				before, err := keys(t, e, Want{})
				if err != nil {
					t.Fatal(err)
				}
				identities.taken()
				if down {
					p.refuse = func(store.Record) (cognito.Grant, error) { return cognito.Grant{}, errDown }
				}
				time.Sleep(58 * time.Minute) // the keys last for two minutes
				if key, err := keys(t, e, Want{CredentialsOnly: true}); err != nil || key != before {
					t.Errorf("keys that are due: %q, %v", key, err)
				}
				synctest.Wait()
				if p.count() != 1 || (len(identities.taken()) == 1) == down {
					t.Errorf("%d refreshes", p.count())
				}
				if after := e.Current().View().credentials.AccessKeyID; (after == before) != down {
					t.Errorf("keys %q after %q", after, before)
				}
			})
		})
	}
}

// TestGuestIsClaimedOnce checks a user's first keys while the guest's are being fetched: the
// user waits for two seconds at most, and then gets an identity without the guest's.
func TestGuestIsClaimedOnce(t *testing.T) {
	t.Parallel()
	for held, want := range map[time.Duration]string{time.Second: "us-east-1:g", time.Minute: "us-east-1:1"} {
		t.Run(held.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
				e := newEngine(t, withIdentities(kept, p, identities))
				establish(t, e, p)
				keep(t, kept, guest, "us-east-1:g")
				unlock, err := kept.Lock(t.Context(), e.reader.credentialsLock(guest))
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(held, unlock)
				began := time.Now()
				v, err := e.Fetch(t.Context(), Want{})
				if err != nil || v.identityID != want || time.Since(began) != min(held, claimTime) {
					t.Errorf("%q after %v, %v; want %q", v.identityID, time.Since(began), err, want)
				}
				time.Sleep(time.Minute)
				other, err := kept.Lock(t.Context(), e.reader.credentialsLock(guest))
				if err != nil {
					t.Fatalf("the guest stays locked: %v", err)
				}
				other()
			})
		})
	}
}

// TestGuestFollowsStore checks a guest whose record another process has made that of a
// session of another provider: the keys are that one's, and none of the guest's.
func TestGuestFollowsStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		identities, kept := &fakeIdentityPool{}, store.NewMemory()
		c := withIdentities(kept, &testPool{}, identities)
		c.Sources = map[string]TokenSource{provider: sourceOf(providerToken("carol"), nil)}
		e := newEngine(t, c)
		if _, err := keys(t, e, Want{}); err != nil {
			t.Fatal(err)
		}
		identities.taken()
		events := collect(t, e)
		other := federated(t, kept, identities)
		wantSteps(t, identities, "keys us-east-1:1 carol@"+provider)
		v, err := e.Fetch(t.Context(), Want{Force: true}) // before it reads the store again
		if err != nil || v.Provider() != provider || v.identityID != other.Current().View().identityID {
			t.Errorf("%+v, %v", v, err)
		}
		if diff := cmp.Diff([]Event{{Kind: Restored, Cause: CauseRemote}}, brief(events())); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for _, step := range identities.taken() {
			if step != "keys us-east-1:1 carol@"+provider {
				t.Errorf("asked %q", step)
			}
		}
	})
}

// TestFederateMeetsOthers checks what happens while the identity pool is asked for a new
// session of another provider.
func TestFederateMeetsOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act  func(t *testing.T, e *Engine, p *testPool)
		want error
		live bool
	}{
		"sign-in":  {establish, fault.AlreadySignedIn, true},
		"sign-out": {func(t *testing.T, e *Engine, _ *testPool) { _, _ = e.End(t.Context(), EndOptions{}) }, errMoved, false},
		"another": {func(t *testing.T, e *Engine, _ *testPool) {
			e.owner.replace(e.reader.signedOut(time.Now()))
		}, errMoved, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
				e := newEngine(t, withIdentities(kept, p, identities))
				if _, err := keys(t, e, Want{}); err != nil {
					t.Fatal(err)
				}
				acted := false
				identities.before = func(context.Context) error {
					if !acted {
						acted = true
						test.act(t, e, p)
					}
					return nil
				}
				_, err := e.Federate(t.Context(), store.Federation{Provider: provider}, sourceOf(providerToken("carol"), nil))
				if !errors.Is(err, test.want) || e.Current().Live() != test.live || e.Current().View().Provider() != "" {
					t.Errorf("%v, want %v; signed in %t", err, test.want, e.Current().Live())
				}
				// The pool has linked the guest's identity to the provider's user.
				if r, err := kept.Load(t.Context(), guest); err == nil && (r.Federation != nil || e.reader.identity(r).ID != "") {
					t.Errorf("the store holds %+v", r)
				}
			})
		})
	}
}

// TestForgottenGuest checks a guest's record with identities of two pools, one of which has
// become a user's: the other stays.
func TestForgottenGuest(t *testing.T) {
	t.Parallel()
	kept := newScriptedStore()
	r := newRecords(t, kept)
	here := store.Identity{PoolID: testIdentityPool, Endpoint: testIdentityOrigin, ID: "us-east-1:g"}
	other := store.Identity{PoolID: "eu-west-1:pool", Endpoint: testIdentityOrigin, ID: "eu-west-1:g"}
	if err := kept.Save(t.Context(), store.Record{Account: guest, Generation: 1, Identities: []store.Identity{here, other}}, 0); err != nil {
		t.Fatal(err)
	}
	kept.set(nil, always(errDisk))
	if err := r.forgetGuest(t.Context(), guest, here); !errors.Is(err, errDisk) {
		t.Errorf("a store that fails: %v", err)
	}
	kept.set(nil, nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.forgetGuest(ended, guest, here); err != nil {
		t.Fatal(err)
	}
	if got, err := kept.Memory.Load(t.Context(), guest); err != nil || len(got.Identities) != 1 || got.Identities[0].ID != other.ID {
		t.Errorf("%+v, %v", got.Identities, err)
	}
	if err := r.forgetGuest(t.Context(), guest, other); err != nil {
		t.Fatal(err)
	}
	if got, err := kept.Memory.Load(t.Context(), guest); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an empty record stays: %+v, %v", got, err)
	}
}

// TestLinkedGuestIsForgotten checks a sign-out while the pool links the guest's identity to
// the user: though nothing is stored for the user, the next guest is another one.
func TestLinkedGuestIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, identities, kept := &testPool{}, &fakeIdentityPool{}, store.NewMemory()
		e := newEngine(t, withIdentities(kept, p, identities))
		establish(t, e, p)
		keep(t, kept, guest, "us-east-1:g")
		signedOut := false
		identities.before = func(context.Context) error {
			if !signedOut {
				signedOut = true
				if _, err := e.End(t.Context(), EndOptions{KeepGuest: true}); err != nil {
					t.Error(err)
				}
			}
			return nil
		}
		if _, err := keys(t, e, Want{CredentialsOnly: true}); err != nil {
			t.Fatal(err)
		}
		wantSteps(t, identities, "keys us-east-1:g "+aliceLogin, "id guest", "keys us-east-1:2 guest")
	})
}
