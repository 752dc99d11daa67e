package latchkey

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
)

const testProvider = "accounts.example.com"

// providerToken is an ID token of another provider, good for ten minutes.
func providerToken(subject string) Secret {
	now := time.Now()
	return NewSecret(signless(map[string]any{
		"iss": "https://" + testProvider, "aud": "app", "sub": subject, "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}))
}

// federate begins a session of another provider, with a source that never fails.
func federate(t *testing.T, c *Client, provider, subject string) *Session {
	t.Helper()
	session, err := c.Federate(context.Background(), Federation{Provider: provider, Source: func(context.Context) (Secret, error) { return providerToken(subject), nil }})
	if err != nil {
		t.Fatalf("Federate: %v", err)
	}
	return session
}

// TestFederate: a session of another provider has an identity and credentials,
// renews them through its source, outlives the program, and says whose it is.
func TestFederate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept, heard := newFakePool(), store.NewMemory(), &recorder{}
		c := p.newClient(t, withStore(kept), withIdentityPool(false))
		defer listen(t, c, heard.add)()
		session := federate(t, c, testProvider, "carol")
		first := wantCredentials(t, p, session)
		if id, subject := p.ownerOf(first.AccessKeyID); subject != "carol" || session.Provider() != testProvider || identityOf(session) != id {
			t.Errorf("credentials of %s, %v", subject, session)
		}
		if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrNoUserPoolSession) {
			t.Errorf("CurrentUser: %v", err)
		}
		if _, err := session.Tokens(); !errors.Is(err, ErrNoUserPoolSession) {
			t.Errorf("Tokens: %v", err)
		}
		for range 3 {
			time.Sleep(2 * time.Hour)
			if now := wantCredentials(t, p, fetch(t, c)); now.AccessKeyID == first.AccessKeyID {
				t.Error("the credentials were not renewed")
			}
		}
		if asked := p.asked(); asked != [2]int{1, 4} {
			t.Errorf("asked %v times", asked)
		}
		// A program that starts later has the credentials, and its own source.
		sources := map[string]ProviderTokenSource{testProvider: func(context.Context) (Secret, error) { return providerToken("carol"), nil }}
		again := p.newClient(t, withStore(kept), withIdentityPool(false), func(cfg *Config) { cfg.ProviderTokens = sources })
		wantCredentials(t, p, fetch(t, again))
		time.Sleep(2 * time.Hour)
		wantCredentials(t, p, fetch(t, again))
		without := p.newClient(t, withStore(kept), withIdentityPool(false))
		wantCredentials(t, p, fetch(t, without))
		time.Sleep(2 * time.Hour)
		_, err := without.FetchCredentials(t.Context())
		if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrNeedsSignIn) || e.Provider != testProvider {
			t.Errorf("without a source: %v", err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"SignedIn"}, heard.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestFederationNeedsSignIn: when the provider's token cannot be had, credentials in
// hand stay usable, and afterwards the error names the provider and the cause.
func TestFederationNeedsSignIn(t *testing.T) {
	t.Parallel()
	gone := errors.New("signed out of the provider")
	tests := map[string]struct {
		source ProviderTokenSource // after the first call
		kind   error
		cause  error
	}{
		"source fails":       {func(context.Context) (Secret, error) { return Secret{}, gone }, ErrNeedsSignIn, gone},
		"source has nothing": {func(context.Context) (Secret, error) { return Secret{}, nil }, ErrNeedsSignIn, nil},
		"one token":          {nil, ErrNeedsSignIn, ErrNotAuthorized},
		"another user":       {func(context.Context) (Secret, error) { return providerToken("dave"), nil }, ErrWrongAccount, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, heard := newFakePool(), &recorder{}
				c := p.newClient(t, withIdentityPool(true))
				token, calls := providerToken("carol"), 0
				source := func(ctx context.Context) (Secret, error) {
					if calls++; calls > 1 && tt.source != nil {
						return tt.source(ctx)
					}
					return token, nil
				}
				if _, err := c.Federate(t.Context(), Federation{Provider: testProvider, Source: source}); err != nil {
					t.Fatal(err)
				}
				defer listen(t, c, heard.add)()
				time.Sleep(57 * time.Minute)
				wantCredentials(t, p, fetch(t, c)) // due, and good
				synctest.Wait()
				time.Sleep(10 * time.Minute)
				session := fetch(t, c)
				_, err := session.Credentials()
				if !errors.Is(err, tt.kind) || tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("Credentials: %v", err)
				}
				if e, ok := errors.AsType[*Error](err); !ok || e.Provider != testProvider {
					t.Errorf("the error names no provider: %v", err)
				}
				if _, err := session.IdentityID(); err != nil {
					t.Errorf("IdentityID: %v", err)
				}
				for key := range p.identity.keys {
					if _, subject := p.ownerOf(key); subject != "carol" {
						t.Errorf("credentials of %q", subject)
					}
				}
				// A new sign-in with the provider mends it.
				federate(t, c, testProvider, "carol")
				wantCredentials(t, p, fetch(t, c))
				synctest.Wait()
				if got := heard.names(); tt.kind == ErrNeedsSignIn && (len(got) == 0 || got[0] != "RefreshFailed") {
					t.Errorf("events %v", got)
				}
			})
		})
	}
}

