package latchkey

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// at puts the service of a client elsewhere.
func at(address string) func(*Config) {
	return func(c *Config) {
		c.UserPoolEndpoint, c.IdentityPoolEndpoint = address, address
		c.Issuer = strings.TrimSuffix(address, "/") + "/" + testPool
	}
}

// poolAt is a pool with the same ids as all others, and another address.
func poolAt(address string) *fakePool {
	p := newFakePool()
	p.issuer = strings.TrimSuffix(address, "/") + "/" + testPool
	return p
}

// secretsOf are the tokens of a stored session.
func secretsOf(t *testing.T, kept store.Store, account store.Account) []string {
	t.Helper()
	r, err := kept.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return []string{r.Tokens.Access.Reveal(), r.Tokens.ID.Reveal(), r.Tokens.Refresh.Reveal()}
}

// wantSilent fails if a pool was sent one of the secrets.
func wantSilent(t *testing.T, p *fakePool, secrets []string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for op, members := range p.last {
		for value := range maps.Values(members) {
			if slices.Contains(secrets, value) {
				t.Errorf("%s sent a secret of another service", op)
			}
		}
	}
}

// TestTwoServices checks two services with the same ids of pool and client over one
// store: the session of one is not there for the other, which is sent nothing of it, and
// both go on beside each other.
func TestTwoServices(t *testing.T) {
	t.Parallel()
	const here, there = "http://127.0.0.1:9229/", "http://127.0.0.1:9300/"
	stores := map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return store.NewMemory() },
		"files": func(t *testing.T) store.Store {
			s, err := filestore.New(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := open(t)
			first, second := poolAt(here), poolAt(there)
			a := first.signedIn(t, "alice", withStore(kept), at(here), withIdentityPool(true))
			wantCredentials(t, first, fetch(t, a))
			secrets := secretsOf(t, kept, a.account())
			b := second.newClient(t, withStore(kept), at(there), withIdentityPool(true))
			session := fetch(t, b, ForceRefresh())
			if _, err := session.Tokens(); !errors.Is(err, ErrSignedOut) || !strings.Contains(err.Error(), "http://localhost:9229") {
				t.Errorf("Tokens at the other service: %v, want ErrSignedOut with the name of the first", err)
			}
			if _, err := b.SignOutAll(t.Context()); err != nil {
				t.Errorf("SignOutAll at the other service: %v", err)
			}
			if accounts, err := b.Accounts(t.Context()); len(accounts) != 0 || err != nil {
				t.Errorf("Accounts at the other service: %v, %v", accounts, err)
			}
			wantSilent(t, second, secrets)
			wantTokens(t, fetch(t, a, ForceRefresh()), "alice")
			signIn(t, b, "bob")
			wantTokens(t, fetch(t, b, ForceRefresh()), "bob")
			wantTokens(t, fetch(t, first.newClient(t, withStore(kept), at(here))), "alice")
			if got := fetch(t, second.newClient(t, withStore(kept), at("http://localhost:9300"), withIdentityPool(true))); got.view().Username() != "bob" {
				t.Errorf("another loopback name of the same port: %v", got)
			}
		})
	}
}

// TestConfigurationFromElsewhere checks configurations that have the public ids of the
// pool and other endpoints: nothing of the session goes there.
func TestConfigurationFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"user pool":              func(c *Config) { c.UserPoolEndpoint = "https://evil.example/" },
		"user pool, real issuer": func(c *Config) { c.UserPoolEndpoint, c.Issuer = "https://evil.example/", newFakePool().issuer },
		"identity pool":          func(c *Config) { c.IdentityPoolEndpoint = "https://evil.example/" },
		"both": func(c *Config) {
			c.UserPoolEndpoint, c.IdentityPoolEndpoint = "https://evil.example/", "https://evil.example/"
		},
		"a name that looks like it": func(c *Config) { c.UserPoolEndpoint = "https://cognito-idp.us-east-1.amazonaws.com.evil.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, real, evil := store.NewMemory(), newFakePool(), newFakePool()
			a := real.signedIn(t, "alice", withStore(kept), withIdentityPool(false))
			secrets := secretsOf(t, kept, a.account())
			c := evil.newClient(t, withStore(kept), withIdentityPool(true), change)
			for _, option := range []FetchOption{{}, ForceRefresh()} {
				if _, err := fetch(t, c, option).Tokens(); !errors.Is(err, ErrSignedOut) {
					t.Errorf("Tokens: %v", err)
				}
			}
			_, _ = c.SignOut(t.Context())
			_, _ = c.GlobalSignOut(t.Context())
			_, _ = attributesOf(t.Context(), c)
			wantSilent(t, evil, secrets)
			wantTokens(t, fetch(t, a, ForceRefresh()), "alice")
		})
	}
}

