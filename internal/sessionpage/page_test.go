package sessionpage

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// TestPasswordSession is a person's way through the page without its script.
func TestPasswordSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	w.wants(b.get("/"), "Nobody is signed in", "Sign in as demo", "Use the sign-in pages", "Fetch some as a guest", "Nothing yet")
	page := b.post("/session/sign-in", "username", "demo", "password", "not it")
	w.wants(page, "Incorrect username or password", `value="demo"`, `role="alert"`, `aria-invalid="true" aria-describedby="password-problem" autofocus`)
	w.wants(b.post("/session/sign-in", "username", "", "password", ""), "Type the user name.", `aria-describedby="username-problem" autofocus`)
	w.wants(b.post("/session/sign-in", "username", "demo", "password", ""), "Type the password.", `aria-describedby="password-problem" autofocus`)
	before := b.cookie()
	page = b.signIn()
	w.wants(page, "Demo &lt;b&gt;User&lt;/b&gt;", "demo@example.com", "USER_SRP_AUTH", "custom:plan", ">free<", "origin_jti", "cognito:username", "token_use", " UTC</span>",
		"Life left of the ID token", "AWS credentials", "Identity id", w.service.IdentityPoolID[:9], "only the service can read it")
	b.sees("<strong>Signed in</strong> as demo")
	if b.cookie() == "" || b.cookie() == before {
		t.Errorf("the cookie after the sign-in is the one from before")
	}
	w.wants(b.post("/session/refresh"), "Refreshed: new tokens and new AWS credentials")
	w.never(b.get("/"), "Refreshed: new tokens") // told once
	b.sees("<strong>Refreshed</strong>")
	w.wants(b.post("/session/sign-in", "username", "demo", "password", password), "signed in already")
	w.wants(b.post("/session/pages"), "signed in already")
	page = b.post("/session/sign-out")
	w.wants(page, "You are signed out.", "The session of demo is forgotten here.", "The refresh token is revoked.", "Nobody is signed in")
	b.sees("<strong>Signed out</strong> in this browser")
	w.never(page, "sign-in pages have forgotten")
	w.wants(b.post("/session/sign-out"), "Nobody was signed in.")
	w.wants(b.post("/session/refresh"), "The tokens were not refreshed: nobody is signed in.")
	w.wants(b.post("/session/demo"), "Signed in", "USER_SRP_AUTH")
}

// TestSize: the page is quick over a bad line too.
func TestSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for page, most := range map[string]int{b.get("/"): 24 << 10, b.signIn(): 36 << 10} {
		if n := len(page) + len(style()); n > most {
			t.Errorf("page and stylesheet have %d bytes, more than %d", n, most)
		}
	}
}

// TestGuest: looking makes no guest; asking does, and a sign-in takes the identity over.
func TestGuest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/")
	b.get("/")
	if calls := w.service.Calls("GetId"); calls != 0 {
		t.Errorf("looking asked for %d identities", calls)
	}
	page := b.post("/session/guest")
	w.wants(page, "credentials as a guest", "AWS credentials, as a guest", "ASIA••••••••", "us-east-1:")
	page = b.signIn()
	w.wants(page, "From the identity pool.")
	w.wants(b.post("/session/guest"), "signed in already")
	none := newWorld(t, func(c *Config) { c.Client.AllowGuests = false })
	page = none.browser().get("/")
	none.never(page, "as a guest")
	none.wants(page, "Guest access is disabled.")
}

// TestNoIdentityPool: a pool that is not configured is told in passing, one that fails as a failure.
func TestNoIdentityPool(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Client.IdentityPoolID = "" })
	page := w.browser().signIn()
	w.wants(page, "No identity pool is configured", "Life left of the Access token")
	w.never(page, `role="alert"`)
	down := newWorld(t)
	down.service.Fail("GetId", -1, latchkeytest.Fault{Refuse: true})
	page = down.browser().signIn()
	down.wants(page, "Life left of the Access token", `class="message alert"`)
}

// TestOffline: tokens that cannot be refreshed are told of, and nobody is signed out.
func TestOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	w.service.Fail("GetTokensFromRefreshToken", -1, latchkeytest.Fault{Refuse: true})
	page := b.post("/session/refresh")
	w.wants(page, "The tokens were not refreshed", "Demo &lt;b&gt;User")
	b.sees("<strong>Refresh failed</strong>")
	w.service.Heal()
}

