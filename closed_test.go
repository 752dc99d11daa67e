package latchkey

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// calls are all methods of a Client that can fail, each called with arguments that are
// good.
var calls = map[string]func(context.Context, *Client) error{
	"Accounts":         func(ctx context.Context, c *Client) error { _, err := c.Accounts(ctx); return err },
	"AuthCodeURL":      func(_ context.Context, c *Client) error { _, _, err := c.AuthCodeURL(); return err },
	"ClearFederation":  func(ctx context.Context, c *Client) error { return c.ClearFederation(ctx) },
	"CurrentUser":      func(ctx context.Context, c *Client) error { _, err := c.CurrentUser(ctx); return err },
	"Exchange":         func(ctx context.Context, c *Client) error { return c.Exchange(ctx, nil, "code=x&state=y") },
	"FetchCredentials": func(ctx context.Context, c *Client) error { _, err := c.FetchCredentials(ctx); return err },
	"CurrentSession":   func(ctx context.Context, c *Client) error { _, err := c.CurrentSession(ctx); return err },
	"FetchTokens":      func(ctx context.Context, c *Client) error { _, err := c.FetchTokens(ctx); return err },
	"Call":             func(ctx context.Context, c *Client) error { return c.Call(ctx, "GetUser", nil, nil) },
	"GlobalSignOut":    func(ctx context.Context, c *Client) error { _, err := c.GlobalSignOut(ctx); return err },
	"SignInBrowser":    func(ctx context.Context, c *Client) error { return c.SignInBrowser(ctx) },
	"SignOut":          func(ctx context.Context, c *Client) error { _, err := c.SignOut(ctx); return err },
	"SignOutAll":       func(ctx context.Context, c *Client) error { _, err := c.SignOutAll(ctx); return err },
	"SwitchAccount":    func(ctx context.Context, c *Client) error { return c.SwitchAccount(ctx, "alice") },
	"TokenSource":      func(ctx context.Context, c *Client) error { _, err := c.TokenSource(ctx).Token(); return err },
	"For":              func(_ context.Context, c *Client) error { _, err := c.For("alice"); return err },
	"Federate": func(ctx context.Context, c *Client) error {
		_, err := c.Federate(ctx, Federation{Provider: testProvider, Token: providerToken("carol")})
		return err
	},
	"FetchSession": func(ctx context.Context, c *Client) error {
		s, err := c.FetchSession(ctx)
		if err == nil {
			_, err = s.Tokens()
		}
		return err
	},
	"HTTPClient": func(ctx context.Context, c *Client) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1/", nil)
		if err != nil {
			return err
		}
		answer, err := c.HTTPClient(ctx).Do(request)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	},
	"KeepFresh": func(ctx context.Context, c *Client) error {
		stop, err := c.KeepFresh(ctx)
		stop()
		return err
	},
	"SignIn": func(ctx context.Context, c *Client) error {
		_, err := c.SignIn(ctx, PlainPassword("alice", testSecret))
		return err
	},
	"Subscribe": func(_ context.Context, c *Client) error {
		stop, err := c.Subscribe(func(Event) {})
		stop()
		return err
	},
}

// methods are the exported methods of Client but Close, which may be called again.
func methods() []string {
	var names []string
	client := reflect.TypeFor[*Client]()
	for i := range client.NumMethod() {
		if name := client.Method(i).Name; name != "Close" {
			names = append(names, name)
		}
	}
	return names
}

// wantOp fails unless an error names the call, or the service's operation.
func wantOp(t *testing.T, err error, op string) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); !ok || e.Op != op {
		t.Errorf("%v: not an *Error of %s", err, op)
	}
}

// opOf is the name in the errors of a method of calls.
func opOf(method string) string {
	if method == "Call" {
		return "GetUser" // the operation
	}
	return method
}

// TestClosed checks that every method fails with ErrClosed after Close, under its own
// name, and calls nothing.
func TestClosed(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	p.users["alice"].mfa = true
	cfg := pagesConfig()
	cfg.HTTPClient, cfg.IdentityPoolID, cfg.Store = &http.Client{Transport: p}, testIdentityPool, store.NewMemory()
	cfg.OAuth.RedirectSignIn = append(cfg.OAuth.RedirectSignIn, "http://127.0.0.1/callback")
	c := newOf(t, cfg)
	step, err := c.SignIn(t.Context(), PlainPassword("alice", testSecret))
	if err != nil || step.Done() {
		t.Fatalf("SignIn: %v, %v", step, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	before := p.total()
	for _, name := range methods() {
		call := calls[name]
		if call == nil {
			t.Errorf("%s is not in the table", name)
			continue
		}
		if err := call(t.Context(), c); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		} else {
			wantOp(t, err, opOf(name))
		}
	}
	if _, err := step.Respond(t.Context(), AnswerCode("123456")); !errors.Is(err, ErrClosed) {
		t.Errorf("Respond: %v", err)
	} else {
		wantOp(t, err, "Respond")
	}
	if p.total() != before {
		t.Errorf("%d calls of the service after Close", p.total()-before)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

// total is how many calls came.
func (p *fakePool) total() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, calls := range p.calls {
		n += calls
	}
	return n
}

// TestErrorNamesCall checks Error.Op of what the client itself finds while no user is
// signed in, and of a store that fails: the name of the call, and not of another.
func TestErrorNamesCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, checkNames)
}

