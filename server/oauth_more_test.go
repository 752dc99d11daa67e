package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// userInfo asks with a token.
func (w *world) userInfo(token string) (int, map[string]any, http.Header) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base()+"/oauth2/userInfo", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, body := w.do(r)
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		w.t.Fatalf("%s: %v", body, err)
	}
	return answer.StatusCode, out, answer.Header
}

func TestUserInfoAndRevoke(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	out := w.codeTokens("ann", nil)
	status, got, header := w.userInfo(out.Access)
	want := map[string]any{"sub": pooltest.AllClaims(t, wire.Sensitive(out.Access))["sub"], "username": "ann", "email": "ann@example.com", "email_verified": "true"}
	if diff := cmp.Diff(want, got); status != http.StatusOK || diff != "" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", status, diff)
	}
	refused := func(what, token, text string) {
		t.Helper()
		status, got, header := w.userInfo(token)
		if status != http.StatusUnauthorized || got["error"] != "invalid_token" || text != "" && got["error_description"] != text || header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: %d %v", what, status, got)
		}
	}
	refused("a token of the API", string(w.signIn("ann").AccessToken), "Access token does not contain openid scope")
	refused("an ID token", out.ID, "")
	refused("a changed token", out.Access+"x", "")
	revoke := func(form url.Values) answered { return w.form("/oauth2/revoke", form, nil) }
	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"no token":          {url.Values{"client_id": {w.client}}, 400, "invalid_request"},
		"no client":         {url.Values{"token": {out.Refresh}}, 400, "invalid_request"},
		"an unknown client": {url.Values{"client_id": {"x"}, "token": {out.Refresh}}, 401, "invalid_client"},
		"an access token":   {url.Values{"client_id": {w.client}, "token": {out.Access}}, 400, "unsupported_token_type"},
		"an unknown token":  {url.Values{"client_id": {w.client}, "token": {"x"}}, 200, ""},
	} {
		if got := revoke(test.form); got.Status != test.status || got.Error != test.code {
			t.Errorf("%s: %d %s, want %d %s", name, got.Status, got.Error, test.status, test.code)
		}
	}
	for range 2 {
		if got := revoke(url.Values{"client_id": {w.client}, "token": {out.Refresh}, "token_type_hint": {"refresh_token"}}); got.Status != http.StatusOK {
			t.Fatalf("revoke: %+v", got)
		}
	}
	refused("a revoked session", out.Access, wire.MessageAccessTokenRevoked)
	if got := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {out.Refresh}}); got.Error != "invalid_grant" {
		t.Errorf("refresh: %+v", got)
	}
}

// TestImplicit: tokens in the fragment, and nothing to refresh.
func TestImplicit(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.AllowedOAuthFlows = []string{"implicit"}
	})
	back := w.visitor().signIn("ann", map[string]string{"response_type": "token", "code_challenge": "", "code_challenge_method": "", "scope": "openid aws.cognito.signin.user.admin"})
	for name, want := range map[string]string{"token_type": "Bearer", "expires_in": "3600", "state": "s t&a=te", "iss": w.server.Issuer(w.pool), "refresh_token": "", "code": ""} {
		if back.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, back.Get(name), want)
		}
	}
	if pooltest.AllClaims(t, wire.Sensitive(back.Get("id_token")))["nonce"] != "n-1" {
		t.Error("the nonce is missing")
	}
	if _, err := w.getUser(wire.Sensitive(back.Get("access_token"))); err != nil {
		t.Error(err)
	}
	answer, _ := w.visitor().authorize(nil)
	if to := location(t, answer); to.Query().Get("error") != "unauthorized_client" {
		t.Errorf("code: %s", to)
	}
}

