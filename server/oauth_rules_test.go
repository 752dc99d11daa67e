package server_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestRedirectTargets: where a browser is never sent.
func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	v.signIn("ann", nil)
	for _, target := range []string{
		"", "http://app.example.com/callback", "HTTPS://app.example.com/callback", "https://APP.example.com/callback",
		"https://app.example.com/callback/", "https://app.example.com/Callback", "https://app.example.com/callback?x=1", "https://app.example.com/callback?",
		"https://app.example.com/callback#x", "https://app.example.com/callback#", "https://app.example.com:443/callback", "https://app.example.com:8443/callback",
		"https://app.example.com./callback", "https://app.example.com/callback/../evil", "https://app.example.com/callback/%2e%2e/evil", "https://app.example.com/./callback",
		"https://app.example.com//callback", "//app.example.com/callback", "/callback", "callback", "https:app.example.com/callback", "https:/app.example.com/callback",
		"https://ann@app.example.com/callback", "https://app.example.com@evil.example/callback", "https://app.example.com%40evil.example/callback",
		"https://evil.example/callback", "https://app.example.com.evil.example/callback", "https://evilapp.example.com/callback", "https://evil.example\\@app.example.com/callback",
		"https://app.example.com\\.evil.example/callback", "https:\\\\app.example.com\\callback", "https://app.example.com/callback\x00", "https://app.example.com/callback ",
		" https://app.example.com/callback", "https://app.example.com/callback\r\nLocation: https://evil.example", "https://app.example.com/%63allback", "https://app.example.com/callbac%6b",
		"https%3A%2F%2Fapp.example.com%2Fcallback", "https://app.example.com/callback&x=1", "https://app.example.com/callback;x", "https://аpp.example.com/callback", "https://app。example.com/callback",
		"javascript:alert(1)", "javascript://app.example.com/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "about:blank", "blob:https://app.example.com/x",
		"https://app.example.com/with", "https://app.example.com/with?a=2", "https://app.example.com/with?a=1&b=2", "https://app.example.com/with?A=1",
		"http://127.0.0.1/Callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:70000/callback", "http://127.0.0.1:08080/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:8080/callback/", "http://127.0.0.1:8080/callback?x=1",
		"http://127.0.0.1:8080@evil.example/callback", "http://127.0.0.1:80:80/callback", "https://127.0.0.1:8080/callback", "http://127.0.0.2:8080/callback", "http://127.1:8080/callback", "http://2130706433:8080/callback", "http://0x7f000001:8080/callback",
		"http://localhost:8080/callback", "http://localhost/callback", "http://localhost:3001/", "http://localhost:3000", "http://[::1%25lo]:80/callback", "http://[0:0:0:0:0:0:0:1]:80/callback", "http://[::]:80/callback", "http://0.0.0.0:80/callback",
		"myapp://signed-in/", "MYAPP://signed-in", "myapp:signed-in", "myapp://evil", "otherapp://signed-in", strings.Repeat("a", 5000),
	} {
		answer, body := v.get(w.base() + "/oauth2/authorize?" + w.query(map[string]string{"redirect_uri": target}).Encode())
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%q: %d to %q", target, answer.StatusCode, answer.Header.Get("Location"))
		}
		if strings.Contains(body, "evil") || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %s", target, body)
		}
		for _, name := range []string{"logout_uri", "post_logout_redirect_uri"} {
			answer, _ = v.get(w.base() + "/logout?" + url.Values{"client_id": {w.client}, name: {target + "x"}}.Encode())
			if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || answer.Header.Get("Set-Cookie") != "" {
				t.Errorf("logout to %s=%q: %d to %q", name, target, answer.StatusCode, answer.Header.Get("Location"))
			}
		}
	}
	for _, target := range []string{
		callback, "http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:8080/callback",
		"http://localhost:3000/", "myapp://signed-in", "https://app.example.com/with?a=1",
	} {
		answer, body := v.authorize(map[string]string{"redirect_uri": target})
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		if to := answer.Header.Get("Location"); !strings.HasPrefix(to, target+separator+"code=") {
			t.Errorf("%q: %d to %q %s", target, answer.StatusCode, to, body)
		}
	}
}

