package server_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/server"
)

// counts is an Observer.
type counts struct {
	mu   sync.Mutex
	seen map[string]int // "operation exception"
}

func (c *counts) Observe(operation, exception string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if took < 0 {
		exception += " took no time"
	}
	c.seen[strings.TrimSpace(operation+" "+exception)]++
}

// taken are the counts since the last call.
func (c *counts) taken() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.seen)
	clear(c.seen)
	return taken
}

// TestObserver: each answer of an endpoint and of a page counts once, under a name
// that no stranger can make up.
func TestObserver(t *testing.T) {
	t.Parallel()
	seen := &counts{seen: map[string]int{}}
	w := newWorldOf(t, withOAuth, func(c *server.Config) { c.Observer = seen })
	w.addUser("ann")
	v := w.visitor()
	seen.taken()
	form := func(path string, form url.Values) { v.post(w.base()+path, form) }
	page := func(path string, form url.Values) { v.post(w.pageURL(path, nil), form) }
	for _, test := range []struct {
		want string
		do   func()
	}{
		{"GET /oauth2/authorize", func() { v.authorize(nil) }},
		{"GET /oauth2/authorize invalid_scope", func() { v.authorize(map[string]string{"scope": "x"}) }},
		{"GET /oauth2/authorize redirect_mismatch", func() { v.authorize(map[string]string{"redirect_uri": "https://evil.example/" + t.Name()}) }},
		{"GET /oauth2/authorize invalid_client", func() { v.authorize(map[string]string{"client_id": "made-up"}) }},
		{"GET /oauth2/authorize login_required", func() { v.authorize(map[string]string{"prompt": "none"}) }},
		{"POST /oauth2/authorize method_not_allowed", func() { form("/oauth2/authorize", nil) }},
		{"OTHER /oauth2/token method_not_allowed", func() { v.ask("BREW", w.base()+"/oauth2/token") }},
		{"POST /oauth2/token invalid_request", func() { form("/oauth2/token", url.Values{"client_id": {w.client}, "client_id2": {"x"}}) }},
		{"POST /oauth2/token unsupported_grant_type", func() { form("/oauth2/token", url.Values{"client_id": {w.client}, "grant_type": {"made-up"}}) }},
		{"POST /oauth2/token invalid_grant", func() { w.token(w.redeemForm("x")) }},
		{"GET /oauth2/userInfo invalid_request", func() { v.get(w.base() + "/oauth2/userInfo") }},
		{"GET /oauth2/userInfo invalid_token", func() { w.userInfo("x") }},
		{"POST /oauth2/revoke invalid_client", func() { form("/oauth2/revoke", url.Values{"client_id": {"x"}, "token": {"x"}}) }},
		{"POST /oauth2/revoke", func() { form("/oauth2/revoke", url.Values{"client_id": {w.client}, "token": {"x"}}) }},
		{"GET /oauth2/idpresponse invalid_request", func() { v.get(w.base() + "/oauth2/idpresponse?state=x") }},
		{"GET /logout", func() { v.get(w.base() + "/logout?client_id=" + w.client) }},
		{"GET /logout invalid_request", func() { v.get(w.base() + "/logout") }},
		{"GET /login", func() { v.get(w.pageURL("/login", nil)) }},
		{"GET /login", func() { v.ask(http.MethodHead, w.pageURL("/login", nil)) }},
		{"GET /login redirect_mismatch", func() { v.get(w.pageURL("/login", map[string]string{"redirect_uri": "x"})) }},
		{"GET /login invalid_scope", func() { v.get(w.pageURL("/login", map[string]string{"scope": "x"})) }},
		{"POST /login invalid_request", func() { page("/login", nil) }},
		{"POST /login NotAuthorizedException", func() { page("/login", url.Values{"username": {"ann"}, "password": {"x"}}) }},
		{"POST /login", func() { page("/login", url.Values{"username": {"ann"}, "password": {password}}) }},
		{"GET /error unknown", func() { v.get(w.base() + "/error?error=made-up") }},
		{"GET /latchkey.css", func() { v.get(w.base() + "/latchkey.css") }},
		{"GET /brand.css not_found", func() { v.get(w.base() + "/brand.css") }},
		{"OTHER /brand-logo method_not_allowed", func() { v.ask(http.MethodDelete, w.base()+"/brand-logo") }},
		{"GET /.well-known/jwks.json", func() { v.get(w.base() + "/.well-known/jwks.json") }},
		{"GET /.well-known/openid-configuration", func() { v.get(w.base() + "/.well-known/openid-configuration") }},
		{"GET /.well-known/jwks.json not_found", func() { v.get(w.url + "/us-east-1_NoSuchOne/.well-known/jwks.json") }},
		{"GET /.well-known/openid-configuration not_found", func() { v.get(w.url + "/.well-known/openid-configuration") }},
		{"GET /login not_found", func() { v.get(w.url + "/login") }},
		{"GET /logout not_found", func() { v.get(w.url + "/logout") }},
	} {
		test.do()
		if diff := cmp.Diff(map[string]int{test.want: 1}, seen.taken()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.want, diff)
		}
	}
}

// TestObserverOfLimits: what a source asks for too often counts as that.
func TestObserverOfLimits(t *testing.T) {
	t.Parallel()
	seen := &counts{seen: map[string]int{}}
	w := newWorldOf(t, withOAuth, func(c *server.Config) { c.Observer, c.Limits = seen, server.Limits{PerSource: 0.1} })
	seen.taken()
	for range 2 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+w.pool+"/error", nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 1).String()
		answer := httptest.NewRecorder()
		w.server.ServeHTTP(answer, r)
	}
	if diff := cmp.Diff(map[string]int{"GET /error unknown": 1, "GET /error TooManyRequestsException": 1}, seen.taken()); diff != "" {
		t.Error(diff)
	}
}