// TestClientCredentials: a client's own token, of custom scopes only.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	must[wire.CreateResourceServerResponse](w, "CreateResourceServer", &wire.CreateResourceServerRequest{
		UserPoolId: w.pool, Identifier: "https://api.example.com", Name: "api",
		Scopes: []wire.ResourceServerScopeType{{ScopeName: "read", ScopeDescription: "r"}, {ScopeName: "write", ScopeDescription: "w"}},
	})
	c := &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "machine", ClientSecret: testSecret}
	c.AllowedOAuthFlowsUserPoolClient, c.AllowedOAuthFlows = new(true), []string{"client_credentials"}
	c.AllowedOAuthScopes = []string{"https://api.example.com/read", "https://api.example.com/write"}
	id := must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", c).UserPoolClient.ClientId
	ask := func(scope string) answered {
		return w.form("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, func(r *http.Request) { r.SetBasicAuth(id, testSecret) })
	}
	out := ask("")
	if out.Status != http.StatusOK || out.Scope != "https://api.example.com/read https://api.example.com/write" || out.ID != "" || out.Refresh != "" {
		t.Fatalf("%+v", out)
	}
	got := pooltest.AllClaims(t, wire.Sensitive(out.Access))
	for name, want := range map[string]any{"sub": id, "client_id": id, "token_use": "access", "username": nil, "origin_jti": nil, "scope": out.Scope} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if out := ask("https://api.example.com/read"); out.Scope != "https://api.example.com/read" {
		t.Errorf("%+v", out)
	}
	for _, scope := range []string{"openid", "https://api.example.com/delete", "https://api.example.com/read openid", "x"} {
		if out := ask(scope); out.Error != "invalid_scope" {
			t.Errorf("%q: %+v", scope, out)
		}
	}
	if status, _, _ := w.userInfo(out.Access); status != http.StatusUnauthorized {
		t.Errorf("userInfo: %d", status)
	}
	must[wire.UpdateResourceServerResponse](w, "UpdateResourceServer", &wire.UpdateResourceServerRequest{
		UserPoolId: w.pool, Identifier: "https://api.example.com", Name: "api", Scopes: []wire.ResourceServerScopeType{{ScopeName: "read", ScopeDescription: "r"}},
	})
	if out := ask(""); out.Scope != "https://api.example.com/read" {
		t.Errorf("a scope that is gone is handed out: %+v", out)
	}
	public := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {w.client}})
	if public.Error != "unauthorized_client" {
		t.Errorf("%+v", public)
	}
}

// TestDomains: a pool is reached by its prefix and by its own name, and by no other.
func TestDomains(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: w.pool})
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{
		Domain: "auth.acme.example", UserPoolId: w.pool, CustomDomainConfig: &wire.CustomDomainConfigType{CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/x"},
	})
	ask := func(host, path string) (int, string, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Host = host
		answer := httptest.NewRecorder()
		w.server.ServeHTTP(answer, r)
		return answer.Code, answer.Header().Get("Location"), answer.Body.String()
	}
	query := "/oauth2/authorize?" + w.query(nil).Encode()
	for host, found := range map[string]bool{
		"acme.localhost": true, "acme.localhost:9230": true, "ACME.localhost.": true, "auth.acme.example": true, "auth.acme.example:443": true,
		"other.localhost": false, "acme": false, "localhost": false, "x.acme.localhost": false, "acme.example": false, "127.0.0.1:9229": false, "": false, "acme.localhost.evil.example": false,
		strings.Repeat("a", 300) + ".localhost": false, "'--.localhost": false,
	} {
		status, to, _ := ask(host, query)
		if found != (status == http.StatusFound && strings.HasPrefix(to, "/login?")) || !found && status != http.StatusNotFound {
			t.Errorf("host %q: %d to %q", host, status, to)
		}
		status, _, body := ask(host, "/.well-known/openid-configuration")
		if found != (status == http.StatusOK && strings.Contains(body, `"issuer":"`+w.server.Issuer(w.pool)+`"`)) || strings.Contains(body, "acme") {
			t.Errorf("host %q: discovery %d %s", host, status, body)
		}
	}
}

// TestDiscovery: what a relying party finds.
func TestOAuthDiscovery(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	var document map[string]any
	if status := w.fetchJSON(w.base()+"/.well-known/openid-configuration", &document); status != http.StatusOK {
		t.Fatal(status)
	}
	for name, path := range map[string]string{
		"issuer": "", "authorization_endpoint": "/oauth2/authorize", "token_endpoint": "/oauth2/token", "userinfo_endpoint": "/oauth2/userInfo",
		"revocation_endpoint": "/oauth2/revoke", "end_session_endpoint": "/logout", "jwks_uri": "/.well-known/jwks.json",
	} {
		if document[name] != w.base()+path {
			t.Errorf("%s is %v", name, document[name])
		}
	}
	if diff := cmp.Diff([]any{"S256"}, document["code_challenge_methods_supported"]); diff != "" {
		t.Error(diff)
	}
}

