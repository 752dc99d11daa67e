package latchkey

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

const (
	beforeMove = "http://127.0.0.1:9229/"
	afterMove  = "http://127.0.0.1:9300/"
)

// formerly names the address before the move.
func formerly(c *Config) { c.FormerEndpoints = []string{beforeMove} }

// move gives a pool the issuer of the address after the move.
func (p *fakePool) move() {
	p.set(func(p *fakePool) { p.issuer = strings.TrimSuffix(afterMove, "/") + "/" + testPool })
}

// TestMoveKeepsIdentities checks that the identity pool's identities and credentials move
// with the service, a guest's too: the pool is not asked, and no guest is made anew.
func TestMoveKeepsIdentities(t *testing.T) {
	t.Parallel()
	for name, guest := range map[string]bool{"user": false, "guest": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, p := store.NewMemory(), poolAt(beforeMove)
			a := p.newClient(t, withStore(kept), at(beforeMove), withIdentityPool(true))
			if !guest {
				signIn(t, a, "alice")
			}
			session := fetch(t, a)
			want, id := wantCredentials(t, p, session), identityOf(session)
			asked := p.asked()
			p.move()
			for range 2 {
				again := fetch(t, p.newClient(t, withStore(kept), at(afterMove), withIdentityPool(true), formerly))
				if got := wantCredentials(t, p, again); got.AccessKeyID != want.AccessKeyID || identityOf(again) != id {
					t.Errorf("credentials %s of identity %s, want %s of %s", got.AccessKeyID, identityOf(again), want.AccessKeyID, id)
				}
			}
			if p.asked() != asked {
				t.Errorf("the identity pool was asked: %v after %v", p.asked(), asked)
			}
			// The identity pool of another service has nothing to do with it.
			moved := p.newClient(t, withStore(kept), at(afterMove), withIdentityPool(true), formerly,
				func(c *Config) { c.IdentityPoolEndpoint = "https://evil.example/" })
			if got := identityOf(known(t, moved)); got == id {
				t.Errorf("identity %s was read for another identity pool", got)
			}
		})
	}
}

// TestMoveRefreshesTokens checks that tokens of the former issuer are refreshed before
// they are handed out, and that those which cannot be refreshed stay.
func TestMoveRefreshesTokens(t *testing.T) {
	t.Parallel()
	for name, implicit := range map[string]bool{"with a refresh token": false, "without one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, p := store.NewMemory(), poolAt(beforeMove)
			a := p.signedIn(t, "alice", withStore(kept), at(beforeMove))
			old := p.issuer
			if implicit {
				r, err := kept.Load(t.Context(), a.account())
				if err != nil {
					t.Fatal(err)
				}
				previous := r.Generation
				r.Tokens.Refresh, r.Generation = store.Secret{}, previous+1
				if err := kept.Save(t.Context(), r, previous); err != nil {
					t.Fatal(err)
				}
			}
			p.move()
			want := p.issuer
			if implicit {
				want = old
			}
			c := p.newClient(t, withStore(kept), at(afterMove), formerly)
			tokens, err := fetch(t, c).Tokens()
			if err != nil || tokens.Access.Issuer() != want {
				t.Fatalf("tokens of issuer %q, %v; want %q", tokens.Access.Issuer(), err, want)
			}
			refreshed := p.count(opRefresh)
			wantTokens(t, fetch(t, c), "alice")
			wantTokens(t, fetch(t, p.newClient(t, withStore(kept), at(afterMove), formerly)), "alice")
			if p.count(opRefresh) != refreshed {
				t.Error("tokens of today's issuer were refreshed again")
			}
		})
	}
}

// TestFormerEndpointWithOtherIdentityPool checks a configuration that names the service's
// addresses and the identity pool of somebody else: the session of a former address is
// not read, because its ID token would be sent there.
func TestFormerEndpointWithOtherIdentityPool(t *testing.T) {
	t.Parallel()
	kept, p := store.NewMemory(), poolAt(beforeMove)
	a := p.signedIn(t, "alice", withStore(kept), at(beforeMove), withIdentityPool(false))
	secrets := secretsOf(t, kept, a.account())
	p.move()
	at2 := func(identity string) *Client {
		return p.newClient(t, withStore(kept), at(afterMove), formerly, withIdentityPool(false), func(c *Config) { c.IdentityPoolEndpoint = identity })
	}
	evil := at2("https://evil.example/")
	asked := p.asked()
	if _, err := fetch(t, evil, ForceRefresh()).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens: %v", err)
	}
	if p.asked() != asked {
		t.Error("the other identity pool was asked")
	}
	if got := secretsOf(t, kept, a.account()); got[2] != secrets[2] {
		t.Error("the session was changed")
	}
	// An identity pool at another address of the service, or in AWS, is its own.
	for _, own := range []string{"https://cognito-identity.us-east-1.amazonaws.com/", afterMove, beforeMove} {
		wantTokens(t, known(t, at2(own)), "alice")
	}
}
