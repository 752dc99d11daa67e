package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// TestBrowserCookie: one exact, sealed cookie is a session, and nothing else is.
func TestBrowserCookie(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
	v.signIn("ann", nil)
	site, _ := url.Parse(h.url)
	cookies := v.client.Jar.Cookies(site)
	if len(cookies) != 1 || cookies[0].Name != "latchkey-"+h.pool {
		t.Fatalf("cookies %v", cookies)
	}
	name, value := cookies[0].Name, cookies[0].Value
	signedIn := func(header ...string) bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base()+"/oauth2/authorize?"+h.query(nil).Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Cookie"] = header
		answer, _ := h.plain(r)
		return strings.Contains(answer.Header.Get("Location"), "code=")
	}
	if !signedIn(name+"="+value) || !signedIn("a=b; "+name+"="+value) {
		t.Error("the cookie itself is no session")
	}
	half := len(value) / 2
	for what, header := range map[string][]string{
		"none":                   nil,
		"two in one header":      {name + "=" + value + "; " + name + "=" + value},
		"two headers":            {name + "=" + value, name + "=x"},
		"another name":           {strings.ToUpper(name) + "=" + value},
		"a space in front":       {"\u2000" + name + "=" + value},
		"the secure name":        {"__Host-" + name + "=" + value},
		"cut short":              {name + "=" + value[:half]},
		"changed":                {name + "=" + value[:half] + "A" + value[half+1:] + "A"},
		"empty":                  {name + "="},
		"a code in place of one": {name + "=" + h.visitor().signIn("ann", nil).Get("code")},
	} {
		if signedIn(header...) {
			t.Errorf("%s is a session", what)
		}
	}
	again := h.visitor()
	again.signIn("ann", nil)
	if other := again.client.Jar.Cookies(site); other[0].Value == value {
		t.Error("two sign-ins have one cookie")
	}
	if !signedIn(name + "=" + value) {
		t.Error("a sign-in in another browser ends this one's session")
	}
	first := again.client.Jar.Cookies(site)[0].Value
	again.signIn("ann", map[string]string{"prompt": "login"})
	if signedIn(name + "=" + first) {
		t.Error("the session of before a new sign-in goes on")
	}
	h.advance(time.Hour + time.Second)
	if signedIn(name + "=" + value) {
		t.Error("an old cookie is a session")
	}
}

// TestSecureCookie: behind https the cookie is one that only this host can set.
func TestSecureCookie(t *testing.T) {
	t.Parallel()
	h := newHarnessOf(t, nil, func(c *oauth.Config) { c.PublicURL = "https://auth.example.com" })
	answer, _ := h.visitor().post(h.base()+"/login?"+h.query(nil).Encode(), url.Values{"username": {"ann"}})
	cookie := answer.Header.Get("Set-Cookie")
	for _, part := range []string{"__Host-latchkey-" + h.pool + "=", "Path=/", "Max-Age=3600", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie lacks %q: %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("cookie names a domain: %s", cookie)
	}
}

// TestPageMemory: a note stays in its browser for ten minutes, for its pool, and fits into a
// cookie.
func TestPageMemory(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	keep := func(text string) []*http.Cookie {
		w := httptest.NewRecorder()
		if err := h.provider.Keep(w, request, h.pool, []byte(text)); err != nil {
			return nil
		}
		return w.Result().Cookies()
	}
	kept := func(pool string, cookies ...*http.Cookie) string {
		r := request.Clone(t.Context())
		r.Header = http.Header{}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return string(h.provider.Kept(r, pool))
	}
	cookies := keep("note")
	if len(cookies) != 1 || kept(h.pool, cookies...) != "note" {
		t.Fatalf("cookies %v", cookies)
	}
	if got := kept(h.pool) + kept(h.pool, cookies[0], cookies[0]) + kept("us-east-1_Other0001", cookies...); got != "" {
		t.Errorf("no cookie, two and another pool's: %q", got)
	}
	if keep(strings.Repeat("x", 3000)) != nil {
		t.Error("a note longer than a cookie is kept")
	}
	h.advance(10*time.Minute + time.Second)
	if got := kept(h.pool, cookies...); got != "" {
		t.Errorf("after ten minutes: %q", got)
	}
}
