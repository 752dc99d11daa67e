package latchkey

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// TestPanicOfStore checks that a store that panics while a refresh or the first read runs
// costs that call an error, and not the process, and that the session goes on afterwards.
func TestPanicOfStore(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Active", "Load", "Lock", "Unlock", "Save"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept, log := newFakePool(), newPanicStore(), &stackLog{}
				p.rotate = true
				p.signedIn(t, "alice", withStore(kept))
				c := p.newClient(t, withStore(kept), withLog(log))
				if method != "Active" {
					wantTokens(t, fetch(t, c), "alice")
				}
				kept.breaks(method)
				var calls sync.WaitGroup
				for range 3 {
					calls.Go(func() { checkPanicked(t, c, method == "Save") })
				}
				calls.Wait()
				log.wantStack(t, "the store's "+method)
				kept.breaks()
				time.Sleep(2 * time.Minute)
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice") // and it is stored
			})
		})
	}
}

// checkPanicked calls once. Tokens that the store did not take are good for as long as the
// process lasts.
func checkPanicked(t *testing.T, c *Client, tokens bool) {
	s, err := c.FetchSession(t.Context(), ForceRefresh())
	if err == nil {
		_, err = s.Tokens()
	}
	if e, ok := errors.AsType[*Error](err); err != nil && !ok || (err == nil) != tokens || tokens != (e == nil) {
		t.Errorf("FetchSession: %v", err)
	}
}

// TestPanicOfTransport is the same for an http.RoundTripper. After the pause that follows
// a failure the call is repeated.
func TestPanicOfTransport(t *testing.T) {
	t.Parallel()
	for _, op := range []string{opRefresh, opIdentity, opCredentials} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, log := newFakePool(), &stackLog{}
				c := p.signedIn(t, "alice", withIdentityPool(false), withLog(log))
				p.set(func(p *fakePool) {
					p.script = func(called string, _ *http.Request) (*http.Response, error) {
						if called == op {
							panic("the transport of " + op)
						}
						return nil, nil
					}
				})
				s := fetch(t, c, ForceRefresh())
				_, tokensErr := s.Tokens()
				_, credentialsErr := s.Credentials()
				if (tokensErr != nil) != (op == opRefresh) || !errors.Is(credentialsErr, ErrService) {
					t.Errorf("Tokens: %v; Credentials: %v", tokensErr, credentialsErr)
				}
				log.wantStack(t, "the transport of "+op)
				if fetch(t, c); p.count(op) != 1 {
					t.Errorf("%d calls without a pause", p.count(op))
				}
				p.set(healthy)
				time.Sleep(2 * time.Minute)
				again := fetch(t, c)
				wantTokens(t, again, "alice")
				wantCredentials(t, p, again)
			})
		})
	}
}

// TestPanicOfTokenSource checks a token source that panics at a renewal: credentials in
// hand stay usable.
func TestPanicOfTokenSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := newFakePool(), &stackLog{}
		c := p.newClient(t, withIdentityPool(true), withLog(log))
		broken := false
		_, err := c.Federate(t.Context(), Federation{Provider: testProvider, Source: func(context.Context) (Secret, error) {
			if broken {
				panic("the token source")
			}
			return providerToken("carol"), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		broken = true
		time.Sleep(57 * time.Minute)
		wantCredentials(t, p, fetch(t, c))
		synctest.Wait()
		time.Sleep(10 * time.Minute)
		if _, err := c.FetchCredentials(t.Context()); !errors.Is(err, ErrService) {
			t.Errorf("FetchCredentials: %v", err)
		}
		log.wantStack(t, "the token source")
		broken = false
		time.Sleep(2 * time.Minute)
		wantCredentials(t, p, fetch(t, c))
	})
}