// TestRequestsRefused: errors that go back to the client, with state and iss.
func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	v.signIn("ann", nil)
	challenge := challengeOf(verifier)
	for name, test := range map[string]struct {
		over map[string]string
		code string
	}{
		"PKCE missing":               {map[string]string{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
		"PKCE plain":                 {map[string]string{"code_challenge": verifier, "code_challenge_method": "plain"}, "invalid_request"},
		"PKCE without method":        {map[string]string{"code_challenge_method": ""}, "invalid_request"},
		"PKCE method alone":          {map[string]string{"code_challenge": ""}, "invalid_request"},
		"PKCE method in lower case":  {map[string]string{"code_challenge_method": "s256"}, "invalid_request"},
		"PKCE S512":                  {map[string]string{"code_challenge_method": "S512"}, "invalid_request"},
		"PKCE challenge too short":   {map[string]string{"code_challenge": challenge[:42]}, "invalid_request"},
		"PKCE challenge too long":    {map[string]string{"code_challenge": challenge + "A"}, "invalid_request"},
		"PKCE challenge padded":      {map[string]string{"code_challenge": challenge + "="}, "invalid_request"},
		"PKCE challenge with a plus": {map[string]string{"code_challenge": "+" + challenge[1:]}, "invalid_request"},
		"no response type":           {map[string]string{"response_type": ""}, "invalid_request"},
		"a strange response type":    {map[string]string{"response_type": "id_token"}, "unsupported_response_type"},
		"a hybrid response type":     {map[string]string{"response_type": "code token"}, "unsupported_response_type"},
		"a strange response mode":    {map[string]string{"response_mode": "form_post"}, "invalid_request"},
		"a scope that is not there":  {map[string]string{"scope": "api/read"}, "invalid_scope"},
		"a long scope":               {map[string]string{"scope": strings.Repeat("x ", 2000)}, "invalid_scope"},
		"a long nonce":               {map[string]string{"nonce": strings.Repeat("n", 513)}, "invalid_request"},
		"a nonce that is no text":    {map[string]string{"nonce": "\xff"}, "invalid_request"},
		"an unknown provider":        {map[string]string{"identity_provider": "Nobody"}, "invalid_request"},
		"a request object":           {map[string]string{"request": "e30.e30."}, "invalid_request"},
	} {
		answer, body := v.authorize(test.over)
		to := answer.Header.Get("Location")
		got := location(t, answer).Query()
		if !strings.HasPrefix(to, callback+"?") || got.Get("error") != test.code || got.Get("state") != "s t&a=te" || got.Get("iss") != w.server.Issuer(w.pool) || got.Has("code") {
			t.Errorf("%s: %d to %q %s, want %s", name, answer.StatusCode, to, body, test.code)
		}
	}
	answer, _ := v.authorize(map[string]string{"response_type": "token"})
	if to := location(t, answer); !strings.Contains(to.Fragment, "error=unauthorized_client") {
		t.Errorf("implicit: %s", to)
	}
	for name, query := range map[string]string{
		"no client":               w.query(map[string]string{"client_id": ""}).Encode(),
		"an unknown client":       w.query(map[string]string{"client_id": "nobody"}).Encode(),
		"two clients":             w.query(nil).Encode() + "&client_id=x",
		"two redirects":           w.query(nil).Encode() + "&redirect_uri=https%3A%2F%2Fevil.example",
		"a malformed query":       w.query(nil).Encode() + "&a=%zz",
		"a semicolon":             w.query(nil).Encode() + ";a=1",
		"a query that is a flood": w.query(nil).Encode() + "&x=" + strings.Repeat("x", 21<<10),
	} {
		answer, _ := v.get(w.base() + "/oauth2/authorize?" + query)
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	answer, _ = v.get(w.base() + "/oauth2/authorize?" + w.query(nil).Encode() + "&scope=openid")
	if to := location(t, answer); to.Query().Get("error") != "invalid_request" {
		t.Errorf("two scopes: %s", to)
	}
}

// TestPKCEDowngrade: a code that was asked for without a challenge takes no
// verifier. Only a client with a secret can ask for one.
func TestPKCEDowngrade(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) { c.ClientSecret = testSecret })
	without := map[string]string{"code_challenge": "", "code_challenge_method": ""}
	code := w.visitor().signIn("ann", without).Get("code")
	form := w.redeemForm(code)
	form.Set("client_secret", testSecret)
	if out := w.token(form); out.Error != "invalid_grant" {
		t.Errorf("a verifier without a challenge: %+v", out)
	}
	form.Del("code_verifier")
	if out := w.token(form); out.Status != http.StatusOK {
		t.Errorf("neither: %+v", out)
	}
}

const testSecret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"