// TestSignOutEverywhere: another browser's session is over too, and says so.
func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.browser(), w.browser()
	first.signIn()
	second.signIn()
	if first.cookie() == second.cookie() {
		t.Fatal("two browsers share a cookie")
	}
	w.wants(first.post("/session/sign-out-everywhere"), "The service has ended all sessions of demo")
	first.sees("<strong>Signed out</strong> everywhere")
	page := second.post("/session/refresh")
	w.wants(page, "the service has ended the session", "Sign in again.", "Nobody is signed in")
	second.sees("<strong>Session ended</strong>")
	// It stays so until the next sign-in.
	w.wants(second.get("/"), "The service has ended the session")
	w.never(second.signIn(), "has ended the session (")
}

// TestNewPassword is the challenge that comes of a temporary password.
func TestNewPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.AddUser(latchkeytest.User{Username: "new", Password: password, Temporary: true})
	b := w.browser()
	b.get("/")
	page := b.post("/session/sign-in", "username", "new", "password", password)
	w.wants(page, "Choose a new password", `autocomplete="new-password"`)
	w.never(page, "Sign in as demo")
	w.wants(b.get("/"), "Choose a new password") // a reload loses nothing
	w.wants(b.post("/session/answer", "new_password", ""), "Choose a new password.")
	w.wants(b.post("/session/answer", "new_password", "short"), "Choose a new password", "That password is too short.")
	w.wants(b.post("/session/answer", "new_password", "long but plain"), "Choose a new password", "Password did not conform with policy")
	w.wants(b.post("/session/answer", "new_password", "Another-Horse-9"), "Signed in", "new")
	w.wants(b.post("/session/answer", "new_password", "Another-Horse-9"), "no sign-in under way")
	b.post("/session/sign-out")
	w.service.AddUser(latchkeytest.User{Username: "other", Password: password, Temporary: true})
	b.post("/session/sign-in", "username", "other", "password", password)
	w.wants(b.post("/session/start-over"), "Nobody is signed in")
}

// TestWaysOn: a refusal tells the way on.
func TestWaysOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.AddUser(latchkeytest.User{Username: "fresh", Password: password, Unconfirmed: true})
	w.service.AddUser(latchkeytest.User{Username: "reset", Password: password, Attributes: map[string]string{"email": "reset@example.com", "email_verified": "true"}})
	w.service.ResetPassword("reset")
	b := w.browser()
	b.get("/")
	w.wants(b.post("/session/sign-in", "username", "fresh", "password", password), "Confirm the sign-up with the code")
	w.wants(b.post("/session/sign-in", "username", "reset", "password", password), "Set a new one on the sign-in pages.")
	w.service.Fail("InitiateAuth", -1, latchkeytest.Fault{Refuse: true})
	w.wants(b.post("/session/sign-in", "username", "demo", "password", password), `role="alert"`)
}

// TestRefusals: what is not for the page, or not from it, changes nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		path   string
		method string
		status int
		want   string
	}{
		{name: "another name", path: "/", change: func(r *http.Request) { r.Host = "evil.example" }, status: 403, want: "for this machine"},
		{name: "a name that begins well", path: "/", change: func(r *http.Request) { r.Host = "localhost.evil.example" }, status: 403, want: "for this machine"},
		{name: "another name for a form", path: "/session/refresh", method: "POST", change: func(r *http.Request) { r.Host = "evil.example:80" }, status: 403, want: "for this machine"},
		{name: "another page's form", path: "/session/sign-out", method: "POST", change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, status: 403, want: "came from another page"},
		{name: "a form of another port", path: "/session/sign-out", method: "POST", change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, status: 403, want: "came from another page"},
		{name: "an old browser's", path: "/session/sign-out", method: "POST", change: func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, status: 403, want: "came from another page"},
		{name: "JSON", path: "/session/sign-in", method: "POST", change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, status: 415, want: "not a form"},
		{name: "GET of an action", path: "/session/sign-out", method: "GET", status: 405},
		{name: "POST of the page", path: "/", method: "POST", status: 405},
		{name: "DELETE", path: "/session/events", method: "DELETE", status: 405},
		{name: "nothing", path: "/session/nothing", status: 404},
		{name: "a long address", path: "/?" + strings.Repeat("x", maxQuery+1), status: 414},
		{name: "a long form", path: "/session/sign-in", method: "POST", change: body(strings.Repeat("x", maxBody+1)), status: 413, want: "more than a form"},
		{name: "a long field", path: "/session/sign-in", method: "POST", change: body("username=" + strings.Repeat("x", maxField+1)), status: 400, want: "too long"},
		{name: "a field twice", path: "/session/sign-in", method: "POST", change: body("username=a&username=b"), status: 400, want: "there twice"},
		{name: "no form", path: "/session/sign-in", method: "POST", change: body("%zz"), status: 400, want: "cannot be read"},
	} {
		method := test.method
		if method == "" {
			method = "GET"
		}
		r := b.request(method, test.path)
		if test.change != nil {
			test.change(r)
		}
		status, _, text := b.do(r)
		if status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s: %d %s", test.name, status, text)
		}
	}
	w.wants(b.get("/"), "Signed in")
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = http.NoBody, -1
		r.Body = readCloser{strings.NewReader(text)}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// TestHeaders holds for every kind of answer.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/session/page.css", "/session/events", "/session/nothing", "/callback?code=x"} {
		answer, err := w.browser().client.Get(w.web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		h := answer.Header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
	b := w.browser()
	page := b.get("/")
	_, rest, _ := strings.Cut(page, `href="/session/page.css`)
	query, _, _ := strings.Cut(rest, `"`)
	answer, err := b.client.Get(w.web.URL + "/session/page.css" + query)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := answer.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("the stylesheet under its version: %q", got)
	}
	w.never(page, " style=", "onclick", "javascript:")
}