// TestPanicOfWatch checks that the watch of a store goes on after a panic of Watch, and of
// the read that a change leads to, and that neither holds up a sign-in.
func TestPanicOfWatch(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Watch", "Active"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept, log, seen := newFakePool(), newPanicStore(), &stackLog{}, &recorder{}
				b := p.newClient(t, withStore(kept), withLog(log))
				fetch(t, b)
				kept.breaks(method)
				defer listen(t, b, seen.add)()
				other := p.signedIn(t, "alice", withStore(kept.Memory))
				time.Sleep(5 * time.Second)
				log.wantStack(t, "the store's "+method)
				kept.breaks()
				time.Sleep(5 * time.Minute)
				if _, err := other.SignOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				signIn(t, other, "bob")
				time.Sleep(5 * time.Second)
				if names := seen.names(); len(names) == 0 || names[len(names)-1] != "Restored:remote" {
					t.Errorf("events %v", names)
				}
				signIn(t, b, "alice")
			})
		})
	}
}

// TestPanicOfRevocation checks that a revocation that panics in the background stays
// queued and is sent later.
func TestPanicOfRevocation(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"", "List", "Load"} {
		t.Run("store's "+method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept, log := newFakePool(), newPanicStore(), &stackLog{}
				c := p.signedIn(t, "alice", withStore(kept), withLog(log))
				p.set(failing("RevokeToken", func() (*http.Response, error) { return nil, errors.New("no route to host") }))
				if report, _ := c.SignOut(t.Context()); !report.Queued {
					t.Fatalf("SignOut: %+v", report)
				}
				token := pending(t, kept.Memory)[0]
				p.set(failing("RevokeToken", func() (*http.Response, error) { panic("the transport of RevokeToken") }))
				kept.breaks(method)
				time.Sleep(time.Minute)
				log.wantStack(t, "panic")
				p.set(healthy)
				kept.breaks()
				time.Sleep(5 * time.Minute)
				if !isRevoked(p, token) {
					t.Error("the token was never revoked")
				}
			})
		})
	}
}

// TestPanicOfBrowser checks Config.OpenBrowser, which runs beside the listener.
func TestPanicOfBrowser(t *testing.T) {
	t.Parallel()
	log := &stackLog{}
	cfg := pagesConfig()
	cfg.Logger = log.logger()
	cfg.OAuth.RedirectSignIn = []string{"http://127.0.0.1/callback"}
	cfg.OpenBrowser = func(context.Context, string) error { panic("no display") }
	err := newOf(t, cfg).SignInBrowser(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrBrowser) || e.Op != "SignInBrowser" {
		t.Errorf("SignInBrowser: %v", err)
	}
	log.wantStack(t, "no display")
}

// TestPanicOfLogger checks that a log handler that panics over a panic does not end the
// process.
func TestPanicOfLogger(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), newPanicStore()
	p.signedIn(t, "alice", withStore(kept))
	c := p.newClient(t, withStore(kept), func(cfg *Config) { cfg.Logger = slog.New(panicHandler{}) })
	kept.breaks("Active")
	if _, err := c.FetchSession(t.Context()); !errors.Is(err, ErrService) {
		t.Errorf("FetchSession: %v", err)
	}
	kept.breaks()
	wantTokens(t, fetch(t, c), "alice")
}

type panicHandler struct{ slog.Handler }

func (panicHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panicHandler) Handle(context.Context, slog.Record) error { panic("the log handler") }

// TestNewRefusesNil checks nil pointers in interfaces, whose first use would panic.
func TestNewRefusesNil(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"store":     func(c *Config) { c.Store = (*store.Memory)(nil) },
		"map store": func(c *Config) { c.Store = nilMap(nil) },
		"transport": func(c *Config) { c.HTTPClient = &http.Client{Transport: (*http.Transport)(nil)} },
	} {
		cfg := Config{UserPoolID: testPool, ClientID: testClient}
		change(&cfg)
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"nothing":     func(*Config) {},
		"a store":     func(c *Config) { c.Store = store.NewMemory() },
		"HTTP client": func(c *Config) { c.HTTPClient = &http.Client{} },
	} {
		cfg := Config{UserPoolID: testPool, ClientID: testClient}
		change(&cfg)
		c, err := New(cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = c.Close()
	}
}
