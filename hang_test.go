package latchkey

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// hang makes operations of a pool answer nothing until the caller stops waiting.
func hang(p *fakePool, ops ...string) {
	p.set(func(p *fakePool) {
		p.script = func(op string, r *http.Request) (*http.Response, error) {
			for _, other := range ops {
				if op == other {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
			}
			return nil, nil
		}
	})
}

// within is a context with a deadline; 0 is none.
func within(t *testing.T, wait time.Duration) context.Context {
	if wait == 0 {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	return ctx
}

// TestHangingPool checks that FetchSession answers with good tokens and the identity
// facets' errors as soon as its context ends, and without a deadline after ten seconds.
func TestHangingPool(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deadline time.Duration
		options  []FetchOption
		guest    bool
		waits    time.Duration
		kind     error
	}{
		"deadline":                  {3 * time.Second, nil, false, 3 * time.Second, context.DeadlineExceeded},
		"no deadline":               {0, nil, false, 10 * time.Second, ErrNetwork},
		"forced":                    {3 * time.Second, []FetchOption{ForceRefresh()}, false, 3 * time.Second, context.DeadlineExceeded},
		"forced, no deadline":       {0, []FetchOption{ForceRefresh()}, false, 10 * time.Second, ErrNetwork},
		"validity":                  {3 * time.Second, []FetchOption{MinValidity(30 * time.Minute)}, false, 3 * time.Second, context.DeadlineExceeded},
		"validity beyond the token": {3 * time.Second, []FetchOption{MinValidity(50 * time.Minute)}, false, 3 * time.Second, context.DeadlineExceeded},
		"guest":                     {3 * time.Second, nil, true, 3 * time.Second, context.DeadlineExceeded},
		"guest, no deadline":        {0, nil, true, 10 * time.Second, ErrNetwork},
		"canceled":                  {-1, nil, false, 0, context.DeadlineExceeded},
		"guest, canceled":           {-1, nil, true, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				hang(p, opIdentity, opCredentials)
				c := p.newClient(t, withIdentityPool(test.guest))
				if test.guest {
					_, _ = c.CurrentUser(t.Context()) // reads the store
				} else {
					signIn(t, c, "alice")
					time.Sleep(11 * time.Minute)
				}
				began := time.Now()
				s, err := c.FetchSession(within(t, test.deadline), test.options...)
				if waited := time.Since(began); err != nil || waited != test.waits {
					t.Fatalf("FetchSession: %v after %v", err, waited)
				}
				if _, err := s.Tokens(); (err == nil) == test.guest || test.guest && !errors.Is(err, ErrSignedOut) {
					t.Errorf("Tokens: %v", err)
				}
				if _, err := s.Credentials(); !errors.Is(err, test.kind) {
					t.Errorf("Credentials: %v", err)
				}
				if _, err := s.IdentityID(); !errors.Is(err, test.kind) {
					t.Errorf("IdentityID: %v", err)
				}
				p.set(healthy)
				time.Sleep(2 * time.Minute)
				wantCredentials(t, p, fetch(t, c))
			})
		})
	}
}

// TestHangingPoolKeepsWhatIsKnown checks a renewal that hangs: the identity id and
// credentials that have not expired are shown.
func TestHangingPoolKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice", withIdentityPool(false))
		first := wantCredentials(t, p, fetch(t, c))
		hang(p, opIdentity, opCredentials)
		time.Sleep(30 * time.Minute)
		s, err := c.FetchSession(within(t, 3*time.Second), MinValidity(50*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if got := wantCredentials(t, p, s); got.AccessKeyID != first.AccessKeyID {
			t.Error("other credentials than those in hand")
		}
		s, err = c.FetchSession(within(t, 3*time.Second), ForceRefresh())
		if _, idErr := s.IdentityID(); err != nil || idErr != nil {
			t.Errorf("FetchSession: %v; IdentityID: %v", err, idErr)
		}
		time.Sleep(31 * time.Minute)
		s, err = c.FetchSession(within(t, 3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		wantTokens(t, s, "alice")
		if _, err := s.Credentials(); err == nil {
			t.Error("credentials after their end")
		}
	})
}

// TestTokensNeverWaitForPool checks every call that needs tokens alone while the identity
// pool hangs and another caller waits for it.
func TestTokensNeverWaitForPool(t *testing.T) {
	t.Parallel()
	own := roundTrip(func(*http.Request) (*http.Response, error) { return reply(http.StatusOK, "text/plain", ""), nil })
	for name, call := range map[string]func(context.Context, *Client) error{
		"FetchTokens": func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx); return err },
		"forced":      func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx, ForceRefresh()); return err },
		"CurrentUser": func(ctx context.Context, c *Client) error { _, err := c.CurrentUser(ctx); return err },
		"Accounts":    func(ctx context.Context, c *Client) error { _, err := c.Accounts(ctx); return err },
		"TokenSource": func(ctx context.Context, c *Client) error { _, err := c.TokenSource(ctx).Token(); return err },
		"GetUser":     func(ctx context.Context, c *Client) error { return c.Call(ctx, "GetUser", nil, nil) },
		"SignOut":     func(ctx context.Context, c *Client) error { _, err := c.SignOut(ctx); return err },
		"HTTPClient": func(ctx context.Context, c *Client) error {
			client := c.HTTPClient(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: own}))
			answer, err := client.Get("https://api.example/")
			if err == nil {
				err = answer.Body.Close()
			}
			return err
		},
	} {
		for age, sleep := range map[string]time.Duration{"good": time.Minute, "due": 56 * time.Minute, "expired": 2 * time.Hour} {
			t.Run(name+", "+age, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newFakePool()
					c := p.signedIn(t, "alice", withIdentityPool(false))
					hang(p, opIdentity, opCredentials)
					time.Sleep(sleep)
					go func() { _, _ = c.FetchSession(t.Context()) }()
					synctest.Wait()
					began := time.Now()
					if err := call(t.Context(), c); err != nil || time.Since(began) != 0 {
						t.Errorf("%v after %v", err, time.Since(began))
					}
				})
			})
		}
	}
}

// TestCredentialsNeverWaitForTokens checks credentials in hand while the user pool hangs,
// and how long a caller waits for what is not in hand.
func TestCredentialsNeverWaitForTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.life = 5 * time.Minute
		c := p.signedIn(t, "alice", withIdentityPool(false))
		wantCredentials(t, p, fetch(t, c))
		hang(p, opRefresh)
		time.Sleep(20 * time.Minute)
		began := time.Now()
		if _, err := c.FetchCredentials(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("FetchCredentials: %v after %v", err, time.Since(began))
		}
		hang(p, opIdentity, opCredentials)
		time.Sleep(time.Hour)
		began = time.Now()
		if _, err := c.FetchCredentials(within(t, 3*time.Second)); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("FetchCredentials: %v after %v", err, time.Since(began))
		}
	})
}

// TestSignOutWhilePoolHangs checks that a caller that stops waiting is not handed a session
// that has been signed out meanwhile.
func TestSignOutWhilePoolHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice", withIdentityPool(false))
		hang(p, opIdentity, opCredentials)
		time.AfterFunc(time.Second, func() { _, _ = c.SignOut(context.WithoutCancel(t.Context())) })
		s, err := c.FetchSession(within(t, 3*time.Second))
		if err == nil && s.SignedIn() {
			t.Errorf("the session of before: %v", s)
		}
	})
}
