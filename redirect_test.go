package latchkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/loopback"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"pgregory.net/rapid"
)

// pagesConfig is a pool at Cognito with sign-in pages.
func pagesConfig() Config {
	return Config{
		UserPoolID: testPool, ClientID: testClient,
		OAuth: &OAuthConfig{
			Domain: "example.auth.us-east-1.amazoncognito.com", Scopes: []string{"email", "openid"},
			RedirectSignIn: []string{"https://app.example.com/in", "http://localhost:3000/in"}, RedirectSignOut: []string{"https://app.example.com/out"},
		},
	}
}

func newOf(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestAuthCodeURL: what every authorization request has.
func TestAuthCodeURL(t *testing.T) {
	t.Parallel()
	c := newOf(t, pagesConfig())
	address, flow, err := c.AuthCodeURL(ThroughProvider("GOOGLE"), LoginHint("ann@example.com"), LoginPrompt("LOGIN"), CustomState("s"))
	if err != nil {
		t.Fatal(err)
	}
	base, query, _ := strings.Cut(address, "?")
	if base != "https://example.auth.us-east-1.amazoncognito.com/oauth2/authorize" {
		t.Errorf("at %s", base)
	}
	got, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {testClient}, "redirect_uri": {"https://app.example.com/in"}, "scope": {"email openid"},
		"state": {flow.flow.State.Reveal()}, "nonce": {flow.flow.Nonce.Reveal()}, "code_challenge_method": {"S256"},
		"code_challenge":    {oauth2.S256ChallengeFromVerifier(flow.flow.Verifier.Reveal())},
		"identity_provider": {"Google"}, "login_hint": {"ann@example.com"}, "prompt": {"login"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, secret := range map[string]Secret{"state": Secret(flow.flow.State), "nonce": Secret(flow.flow.Nonce), "verifier": Secret(flow.flow.Verifier)} {
		if len(secret.Reveal()) != 43 {
			t.Errorf("%s has %d characters", name, len(secret.Reveal()))
		}
	}
	if _, other, _ := c.AuthCodeURL(); other.flow.State.Equal(flow.flow.State) || other.flow.Nonce.Equal(flow.flow.Nonce) || other.flow.Verifier.Equal(flow.flow.Verifier) {
		t.Error("two flows share a secret")
	}
}

// TestPagesConfig: what is wrong with a configuration, and what to do about it.
func TestPagesConfig(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*Config)
		options []RedirectOption
		kind    error
		hint    string
	}{
		"no OAuth":          {change: func(c *Config) { c.OAuth = nil }, kind: ErrConfig, hint: "Config.OAuth.Domain"},
		"no domain":         {change: func(c *Config) { c.OAuth.Domain = "" }, kind: ErrConfig, hint: "Config.OAuth.Domain"},
		"domain with https": {change: func(c *Config) { c.OAuth.Domain = "https://x.example" }, kind: ErrConfig, hint: "without scheme"},
		"domain with path":  {change: func(c *Config) { c.OAuth.Domain = "x.example/a" }, kind: ErrConfig, hint: "without scheme"},
		"domain with user":  {change: func(c *Config) { c.OAuth.Domain = "a@x.example" }, kind: ErrConfig, hint: "without scheme"},
		"no pool":           {change: func(c *Config) { c.UserPoolID, c.IdentityPoolID = "", "us-east-1:1" }, kind: ErrConfig, hint: "UserPoolID"},
		"no redirect":       {change: func(c *Config) { c.OAuth.RedirectSignIn = nil }, kind: ErrConfig, hint: "RedirectTo"},
		"not registered":    {options: []RedirectOption{RedirectTo("https://app.example.com/in/")}, kind: ErrConfig, hint: "character by character"},
		"relative":          {options: []RedirectOption{RedirectTo("/in")}, kind: ErrConfig, hint: "absolute"},
		"fragment":          {options: []RedirectOption{RedirectTo("https://app.example.com/in#")}, kind: ErrConfig, hint: "fragment"},
		"long state":        {options: []RedirectOption{CustomState(strings.Repeat("x", maxCustomState+1))}, kind: ErrInvalidParameter, hint: "16384"},
		"provider no UTF-8": {options: []RedirectOption{ThroughProvider("\xff")}, kind: ErrInvalidParameter, hint: "UTF-8"},
		"long hint":         {options: []RedirectOption{LoginHint(strings.Repeat("x", 500))}, kind: ErrInvalidParameter, hint: "LoginHint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := pagesConfig()
			if tt.change != nil {
				tt.change(&cfg)
			}
			_, _, err := newOf(t, cfg).AuthCodeURL(tt.options...)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v, want %v with %q", err, tt.kind, tt.hint)
			}
		})
	}
}

