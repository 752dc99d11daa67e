package latchkey

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// portals are what a captive portal answers with status 200.
var portals = map[string]string{"page": "<html>Sign in to the Wi-Fi</html>", "empty": ""}

// behindPortal makes a captive portal answer in the pool's place.
func behindPortal(p *fakePool, page string) {
	p.set(func(p *fakePool) {
		p.script = func(string, *http.Request) (*http.Response, error) {
			return reply(http.StatusOK, "text/html; charset=utf-8", page), nil
		}
	})
}

// TestPortalIsNetwork checks that what a captive portal answers with status 200 is a
// network failure for every call, and that the session stays.
func TestPortalIsNetwork(t *testing.T) {
	t.Parallel()
	for name, page := range portals {
		for op, call := range map[string]func(context.Context, *Client) error{
			"FetchTokens":      func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx, ForceRefresh()); return err },
			"FetchCredentials": func(ctx context.Context, c *Client) error { _, err := c.FetchCredentials(ctx); return err },
			"GetUser":          func(ctx context.Context, c *Client) error { return c.Call(ctx, "GetUser", nil, nil) },
			"ChangePassword":   func(ctx context.Context, c *Client) error { return changePassword(ctx, c, testSecret, "new") },
			"SignIn": func(ctx context.Context, c *Client) error {
				_, err := c.SignIn(ctx, Password("bob", testSecret))
				return err
			},
		} {
			t.Run(op+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newFakePool()
					c := p.signedIn(t, "alice", withIdentityPool(false))
					behindPortal(p, page)
					if err := call(t.Context(), c); !errors.Is(err, ErrNetwork) || errors.Is(err, ErrService) {
						t.Errorf("%s: %v", op, err)
					}
					p.set(healthy)
					time.Sleep(2 * time.Minute)
					wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				})
			})
		}
	}
}

// TestPortalRevokesNothing checks sign-outs behind a captive portal: they are local, the
// token is queued, and it is revoked once the service is reached.
func TestPortalRevokesNothing(t *testing.T) {
	t.Parallel()
	for name, page := range portals {
		for kind, signOut := range map[string]func(context.Context, *Client) (SignOutReport, error){
			"SignOut":       func(ctx context.Context, c *Client) (SignOutReport, error) { return c.SignOut(ctx) },
			"GlobalSignOut": func(ctx context.Context, c *Client) (SignOutReport, error) { return c.GlobalSignOut(ctx) },
			"SignOutAll": func(ctx context.Context, c *Client) (SignOutReport, error) {
				reports, err := c.SignOutAll(ctx)
				return reports[0], err
			},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p, kept := newFakePool(), store.NewMemory()
					c := p.signedIn(t, "alice", withStore(kept))
					behindPortal(p, page)
					report, err := signOut(t.Context(), c)
					if !errors.Is(err, ErrNetwork) || !report.Local || report.Revoked || report.Global || !report.Queued || !errors.Is(report.revokeErr, ErrNetwork) {
						t.Errorf("%+v, %v", report, err)
					}
					waiting := pending(t, kept)
					if len(waiting) != 1 {
						t.Fatalf("%d tokens wait", len(waiting))
					}
					p.set(healthy)
					time.Sleep(5 * time.Minute)
					if !isRevoked(p, waiting[0]) || len(pending(t, kept)) != 0 {
						t.Errorf("revoked %t, waiting %d", isRevoked(p, waiting[0]), len(pending(t, kept)))
					}
				})
			})
		}
	}
}