// TestClientSecrets: how a client with a secret proves itself.
func TestClientSecrets(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) { c.ClientSecret = testSecret })
	first := w.form("/oauth2/token", w.redeemForm(w.visitor().signIn("ann", nil).Get("code")), func(r *http.Request) { r.SetBasicAuth(w.client, testSecret) })
	if first.Status != http.StatusOK {
		t.Fatalf("%+v", first)
	}
	basic := func(id, secret string) func(*http.Request, url.Values) {
		return func(r *http.Request, _ url.Values) { r.SetBasicAuth(id, secret) }
	}
	both := func(id, secret, body string) func(*http.Request, url.Values) {
		return func(r *http.Request, form url.Values) {
			r.SetBasicAuth(id, secret)
			form.Set("client_secret", body)
		}
	}
	header := func(values ...string) func(*http.Request, url.Values) {
		return func(r *http.Request, _ url.Values) { r.Header["Authorization"] = values }
	}
	good := "Basic " + base64.StdEncoding.EncodeToString([]byte(w.client+":"+testSecret))
	for name, test := range map[string]struct {
		change func(*http.Request, url.Values)
		status int
		code   string
	}{
		"Basic":                     {basic(w.client, testSecret), 200, ""},
		"Basic, form-encoded":       {basic(w.client, "%30"+testSecret[1:]), 200, ""},
		"in the body":               {func(_ *http.Request, f url.Values) { f.Set("client_secret", testSecret) }, 200, ""},
		"no secret":                 {func(*http.Request, url.Values) {}, 400, "invalid_client"},
		"a wrong secret":            {func(_ *http.Request, f url.Values) { f.Set("client_secret", "wrong") }, 400, "invalid_client"},
		"a wrong secret by Basic":   {basic(w.client, "wrong"), 401, "invalid_client"},
		"an empty secret by Basic":  {basic(w.client, ""), 401, "invalid_client"},
		"another client by Basic":   {basic("other", testSecret), 400, "invalid_request"},
		"in both places":            {both(w.client, testSecret, testSecret), 400, "invalid_request"},
		"in both, one wrong":        {both(w.client, testSecret, "wrong"), 400, "invalid_request"},
		"Bearer":                    {header("Bearer " + testSecret), 401, "invalid_client"},
		"Basic that is no base64":   {header("Basic !!"), 401, "invalid_client"},
		"Basic without a colon":     {header("Basic " + base64.StdEncoding.EncodeToString([]byte("x"))), 401, "invalid_client"},
		"Basic with a bad escape":   {basic(w.client, "%zz"), 401, "invalid_client"},
		"two Authorization headers": {header(good, good), 401, "invalid_client"},
	} {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {w.client}}
		out := w.form("/oauth2/token", form, func(r *http.Request) {
			test.change(r, form)
			*r = *r.Clone(t.Context())
			body := form.Encode()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		})
		if out.Status != test.status || out.Error != test.code {
			t.Errorf("%s: %d %s (%s), want %d %s", name, out.Status, out.Error, out.Text, test.status, test.code)
		}
		if (out.Status == http.StatusUnauthorized) != strings.HasPrefix(out.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: WWW-Authenticate %q", name, out.Header.Get("WWW-Authenticate"))
		}
	}
}

// TestEndpointForms: methods, content types, sizes, and who may read the answers.
func TestEndpointForms(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	send := func(method, path, contentType, body string) (int, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, w.base()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://app.example.com")
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		answer, _ := w.do(r)
		return answer.StatusCode, answer.Header
	}
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		method, path, contentType, body string
		status                          int
	}{
		{"GET", "/oauth2/token", "", "", 405}, {"PUT", "/oauth2/token", form, "a=b", 405}, {"DELETE", "/oauth2/revoke", "", "", 405}, {"GET", "/oauth2/revoke", "", "", 405},
		{"POST", "/oauth2/authorize", form, "a=b", 405}, {"POST", "/logout", form, "a=b", 303}, {"PUT", "/oauth2/userInfo", "", "", 405}, {"DELETE", "/logout", "", "", 405},
		{"POST", "/oauth2/token", "", "grant_type=x", 400}, {"POST", "/oauth2/token", "application/json", `{"grant_type":"x"}`, 400},
		{"POST", "/oauth2/token", "multipart/form-data; boundary=x", "--x--", 400}, {"POST", "/oauth2/token", "text/plain", "grant_type=x", 400},
		{"POST", "/oauth2/token?client_id=x", form, "grant_type=x", 400}, {"POST", "/oauth2/token", form, "a=%zz", 400}, {"POST", "/oauth2/token", form, "a=1;b=2", 400},
		{"POST", "/oauth2/token", form, "client_id=x&a=" + strings.Repeat("a", 65<<10), 400}, {"POST", "/oauth2/token", form + "; charset=utf-8", "", 400},
		{"OPTIONS", "/oauth2/token", "", "", 204}, {"OPTIONS", "/oauth2/userInfo", "", "", 204}, {"OPTIONS", "/oauth2/authorize", "", "", 405}, {"OPTIONS", "/logout", "", "", 405},
		{"GET", "/oauth2/userInfo", "", "", 401}, {"GET", "/.well-known/openid-configuration", "", "", 200}, {"GET", "/.well-known/jwks.json", "", "", 200},
	} {
		status, header := send(test.method, test.path, test.contentType, test.body)
		if status != test.status {
			t.Errorf("%s %s %q: %d, want %d", test.method, test.path, test.contentType, status, test.status)
		}
		if status == http.StatusMethodNotAllowed && header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", test.method, test.path)
		}
		open := !strings.HasPrefix(test.path, "/oauth2/authorize") && !strings.HasPrefix(test.path, "/logout")
		if (header.Get("Access-Control-Allow-Origin") == "*") != open || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s: Access-Control-Allow-Origin %q", test.method, test.path, header.Get("Access-Control-Allow-Origin"))
		}
	}
}