// TestIssuer: whose ID tokens are accepted when the configuration does not say.
func TestIssuer(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"https://issuer.example":                                        {UserPoolID: testPool, Issuer: "https://issuer.example", UserPoolEndpoint: "https://x/"},
		"https://cognito-idp.us-east-1.amazonaws.com/" + testPool:       {UserPoolID: testPool},
		"https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab": {UserPoolID: "cn-north-1_Ab"},
		"http://127.0.0.1:9229/" + testPool:                             {UserPoolID: testPool, UserPoolEndpoint: "http://127.0.0.1:9229"},
	} {
		if got := cfg.issuer(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestLoopbackURI chooses what a browser of this machine comes back to.
func TestLoopbackURI(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		known []string
		given string
		want  string
	}{
		"nothing known":        {want: "http://127.0.0.1/callback"},
		"an address first":     {known: []string{"https://a.example/", "http://localhost:3000/", "http://[::1]/in"}, want: "http://[::1]/in"},
		"localhost with port":  {known: []string{"https://a.example/", "http://localhost:3000/in"}, want: "http://localhost:3000/in"},
		"localhost alone":      {known: []string{"http://localhost/in"}},
		"another machine":      {known: []string{"http://192.0.2.1/callback"}},
		"https here":           {known: []string{"https://127.0.0.1/callback"}},
		"a name that looks so": {known: []string{"http://127.0.0.1.example/callback"}},
		"given":                {known: []string{"http://127.0.0.1/a"}, given: "http://127.0.0.1:8000/b", want: "http://127.0.0.1:8000/b"},
		"given, elsewhere":     {given: "https://app.example.com/in"},
	} {
		cfg := Config{OAuth: &OAuthConfig{RedirectSignIn: tt.known}}
		u, err := cfg.loopbackURI("SignInBrowser", tt.given)
		if tt.want == "" {
			if !errors.Is(err, ErrConfig) {
				t.Errorf("%s: %v, %v", name, u, err)
			}
			continue
		}
		if err != nil || u.String() != tt.want {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
}

// TestLogoutURL: to a sign-out URL that something answers at, else to the login page.
func TestLogoutURL(t *testing.T) {
	t.Parallel()
	web, desk := store.Redirect{URI: "https://app.example.com/in"}, store.Redirect{URI: "http://127.0.0.1:5000/callback", Browser: true}
	for name, tt := range map[string]struct {
		known   []string
		session store.Redirect
		want    string
	}{
		"same origin":      {[]string{"https://other.example/", "https://app.example.com/out"}, web, "https://app.example.com/out"},
		"another origin":   {[]string{"https://other.example/", "http://localhost/"}, web, "https://other.example/"},
		"none":             {nil, web, ""},
		"a desk":           {[]string{"http://localhost:3000/", "http://127.0.0.1/", "https://other.example/"}, desk, "https://other.example/"},
		"a desk, no page":  {[]string{"http://localhost:3000/", "http://127.0.0.1/"}, desk, ""},
		"not to be parsed": {[]string{"http://%zz/", "https://other.example/"}, web, "https://other.example/"},
	} {
		cfg := pagesConfig()
		cfg.OAuth.RedirectSignOut = tt.known
		address, err := newOf(t, cfg).logoutURL("SignOut", tt.session)
		u, parsed := url.Parse(address)
		if err != nil || parsed != nil || u.Path != "/logout" || u.Query().Get("client_id") != testClient {
			t.Fatalf("%s: %s, %v", name, address, err)
		}
		if q := u.Query(); q.Get("logout_uri") != tt.want || (tt.want == "") != (q.Get("redirect_uri") == tt.session.URI && q.Get("response_type") == "code" && q.Get("code_challenge") != "") {
			t.Errorf("%s: %s", name, address)
		}
	}
	// Where Amplify JS came back to nobody knows.
	cfg := pagesConfig()
	cfg.OAuth.RedirectSignOut = nil
	address, err := newOf(t, cfg).logoutURL("SignOut", store.Redirect{})
	if u, parsed := url.Parse(address); err != nil || parsed != nil || u.Query().Get("redirect_uri") != cfg.OAuth.RedirectSignIn[0] {
		t.Errorf("a session of another program: %s, %v", address, err)
	}
	cfg.OAuth = &OAuthConfig{Domain: cfg.OAuth.Domain}
	if address, err := newOf(t, cfg).logoutURL("SignOut", store.Redirect{}); !errors.Is(err, ErrConfig) {
		t.Errorf("without any URL: %q, %v", address, err)
	}
}

// TestFlowText: a flow comes back as it was, and prints nothing.
func TestFlowText(t *testing.T) {
	t.Parallel()
	c := newOf(t, pagesConfig())
	rapid.Check(t, func(t *rapid.T) {
		carry := string(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "custom state"))
		_, flow, err := c.AuthCodeURL(CustomState(carry), ThroughProvider("Google"))
		if err != nil {
			t.Fatal(err)
		}
		text := flow.Reveal()
		back, err := ParseRedirectFlow(text)
		if err != nil || back.CustomState() != carry || back.Provider() != "Google" || !back.Expires().Equal(flow.Expires()) || back.Reveal() != text {
			t.Fatalf("%+v, %v", back, err)
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", flow, flow, flow, flow), fmt.Sprintf("%+v %#v", *flow, *flow), slog.AnyValue(flow).Resolve().String()} {
			for _, secret := range []Secret{Secret(flow.flow.State), Secret(flow.flow.Nonce), Secret(flow.flow.Verifier)} {
				if strings.Contains(shown, secret.Reveal()) {
					t.Fatalf("%s", shown)
				}
			}
		}
	})
	good := authflow.Flow{State: secret.New("s"), Nonce: secret.New("n"), Verifier: secret.New("v")}.Text()
	for _, bad := range []string{"", "!", "e30", "bnVsbA", good[:8] + "\r\n" + good[8:], strings.Repeat("A", 64<<10+1)} {
		if _, err := ParseRedirectFlow(bad); !errors.Is(err, ErrFlow) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if s := (*RedirectFlow)(nil).String(); s != "no sign-in by redirect" {
		t.Error(s)
	}
}

// TestFlowEnds: after ten minutes, whatever the answer, and when the clock was set
// back behind it.
func TestFlowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg, called := pagesConfig(), 0
		cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			called++
			return reply(400, "application/json", `{"error":"invalid_grant"}`), nil
		})}
		c := newOf(t, cfg)
		exchange := func(flow *RedirectFlow) error {
			return c.Exchange(t.Context(), flow, "?code=x&state="+flow.flow.State.Reveal())
		}
		_, first, _ := c.AuthCodeURL()
		_, second, _ := c.AuthCodeURL()
		time.Sleep(authflow.Life - time.Second)
		if err := exchange(first); !errors.Is(err, ErrNotAuthorized) || called != 1 {
			t.Errorf("in time: %v", err)
		}
		time.Sleep(time.Second)
		stored, err := ParseRedirectFlow(second.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		stored.flow.Created = stored.flow.Created.Add(20 * time.Minute)
		for _, flow := range []*RedirectFlow{second, stored} {
			if err := exchange(flow); !errors.Is(err, ErrFlow) || called != 1 {
				t.Errorf("late or early: %v", err)
			}
		}
	})
}