// unbind makes a record one of an earlier version, which does not say whose it is.
func unbind(t *testing.T, kept *store.Memory, account store.Account) store.Account {
	t.Helper()
	r, err := kept.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Delete(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	r.Account.Service, r.Issuer = "", ""
	if err := errors.Join(kept.Save(t.Context(), r, 0), kept.SetActive(t.Context(), r.Account)); err != nil {
		t.Fatal(err)
	}
	return r.Account
}

// TestRecordsFromBefore checks records that name no service: a configuration that
// refuses their issuer does not touch them; others take them over at the next success.
func TestRecordsFromBefore(t *testing.T) {
	t.Parallel()
	const here, there = "http://127.0.0.1:9229/", "http://127.0.0.1:9300/"
	synctest.Test(t, func(t *testing.T) {
		kept, first, second := store.NewMemory(), poolAt(here), poolAt(there)
		a := first.signedIn(t, "alice", withStore(kept), at(here))
		own := a.account()
		old := unbind(t, kept, own)
		secrets := secretsOf(t, kept, old)
		for _, other := range []func(*Config){at(there), func(*Config) {}} { // another service, and AWS
			b := second.newClient(t, withStore(kept), other)
			if _, err := fetch(t, b, ForceRefresh()).Tokens(); !errors.Is(err, ErrSignedOut) || !strings.Contains(err.Error(), "127.0.0.1:9229") {
				t.Errorf("Tokens: %v, want ErrSignedOut with the issuer", err)
			}
			if _, err := b.SignOutAll(t.Context()); err != nil {
				t.Error(err)
			}
			wantSilent(t, second, secrets)
		}
		// Signing in at the other one leaves it alone too.
		b := second.signedIn(t, "alice", withStore(kept), at(there))
		wantTokens(t, fetch(t, b), "alice")
		if got := secretsOf(t, kept, old); !slices.Equal(got, secrets) {
			t.Error("the record of another service was changed")
		}
		c := first.newClient(t, withStore(kept), at(here))
		wantTokens(t, fetch(t, c), "alice")
		if accounts, err := c.Accounts(t.Context()); err != nil || len(accounts) != 1 || !accounts[0].Active {
			t.Errorf("Accounts: %v, %v", accounts, err)
		}
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		if _, err := kept.Load(t.Context(), old); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the old record is still there: %v", err)
		}
		if r, err := kept.Load(t.Context(), own); err != nil || r.Issuer != first.issuer {
			t.Errorf("the record is bound to %q, %v", r.Issuer, err)
		}
		if active, err := kept.Active(t.Context(), own.Scope); err != nil || active != own {
			t.Errorf("active: %v, %v", active, err)
		}
		wantTokens(t, fetch(t, first.newClient(t, withStore(kept), at(here)), ForceRefresh()), "alice")
	})
}

// TestSwitchToRecordFromBefore checks that accounts which are not active move as well.
func TestSwitchToRecordFromBefore(t *testing.T) {
	t.Parallel()
	kept, p := store.NewMemory(), newFakePool()
	c := p.signedIn(t, "alice", withStore(kept))
	alice := c.account()
	signIn(t, c, "bob")
	unbind(t, kept, alice)
	if err := kept.SetActive(t.Context(), c.account()); err != nil {
		t.Fatal(err)
	}
	d := p.newClient(t, withStore(kept))
	if err := d.SwitchAccount(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, fetch(t, d, ForceRefresh()), "alice")
	if _, err := kept.Load(t.Context(), alice); err != nil {
		t.Errorf("the record did not move: %v", err)
	}
	reports, err := d.SignOutAll(t.Context())
	if err != nil || len(reports) != 2 {
		t.Errorf("SignOutAll: %+v, %v", reports, err)
	}
}

// TestServiceMoved checks a service whose address has changed: sessions go on where the
// program names the former address, and only there.
func TestServiceMoved(t *testing.T) {
	t.Parallel()
	const before, now = "http://127.0.0.1:9229/", "https://latchkey.localhost:9330/"
	kept, p := store.NewMemory(), poolAt(before)
	p.signedIn(t, "alice", withStore(kept), at(before), withIdentityPool(false))
	p.set(func(p *fakePool) { p.issuer = strings.TrimSuffix(now, "/") + "/" + testPool })
	if _, err := fetch(t, p.newClient(t, withStore(kept), at(now))).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("without the former address: %v", err)
	}
	moved := func(c *Config) { c.FormerEndpoints = []string{before} }
	c := p.newClient(t, withStore(kept), at(now), moved, withIdentityPool(false))
	wantTokens(t, fetch(t, c), "alice")
	wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
	// From then on the session is kept at the new address.
	wantTokens(t, fetch(t, p.newClient(t, withStore(kept), at(now))), "alice")
	if _, err := fetch(t, p.newClient(t, withStore(kept), at(before))).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("at the former address: %v", err)
	}
	if _, err := New(Config{UserPoolID: testPool, ClientID: testClient, FormerEndpoints: []string{"localhost:1"}}); !errors.Is(err, ErrConfig) {
		t.Errorf("a former address that is none: %v", err)
	}
}

