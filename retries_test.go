package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// TestRedirectsAreNotFollowed checks that an answer that redirects to another host is a
// network failure, is not followed and not repeated: the same answer would come again, and
// a password or a token must not go elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for op, call := range map[string]func(context.Context, *Client) error{
			opRefresh:      func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx, ForceRefresh()); return err },
			opIdentity:     calls["FetchCredentials"],
			"InitiateAuth": calls["SignIn"],
			"GetUser":      calls["Call"],
		} {
			t.Run(fmt.Sprint(status, " ", op), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newFakePool()
					c := p.signedIn(t, "alice", withIdentityPool(false))
					hosts := map[string]int{}
					p.set(func(p *fakePool) {
						p.script = func(_ string, r *http.Request) (*http.Response, error) {
							hosts[r.URL.Host]++
							answer := reply(status, "text/html", "")
							answer.Header.Set("Location", "https://portal.example/")
							return answer, nil
						}
					})
					if err := call(t.Context(), c); !errors.Is(err, ErrNetwork) {
						t.Errorf("%v", err)
					}
					if hosts["portal.example"] != 0 || len(hosts) != 1 || p.count(op)-btoi(op == "InitiateAuth") != 1 {
						t.Errorf("calls by host %v, %d of %s", hosts, p.count(op), op)
					}
				})
			})
		}
	}
}

// TestExpiredToken checks ExpiredTokenException, which the front door of AWS sends: the
// request is at fault, ends nothing and is not repeated.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	for op, call := range map[string]func(context.Context, *Client) error{
		opRefresh:     func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx, ForceRefresh()); return err },
		opIdentity:    calls["FetchCredentials"],
		opCredentials: calls["FetchCredentials"],
		"GetUser":     calls["Call"],
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				c := p.signedIn(t, "alice", withIdentityPool(false))
				p.set(failing(op, func() (*http.Response, error) {
					return exception("ExpiredTokenException", "The security token included in the request is expired"), nil
				}))
				err := call(t.Context(), c)
				if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrInvalidParameter) || e.Code != "ExpiredTokenException" {
					t.Errorf("%v", err)
				}
				if got := p.count(op); got != 1 {
					t.Errorf("%d calls, want 1", got)
				}
				p.set(healthy)
				time.Sleep(2 * time.Minute)
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
			})
		})
	}
}

// TestNewCopiesConfig checks that what the caller changes in a configuration after New
// changes nothing.
func TestNewCopiesConfig(t *testing.T) {
	t.Parallel()
	cfg := pagesConfig()
	cfg.IdentityPoolID = testIdentityPool
	cfg.ProviderTokens = map[string]ProviderTokenSource{testProvider: func(context.Context) (Secret, error) { return providerToken("carol"), nil }}
	p := newFakePool()
	cfg.HTTPClient = &http.Client{Transport: p}
	c := newOf(t, cfg)
	before, _, err := c.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	cfg.OAuth.Domain = "evil.example"
	for _, list := range [][]string{cfg.OAuth.Scopes, cfg.OAuth.RedirectSignIn, cfg.OAuth.RedirectSignOut, cfg.OAuth.IdentityProviders} {
		for i := range list {
			list[i] = "https://evil.example/"
		}
	}
	cfg.OAuth.RedirectSignIn = nil
	delete(cfg.ProviderTokens, testProvider)
	cfg.HTTPClient.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("another transport") })
	after, _, err := c.AuthCodeURL()
	if err != nil || withoutRandom(after) != withoutRandom(before) {
		t.Errorf("%v, %s\nwant %s", err, withoutRandom(after), withoutRandom(before))
	}
	if _, err := c.Federate(t.Context(), Federation{Provider: testProvider}); err != nil {
		t.Errorf("Federate: %v", err)
	}
}

// withoutRandom is an address of the sign-in pages without what differs each time.
func withoutRandom(address string) string {
	var kept []string
	for part := range strings.SplitSeq(address, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name != "state" && name != "nonce" && name != "code_challenge" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// TestDeadContext checks calls whose context has ended, over a store that answers nothing:
// they return at once.
func TestDeadContext(t *testing.T) {
	t.Parallel()
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"FetchSession", "FetchTokens", "FetchCredentials", "CurrentUser", "Call", "Federate", "ClearFederation"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newFakePool().newClient(t, withIdentityPool(true), withStore(stuckStore{store.NewMemory()}))
				began := time.Now()
				if err := calls[name](dead, c); !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// stuckStore answers an hour late, whatever the context says.
type stuckStore struct{ *store.Memory }

func (s stuckStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	time.Sleep(time.Hour)
	return s.Memory.Active(ctx, scope)
}