// TestNobodyComesBack: SignInBrowser waits for ten minutes at most.
func TestNobodyComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pagesConfig()
		cfg.OpenBrowser = func(context.Context, string) error { return nil }
		c := newOf(t, cfg)
		began := time.Now()
		_, err := c.visit(t.Context(), "SignInBrowser", "https://x", &loopback.Listener{Arrived: make(chan string), Failed: make(chan error)})
		if !errors.Is(err, ErrFlow) || time.Since(began) != authflow.Life {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestNobodyPastes: the person has ten minutes there as well.
func TestNobodyPastes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pagesConfig()
		cfg.OAuth.RedirectSignIn = []string{"http://127.0.0.1/callback"}
		c := newOf(t, cfg)
		waits := PasteAnswer(func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		began := time.Now()
		if err := c.SignInBrowser(t.Context(), waits); !errors.Is(err, ErrFlow) || time.Since(began) != authflow.Life {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.SignInBrowser(ctx, waits); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("whose context ended: %v", err)
		}
	})
}

// TestSlowTokenEndpoint is given up after Config.Timeout, and asked once.
func TestSlowTokenEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg, called := pagesConfig(), 0
		cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			called++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c := newOf(t, cfg)
		_, flow, _ := c.AuthCodeURL()
		began := time.Now()
		err := c.Exchange(t.Context(), flow, "code=x&state="+flow.flow.State.Reveal())
		if !errors.Is(err, ErrNetwork) || time.Since(began) != defaultTimeout || called != 1 {
			t.Errorf("%v after %v and %d calls", err, time.Since(began), called)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestImplicitSession: what has no refresh token says so, and what to do.
func TestImplicitSession(t *testing.T) {
	t.Parallel()
	c := newOf(t, pagesConfig())
	_, flow, _ := c.AuthCodeURL()
	err := c.Exchange(t.Context(), flow, "https://app.example.com/in#access_token=a&id_token=b&state="+flow.flow.State.Reveal())
	if !errors.Is(err, ErrFlow) || !strings.Contains(err.Error(), "use the code grant") {
		t.Errorf("%v", err)
	}
}