// TestAmplifyStoreGoesByIssuer checks the store whose keys cannot name a service.
func TestAmplifyStoreGoesByIssuer(t *testing.T) {
	t.Parallel()
	const here, there = "http://127.0.0.1:9229/", "http://127.0.0.1:9300/"
	kept := amplifystore.New(new(amplifystore.Map))
	first, second := poolAt(here), poolAt(there)
	a := first.signedIn(t, "alice", withStore(kept), at(here))
	secrets := secretsOf(t, kept, a.account())
	b := second.newClient(t, withStore(kept), at(there))
	if _, err := fetch(t, b, ForceRefresh()).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens at the other service: %v", err)
	}
	if _, err := b.SignOutAll(t.Context()); err != nil {
		t.Errorf("SignOutAll at the other service: %v", err)
	}
	if accounts, err := b.Accounts(t.Context()); len(accounts) != 0 || err != nil {
		t.Errorf("Accounts at the other service: %v, %v", accounts, err)
	}
	wantSilent(t, second, secrets)
	wantTokens(t, fetch(t, first.newClient(t, withStore(kept), at(here))), "alice")
	// Amplify's layout has one place: who signs in there takes it.
	signIn(t, b, "alice")
	wantTokens(t, fetch(t, second.newClient(t, withStore(kept), at(there))), "alice")
	if _, err := fetch(t, first.newClient(t, withStore(kept), at(here))).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens at the first service: %v", err)
	}
	wantSilent(t, first, secretsOf(t, kept, b.account()))
}

// TestIdentityPoolChanged checks a configuration of which only the identity pool is
// changed: what the pool before gave is not handed out, and is there again when the
// configuration goes back. Two configurations do not take each other's place.
func TestIdentityPoolChanged(t *testing.T) {
	t.Parallel()
	other := func(c *Config) { c.IdentityPoolID = secondIdentityPool }
	for _, guest := range []bool{false, true} {
		name := map[bool]string{false: "user", true: "guest"}[guest]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, p := store.NewMemory(), newFakePool()
			open := func(options ...func(*Config)) *Client {
				return p.newClient(t, append([]func(*Config){withStore(kept), withIdentityPool(true)}, options...)...)
			}
			a := open()
			if !guest {
				signIn(t, a, "alice")
			}
			first := wantCredentials(t, p, fetch(t, a))
			b := open(other)
			second := wantCredentials(t, p, fetch(t, b))
			if second.AccessKeyID == first.AccessKeyID || !strings.HasPrefix(identityOf(fetch(t, b)), secondIdentityPool[:18]) {
				t.Errorf("credentials %s of identity %s at the second pool", second.AccessKeyID, identityOf(fetch(t, b)))
			}
			asked := p.asked()
			for _, again := range []struct {
				client *Client
				want   string
			}{{open(), first.AccessKeyID}, {open(other), second.AccessKeyID}, {open(), first.AccessKeyID}} {
				if got := wantCredentials(t, p, fetch(t, again.client)); got.AccessKeyID != again.want {
					t.Errorf("credentials %s, want %s", got.AccessKeyID, again.want)
				}
			}
			if p.asked() != asked {
				t.Errorf("the pools were asked again: %v after %v", p.asked(), asked)
			}
		})
	}
}

// TestGuestBecomesUserAtEachPool checks that a user takes over the guest's identity of
// each identity pool, and that the other pool's guest stays until then.
func TestGuestBecomesUserAtEachPool(t *testing.T) {
	t.Parallel()
	kept, p := store.NewMemory(), newFakePool()
	open := func(pool string) *Client {
		return p.newClient(t, withStore(kept), withIdentityPool(true), func(c *Config) { c.IdentityPoolID = pool })
	}
	guests := map[string]string{}
	for _, pool := range []string{testIdentityPool, secondIdentityPool} {
		guests[pool] = identityOf(fetch(t, open(pool)))
	}
	signIn(t, open(testIdentityPool), "alice")
	for _, pool := range []string{testIdentityPool, secondIdentityPool} {
		if got := identityOf(fetch(t, open(pool))); got != guests[pool] || got == "" {
			t.Errorf("identity %s at %s, want the guest's, %s", got, pool, guests[pool])
		}
	}
	if _, err := kept.Load(t.Context(), store.Account{Scope: open(testIdentityPool).cfg.scope()}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the guest's record stays: %v", err)
	}
}