func checkNames(t *testing.T) {
	signedOut := []string{
		"Call", "CurrentUser", "FetchCredentials", "FetchSession", "FetchTokens", "HTTPClient", "SwitchAccount", "TokenSource",
	}
	for _, name := range signedOut {
		c := newFakePool().newClient(t)
		wantOp(t, calls[name](t.Context(), c), opOf(name))
	}
	failing := append([]string{"Accounts", "ClearFederation", "Federate", "GlobalSignOut", "SignOut", "SignOutAll"}, signedOut...)
	for _, name := range failing {
		kept := &brokenStore{Memory: store.NewMemory()}
		c := newFakePool().newClient(t, withIdentityPool(true), withStore(kept))
		kept.active.Store(true)
		kept.load.Store(true)
		err := calls[name](t.Context(), c)
		wantOp(t, err, opOf(name))
		if !errors.Is(err, ErrStore) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := newFakePool()
	c := p.signedIn(t, "alice")
	p.set(failing503)
	wantOp(t, calls["Call"](t.Context(), c), "GetUser")
	_, err := c.FetchTokens(t.Context(), ForceRefresh())
	wantOp(t, err, opRefresh)
}

func failing503(p *fakePool) {
	p.script = func(string, *http.Request) (*http.Response, error) { return reply(503, "text/html", "<html>"), nil }
}

// TestFacetsNameCall checks Error.Op of the facets of a session: the call that returned
// the session.
func TestFacetsNameCall(t *testing.T) {
	t.Parallel()
	c := newFakePool().newClient(t, withIdentityPool(true))
	fetched := fetch(t, c)
	federated := federate(t, c, testProvider, "carol")
	for op, s := range map[string]*Session{"FetchSession": fetched, "Federate": federated} {
		_, err := s.Tokens()
		wantOp(t, err, op)
		_, err = s.UserSub()
		wantOp(t, err, op)
	}
	c = newFakePool().newClient(t)
	s := fetch(t, c)
	_, err := s.IdentityID()
	wantOp(t, err, "FetchSession")
	_, err = s.Credentials()
	wantOp(t, err, "FetchSession")
}

// TestSignOutNamesCall checks Error.Op in the reports of a client whose store fails.
func TestSignOutNamesCall(t *testing.T) {
	t.Parallel()
	for name, signOut := range map[string]func(*Client) (SignOutReport, error){
		"SignOut":       func(c *Client) (SignOutReport, error) { return c.SignOut(t.Context(), LocalOnly()) },
		"GlobalSignOut": func(c *Client) (SignOutReport, error) { return c.GlobalSignOut(t.Context(), LocalOnly()) },
	} {
		kept := &deletelessStore{brokenStore{Memory: store.NewMemory()}}
		c := newFakePool().signedIn(t, "alice", withStore(kept))
		kept.save.Store(true)
		report, err := signOut(c)
		if !errors.Is(err, ErrStore) {
			t.Errorf("%s: %v", name, err)
		}
		wantOp(t, report.Err(), name)
	}
}

// TestCloseEndsSignInBrowser checks Close while a person is at the sign-in pages: the call
// returns and its listener closes.
func TestCloseEndsSignInBrowser(t *testing.T) {
	t.Parallel()
	var client *Client
	at := make(chan string, 1)
	client = newOf(t, Config{
		UserPoolID: "us-east-1_Test00001", ClientID: "client", OAuthBaseURL: "http://127.0.0.1:1",
		OAuth:       &OAuthConfig{RedirectSignIn: []string{"http://127.0.0.1/callback"}},
		OpenBrowser: func(_ context.Context, address string) error { at <- address; return nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- client.SignInBrowser(ctx) }()
	<-at
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		if !errors.Is(err, ErrClosed) {
			t.Errorf("SignInBrowser: %v, want ErrClosed", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("SignInBrowser goes on after Close")
	}
}