// TestFederateRefused: a call that cannot be, or that the pool refuses, changes
// nothing.
func TestFederateRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		token := providerToken("carol")
		c := p.newClient(t, withIdentityPool(true))
		guest, _ := fetch(t, c).IdentityID()
		check := func(name string, c *Client, want error, with Federation) {
			t.Helper()
			if session, err := c.Federate(t.Context(), with); !errors.Is(err, want) || session != nil {
				t.Errorf("%s: %v, %v", name, session, err)
			}
		}
		check("no identity pool", p.newClient(t), ErrNoIdentityPool, Federation{Provider: testProvider, Token: token})
		check("no provider", c, ErrInvalidParameter, Federation{Token: token})
		check("no source", c, ErrInvalidParameter, Federation{Provider: testProvider})
		check("source and token", c, ErrInvalidParameter, Federation{Provider: testProvider, Token: token, Source: func(context.Context) (Secret, error) { return token, nil }})
		check("no identity id", c, ErrInvalidParameter, Federation{Provider: testProvider, Token: token, IdentityID: "x"})
		check("no token", c, ErrNeedsSignIn, Federation{Provider: testProvider, Source: func(context.Context) (Secret, error) { return Secret{}, nil }})
		p.set(func(p *fakePool) {
			p.script = func(string, *http.Request) (*http.Response, error) {
				return exception("NotAuthorizedException", "Token is not from a supported provider of this identity pool."), nil
			}
		})
		check("a provider that the pool does not know", c, ErrConfig, Federation{Provider: testProvider, Token: token})
		p.set(func(p *fakePool) { p.script = nil })
		if id, err := fetch(t, c).IdentityID(); err != nil || id != guest {
			t.Errorf("identity %s, %v, want the guest's %s", id, err, guest)
		}
		signIn(t, c, "alice")
		check("a user is signed in", c, ErrAlreadySignedIn, Federation{Provider: testProvider, Token: token})
		wantTokens(t, fetch(t, c), "alice")
	})
}

// TestFederationGivesWay: a sign-in of the user pool, a sign-out, ClearFederation and
// another federation end a federated session, and nothing of it is left.
func TestFederationGivesWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*testing.T, *Client)
		events []string
	}{
		{"sign-in", func(t *testing.T, c *Client) { signIn(t, c, "alice") }, []string{"SignedOut:local", "SignedIn", "IdentityChanged"}},
		{"sign-out", func(t *testing.T, c *Client) {
			if report, err := c.SignOut(t.Context()); err != nil || !report.Local {
				t.Errorf("SignOut: %+v, %v", report, err)
			}
		}, []string{"SignedOut:local", "IdentityChanged"}},
		{"clear", func(t *testing.T, c *Client) {
			if err := c.ClearFederation(t.Context()); err != nil {
				t.Error(err)
			}
		}, []string{"SignedOut:local", "IdentityChanged"}},
		{"another", func(t *testing.T, c *Client) { federate(t, c, "graph.example.com", "dave") }, []string{"SignedIn", "IdentityChanged"}},
		{"another user", func(t *testing.T, c *Client) { federate(t, c, testProvider, "dave") }, []string{"SignedIn", "IdentityChanged"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept, heard := newFakePool(), store.NewMemory(), &recorder{}
				c := p.newClient(t, withStore(kept), withIdentityPool(true))
				before := identityOf(federate(t, c, testProvider, "carol"))
				defer listen(t, c, heard.add)()
				tt.change(t, c)
				for _, client := range []*Client{c, p.newClient(t, withStore(kept), withIdentityPool(true))} {
					session := fetch(t, client)
					credentials := wantCredentials(t, p, session)
					if id, subject := p.ownerOf(credentials.AccessKeyID); id == before || subject == "carol" {
						t.Errorf("still carol's: %v", session)
					}
				}
				synctest.Wait()
				if diff := cmp.Diff(tt.events, heard.names()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if err := c.ClearFederation(t.Context()); err != nil {
					t.Errorf("ClearFederation: %v", err)
				}
			})
		})
	}
}

// TestFederateUpgrades: the guest's identity becomes the login's; another login's
// never does, also when the application says nothing.
func TestFederateUpgrades(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.newClient(t, withIdentityPool(true))
		guest, _ := fetch(t, c).IdentityID()
		if id := identityOf(federate(t, c, testProvider, "carol")); id != guest {
			t.Errorf("identity %s, the guest's was %s", id, guest)
		}
		if id := identityOf(federate(t, c, testProvider, "dave")); id == guest {
			t.Error("dave has carol's identity")
		}
		if id := identityOf(federate(t, c, testProvider, "carol")); id != guest {
			t.Errorf("carol comes back as %s", id)
		}
	})
}

// TestDeveloperIdentity: an identity that the application names is used as it is.
func TestDeveloperIdentity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		const provider, id = "cognito-identity.amazonaws.com", "us-east-1:00000000-0000-4000-8000-00000000dead"
		p.identity.identities[id] = &fakeIdentity{id: id, logins: map[string]string{provider: "dev"}}
		c := p.newClient(t, withIdentityPool(false))
		source := func(context.Context) (Secret, error) { return providerToken("dev"), nil }
		session, err := c.Federate(t.Context(), Federation{Provider: provider, Source: source, IdentityID: id})
		if err != nil || identityOf(session) != id {
			t.Fatalf("Federate: %v, %v", session, err)
		}
		time.Sleep(2 * time.Hour)
		wantCredentials(t, p, fetch(t, c))
		p.set(func(p *fakePool) { delete(p.identity.identities, id) })
		if _, err := fetch(t, c, ForceRefresh()).Credentials(); !errors.Is(err, ErrNotAuthorized) {
			t.Errorf("Credentials: %v", err)
		}
		if asked := p.asked(); asked[0] != 0 {
			t.Errorf("GetId was called %d times", asked[0])
		}
	})
}