// TestLogout: it ends the browser's session and goes to a registered place.
func TestLogout(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	code := v.signIn("ann", nil).Get("code")
	site, _ := url.Parse(w.url)
	copied := v.client.Jar.Cookies(site)
	answer, _ := v.get(w.base() + "/logout?" + url.Values{"client_id": {"nobody"}, "logout_uri": {"https://app.example.com/bye"}}.Encode())
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown client: %d", answer.StatusCode)
	}
	if answer, _ := v.authorize(nil); location(t, answer).Query().Get("code") == "" {
		t.Error("a logout that was refused ended the session")
	}
	answer, _ = v.get(w.base() + "/logout?" + url.Values{"client_id": {w.client}, "logout_uri": {"https://app.example.com/bye"}}.Encode())
	if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != "https://app.example.com/bye" {
		t.Errorf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer, _ := v.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
		t.Error("still signed in")
	}
	thief := w.visitor()
	thief.client.Jar.SetCookies(site, copied)
	if answer, _ := thief.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
		t.Error("a copy of the cookie is still signed in")
	}
	if out := w.token(w.redeemForm(code)); out.Status != http.StatusOK {
		t.Errorf("logout revokes no tokens: %+v", out)
	}
	v.signIn("ann", nil)
	answer, _ = v.get(w.base() + "/logout?" + w.query(nil).Encode())
	if to := location(t, answer); to.Path != "/"+w.pool+"/login" || to.Query().Get("redirect_uri") != callback {
		t.Errorf("to %s", to)
	}
	answer, _ = v.get(w.base() + "/logout?" + w.query(map[string]string{"response_type": ""}).Encode())
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("a logout without response_type: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// TestLogoutWithoutTarget: a client alone leads nowhere but to a page that says so,
// and whatever else is wrong changes nothing.
func TestLogoutWithoutTarget(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	v.signIn("ann", nil)
	client := "client_id=" + w.client
	for name, query := range map[string]string{
		"nothing": "", "an empty client": "client_id=", "two clients": client + "&" + client, "an unknown client": "client_id=nobody", "a client that is no text": "client_id=%ff",
		"an empty target": client + "&logout_uri=", "two targets": client + "&logout_uri=https://app.example.com/bye&logout_uri=https://app.example.com/bye",
		"an empty target and another": client + "&logout_uri=&logout_uri=https://evil.example/", "an endless target": client + "&logout_uri=https://app.example.com/bye" + strings.Repeat("x", 3000),
		"a callback for a target": client + "&logout_uri=" + url.QueryEscape(callback), "a callback alone": client + "&redirect_uri=" + url.QueryEscape(callback),
		"a response type alone": client + "&response_type=code", "an empty callback": client + "&redirect_uri=", "an evil callback": client + "&response_type=code&redirect_uri=https://evil.example/",
		"a broken query": client + "&x=%zz", "a semicolon": client + ";x=1", "a flood": client + "&x=" + strings.Repeat("x", 21<<10),
	} {
		answer, body := v.get(w.base() + "/logout?" + query)
		wantPage(t, answer, body, http.StatusBadRequest, "This did not work")
		if answer.Header.Get("Location") != "" || answer.Header.Get("Set-Cookie") != "" || strings.Contains(body, "evil") {
			t.Errorf("%s: %v %s", name, answer.Header, body)
		}
	}
	if answer, _ := v.ask(http.MethodPost, w.base()+"/logout?"+client); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Set-Cookie") != "" {
		t.Errorf("POST: %d", answer.StatusCode)
	}
	if answer, _ := v.authorize(nil); location(t, answer).Query().Get("code") == "" {
		t.Fatal("a refused logout ended the session")
	}
	answer, body := v.get(w.base() + "/logout?" + client + "&continue=https://evil.example/&state=x")
	wantPage(t, answer, body, http.StatusOK, "You are signed out")
	if answer.Header.Get("Location") != "" || strings.Contains(body, "evil") {
		t.Errorf("%v %s", answer.Header, body)
	}
	if answer, _ := v.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
		t.Error("still signed in")
	}
}
