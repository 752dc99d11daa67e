package sessionpage

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// TestCookies: what a cookie is like, over http and https, and what becomes of one
// that nobody knows.
func TestCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := "latchkey-page-" + w.service.UserPoolID
	ask := func(method, cookie string, secure bool) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, map[string]string{"GET": "/", "POST": "/session/sign-out"}[method], nil)
		r.Host, r.RemoteAddr = "127.0.0.1:1", "127.0.0.1:2"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		answer := httptest.NewRecorder()
		w.page.ServeHTTP(answer, r)
		return answer
	}
	plain := ask("GET", "", false).Result().Cookies()
	if len(plain) != 1 || plain[0].Name != name || !plain[0].HttpOnly || plain[0].Secure || plain[0].SameSite != http.SameSiteLaxMode || plain[0].Path != "/" || len(plain[0].Value) < 26 {
		t.Errorf("over http: %+v", plain)
	}
	secure := ask("GET", "", true).Result().Cookies()
	if len(secure) != 1 || secure[0].Name != "__Host-"+name || !secure[0].HttpOnly || !secure[0].Secure || secure[0].SameSite != http.SameSiteLaxMode || secure[0].Domain != "" {
		t.Errorf("over https: %+v", secure)
	}
	if again := ask("GET", name+"="+plain[0].Value, false); again.Header().Get("Set-Cookie") != "" {
		t.Error("a known browser gets another cookie")
	}
	stale := ask("GET", name+"=AAAAAAAAAAAAAAAAAAAAAAAAAA", false)
	if stale.Header().Get("Set-Cookie") == "" {
		t.Error("a stale cookie is not replaced")
	}
	w.wants(stale.Body.String(), "session here is over", "Nobody is signed in")
	// The browser keeps its cookie from a form that another page sends, and must not
	// be given another for it.
	r := httptest.NewRequest(http.MethodPost, "/session/sign-out", nil)
	r.Host, r.RemoteAddr = "127.0.0.1:1", "127.0.0.1:2"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	foreign := httptest.NewRecorder()
	w.page.ServeHTTP(foreign, r)
	if foreign.Code != http.StatusForbidden || foreign.Header().Get("Set-Cookie") != "" {
		t.Errorf("another page's form: %d %v", foreign.Code, foreign.Header())
	}
	for _, cookie := range []string{"", name + "=AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		answer := ask("POST", cookie, false)
		if answer.Code != http.StatusForbidden {
			t.Errorf("a form with the cookie %q: %d", cookie, answer.Code)
		}
		w.wants(answer.Body.String(), "Nothing was done", "Nobody is signed in")
	}
}

// TestRoom: who is signed out makes room, who is signed in stays.
func TestRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Browsers = 2 })
	first, second, third := w.browser(), w.browser(), w.browser()
	first.signIn()
	first.sees("<strong>Signed in</strong>") // events decide who has to go
	second.get("/")
	third.get("/") // in the place of the second
	w.wants(second.get("/"), "session here is over")
	w.wants(first.get("/"), "Signed in")
	second.signIn() // in the place of the third
	second.sees("<strong>Signed in</strong>")
	status, _, text := third.do(third.request(http.MethodGet, "/"))
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "too many browsers are signed in") {
		t.Errorf("%d %s", status, text)
	}
	if status, _, _ := third.do(third.request(http.MethodPost, "/session/demo")); status != http.StatusServiceUnavailable {
		t.Errorf("a form: %d", status)
	}
	second.post("/session/sign-out")
	second.sees("<strong>Signed out</strong>")
	w.wants(third.get("/"), "Nobody is signed in")
}

// TestIdle: a session that nobody looks at is signed out, and one with a page open
// goes on.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := latchkeytest.NewServer(t, latchkeytest.InProcess())
		service.AddUser(latchkeytest.User{Username: "demo", Password: password})
		config := Config{Client: service.Config(), Idle: 10 * time.Minute}
		config.Client.Issuer = "" // nothing to follow without a socket
		config.Client.HTTPClient = service.HTTPClient()
		page, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := page.Close(); err != nil {
				t.Error(err)
			}
		}()
		sit := func() *visitor {
			v, err := page.newVisitor("http://127.0.0.1:1", false, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := page.register(v); err != nil {
				t.Fatal(err)
			}
			if out := v.begin(t.Context(), "demo", password); !out.signedIn {
				t.Fatalf("%+v", out.message)
			}
			return v
		}
		idle, watched := sit(), sit()
		page.open(watched)
		left := func() []*visitor {
			synctest.Wait()
			page.mu.Lock()
			defer page.mu.Unlock()
			return slices.Collect(maps.Values(page.visitors))
		}
		time.Sleep(9 * time.Minute)
		if n := len(left()); service.Calls("RevokeToken") != 0 || n != 2 {
			t.Errorf("after nine minutes %d are left", n)
		}
		time.Sleep(3 * time.Minute)
		if there := left(); service.Calls("RevokeToken") != 1 || slices.Contains(there, idle) || !slices.Contains(there, watched) {
			t.Errorf("%d revoked, %d are left", service.Calls("RevokeToken"), len(there))
		}
		page.shut(watched)
		time.Sleep(12 * time.Minute)
		if n := len(left()); service.Calls("RevokeToken") != 2 || n != 0 {
			t.Errorf("%d revoked, %d are left", service.Calls("RevokeToken"), n)
		}
	})
}

// TestClosed: after Close nobody is let in, and closing twice is no error.
func TestClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	if err := w.page.Close(); err != nil {
		t.Error(err)
	}
	if status, _, text := b.do(b.request(http.MethodGet, "/")); status != http.StatusServiceUnavailable || !strings.Contains(text, "about to stop") {
		t.Errorf("%d %s", status, text)
	}
}
