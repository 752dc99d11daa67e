package latchkey

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

func TestUserAttributes(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t)
	if _, err := attributesOf(t.Context(), c); !errors.Is(err, ErrSignedOut) {
		t.Errorf("signed out: %v", err)
	}
	signIn(t, c, "alice")
	got, err := attributesOf(t.Context(), c)
	if diff := cmp.Diff(map[string]string{"email": "alice@example.com"}, got); diff != "" || err != nil {
		t.Errorf("GetUser: %v (-want +got):\n%s", err, diff)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.signedIn(t, "alice")
	for _, tt := range []struct {
		old, new string
		want     error
	}{
		{"wrong", "a-longer-password", ErrNotAuthorized},
		{testSecret, "short", ErrInvalidPassword},
		{testSecret, "a-longer-password", nil},
		{testSecret, "a-longer-password", ErrNotAuthorized},
	} {
		if err := changePassword(t.Context(), c, tt.old, tt.new); !errors.Is(err, tt.want) {
			t.Errorf("ChangePassword(%q, %q): %v, want %v", tt.old, tt.new, err, tt.want)
		}
	}
	if got := p.count(opRefresh); got != 0 {
		t.Errorf("%d refreshes for wrong passwords", got)
	}
	wantTokens(t, fetch(t, c), "alice")
}

// userNamed is a user as Accounts lists it.
func userNamed(name string, signedIn, active bool) User {
	user := User{Username: name, UserID: "sub-of-" + name, SignedIn: signedIn, Active: active}
	if signedIn {
		user.LoginID, user.AuthFlow = name, "USER_PASSWORD_AUTH"
	}
	return user
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept))
	signIn(t, c, "alice")
	signIn(t, c, "bob")
	check := func(want ...User) {
		t.Helper()
		got, err := c.Accounts(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Accounts: %v (-want +got):\n%s", err, diff)
		}
	}
	check(userNamed("alice", true, false), userNamed("bob", true, true))
	wantTokens(t, fetch(t, c), "bob")
	if err := c.SwitchAccount(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, fetch(t, c), "alice")
	wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
	if _, err := c.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(userNamed("alice", false, true), userNamed("bob", true, false))
	// Nobody becomes bob because alice has left.
	if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens: %v", err)
	}
	for _, name := range []string{"alice", "carol", ""} {
		if err := c.SwitchAccount(t.Context(), name); !errors.Is(err, ErrSignedOut) {
			t.Errorf("SwitchAccount(%q): %v", name, err)
		}
	}
	if err := c.SwitchAccount(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, fetch(t, c, ForceRefresh()), "bob")
}

func TestCurrentUserOffline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.newClient(t)
		if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrSignedOut) {
			t.Errorf("signed out: %v", err)
		}
		signIn(t, c, "alice")
		time.Sleep(100 * time.Hour)
		before := p.count(opRefresh)
		user, err := c.CurrentUser(t.Context())
		if err != nil || user.Username != "alice" || p.count(opRefresh) != before {
			t.Errorf("CurrentUser = %+v, %v after %d calls", user, err, p.count(opRefresh))
		}
	})
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.newClient(t)
		ctx, cancel := context.WithCancel(t.Context())
		source := c.TokenSource(ctx)
		cancel() // of the context only the values count
		if _, err := source.Token(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("signed out: %v", err)
		}
		signIn(t, c, "alice")
		for range 3 {
			token, err := source.Token()
			if err != nil {
				t.Fatal(err)
			}
			tokens := wantTokens(t, fetch(t, c), "alice")
			if token.AccessToken != tokens.Access.Raw() || token.Type() != "Bearer" || !token.Expiry.After(time.Now()) || token.RefreshToken != "" {
				t.Errorf("Token() = %+v", token)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}

// TestHTTPClient runs over real sockets: the bearer goes to the first host and
// to none that it redirects to.
func TestHTTPClient(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t)
	headers := make(chan string, 4)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- "other: " + r.Header.Get("Authorization") }))
	defer other.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- "api: " + r.Header.Get("Authorization")
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	defer api.Close()
	client := c.HTTPClient(context.WithValue(t.Context(), oauth2.HTTPClient, api.Client()))
	get := func(path string) error {
		response, err := client.Get(api.URL + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		return err
	}
	if err := get("/"); !errors.Is(err, ErrSignedOut) {
		t.Errorf("signed out: %v", err)
	}
	signIn(t, c, "alice")
	bearer := "Bearer " + wantTokens(t, fetch(t, c), "alice").Access.Raw()
	for path, want := range map[string][]string{
		"/":                   {"api: " + bearer},
		"/?to=/same":          {"api: " + bearer, "api: " + bearer},
		"/?to=" + other.URL:   {"api: " + bearer, "other: "},
		"/?to=//" + other.URL: {"api: " + bearer},
	} {
		_ = get(path)
		for _, w := range want {
			if got := <-headers; got != w {
				t.Errorf("%s: %.30s, want %.30s", path, got, w)
			}
		}
	}
}

// TestRequestHeaders: what every call carries, over real sockets; redirects are
// not followed, cookies not kept.
func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	var mu sync.Mutex
	var got []*http.Request
	var paths []string
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got, paths = append(got, r), append(paths, r.URL.Path)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		if len(got) == 3 {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		answer, err := p.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}))
	service.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake fails below
	service.StartTLS()
	defer service.Close()
	c := p.newClient(t, func(cfg *Config) {
		cfg.UserPoolEndpoint, cfg.HTTPClient = service.URL+"/idp", service.Client()
	})
	if _, err := c.SignIn(t.Context(), Password("alice", testSecret)); err != nil {
		t.Fatal(err)
	}
	if _, err := attributesOf(t.Context(), c); !errors.Is(err, ErrNetwork) {
		t.Errorf("after a redirect: %v", err)
	}
	if diff := cmp.Diff([]string{"/idp", "/idp", "/idp"}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	for _, r := range got {
		h := r.Header
		if r.Method != http.MethodPost || h.Get("Content-Type") != "application/x-amz-json-1.1" || h.Get("Cache-Control") != "no-store" ||
			!strings.HasPrefix(h.Get("X-Amz-User-Agent"), "latchkey/") || h.Get("Cookie") != "" {
			t.Errorf("%s %v", r.Method, h)
		}
	}
	untrusting := p.newClient(t, func(cfg *Config) { cfg.UserPoolEndpoint, cfg.HTTPClient = service.URL, nil })
	_, err := untrusting.SignIn(t.Context(), Password("alice", testSecret))
	if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "CAFile") {
		t.Errorf("unknown authority: %v", err)
	}
}