// TestLocalhost: the page has one address, which the sign-in pages lead back to.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for host, want := range map[string]string{"localhost:9229": "http://127.0.0.1:9229/", "localhost": "http://127.0.0.1/"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = host, "127.0.0.1:2"
		answer := httptest.NewRecorder()
		w.page.ServeHTTP(answer, r)
		if answer.Code != http.StatusFound || answer.Header().Get("Location") != want {
			t.Errorf("%s: %d to %s", host, answer.Code, answer.Header().Get("Location"))
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:2"
	r.Host, r.TLS = "localhost:9230", &tls.ConnectionState{}
	answer := httptest.NewRecorder()
	w.page.ServeHTTP(answer, r)
	if got := answer.Header().Get("Location"); got != "https://127.0.0.1:9230/" {
		t.Errorf("https leads to %s", got)
	}
}

// TestGuard sends requests of other machines and through proxies, for each of the
// page's paths: none is answered, and none gets a cookie.
func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(method, path, from, forwarded string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:9229", from
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		answer := httptest.NewRecorder()
		w.page.ServeHTTP(answer, r)
		return answer
	}
	for _, path := range []string{"GET /", "GET /callback?code=x", "GET /session/page.css", "GET /session/events", "POST /session/demo", "POST /session/sign-in"} {
		method, path, _ := strings.Cut(path, " ")
		for _, remote := range [][2]string{{"192.168.1.7:40000", ""}, {"[fe80::1%eth0]:40000", ""}, {"@", ""}, {"127.0.0.1:40000", "203.0.113.9"}} {
			answer := ask(method, path, remote[0], remote[1])
			if answer.Code != http.StatusForbidden || answer.Header().Get("Set-Cookie") != "" || strings.Contains(answer.Body.String(), "demo") {
				t.Errorf("%s %s from %s: %d %s", method, path, remote, answer.Code, answer.Body)
			}
		}
	}
	if answer := ask("GET", "/", "127.0.0.1:40000", ""); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Sign in as demo") {
		t.Errorf("a browser on this machine: %d %s", answer.Code, answer.Body)
	}
}

// TestScriptForms: the page's script gets the message alone.
func TestScriptForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	send := func(path string) (int, string) {
		r := b.request(http.MethodPost, path)
		r.Header.Set("Latchkey-Part", "message")
		status, _, text := b.do(r)
		return status, text
	}
	if status, text := send("/session/refresh"); status != http.StatusOK || !strings.HasPrefix(text, `<div class="message notice"`) {
		t.Errorf("%d %s", status, text)
	}
	w.never(b.get("/"), "Refreshed: new tokens")
	b.client.Jar = nil
	if status, text := send("/session/refresh"); status != http.StatusForbidden || text != "" {
		t.Errorf("without a cookie: %d %s", status, text)
	}
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{Client: latchkey.Config{}}); err == nil {
		t.Error("a page about nothing was made")
	}
}
