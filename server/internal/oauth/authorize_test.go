package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// TestRedirectTargets: where a browser is never sent.
func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
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
		answer, body := v.get(h.base() + "/oauth2/authorize?" + h.query(map[string]string{"redirect_uri": target}).Encode())
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%q: %d to %q", target, answer.StatusCode, answer.Header.Get("Location"))
		}
		if strings.Contains(body, "evil") || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %s", target, body)
		}
		for _, name := range []string{"logout_uri", "post_logout_redirect_uri"} {
			answer, _ = v.get(h.base() + "/logout?" + url.Values{"client_id": {h.client}, name: {target + "x"}}.Encode())
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
	h := newHarness(t, nil)
	v := h.visitor()
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
		if !strings.HasPrefix(to, callback+"?") || got.Get("error") != test.code || got.Get("state") != "s t&a=te" || got.Get("iss") != h.base() || got.Has("code") {
			t.Errorf("%s: %d to %q %s, want %s", name, answer.StatusCode, to, body, test.code)
		}
	}
	answer, _ := v.authorize(map[string]string{"response_type": "token"})
	if to := location(t, answer); !strings.Contains(to.Fragment, "error=unauthorized_client") {
		t.Errorf("implicit: %s", to)
	}
	for name, query := range map[string]string{
		"no client":               h.query(map[string]string{"client_id": ""}).Encode(),
		"an unknown client":       h.query(map[string]string{"client_id": "nobody"}).Encode(),
		"two clients":             h.query(nil).Encode() + "&client_id=x",
		"two redirects":           h.query(nil).Encode() + "&redirect_uri=https%3A%2F%2Fevil.example",
		"a malformed query":       h.query(nil).Encode() + "&a=%zz",
		"a semicolon":             h.query(nil).Encode() + ";a=1",
		"a query that is a flood": h.query(nil).Encode() + "&x=" + strings.Repeat("x", 21<<10),
	} {
		answer, _ := v.get(h.base() + "/oauth2/authorize?" + query)
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	answer, _ = v.get(h.base() + "/oauth2/authorize?" + h.query(nil).Encode() + "&scope=openid")
	if to := location(t, answer); to.Query().Get("error") != "invalid_request" {
		t.Errorf("two scopes: %s", to)
	}
}

// TestPrompt: when a browser that is signed in must sign in again.
func TestPrompt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
	if answer, _ := v.authorize(map[string]string{"prompt": "none"}); location(t, answer).Query().Get("error") != "login_required" {
		t.Error("prompt=none of a stranger")
	}
	v.signIn("ann", nil)
	h.advance(10 * time.Minute)
	for _, test := range []struct {
		prompt, age, leads string
	}{
		{"", "", "code"}, {"none", "", "code"}, {"consent", "", "code"}, {"login", "", "login"}, {"select_account", "", "login"},
		{"", "300", "login"}, {"", "900", "code"}, {"", "0", "login"}, {"none", "300", "login_required"},
		{"none login", "", "invalid_request"}, {"create", "", "invalid_request"}, {"", "-1", "invalid_request"}, {"", "soon", "invalid_request"},
	} {
		answer, _ := v.authorize(map[string]string{"prompt": test.prompt, "max_age": test.age})
		to := location(t, answer)
		got := to.Query().Get("error")
		switch {
		case to.Query().Get("code") != "":
			got = "code"
		case strings.HasSuffix(to.Path, "/login"):
			got = "login"
		}
		if got != test.leads {
			t.Errorf("prompt %q, max_age %q: leads to %s, want %s", test.prompt, test.age, got, test.leads)
		}
	}
	h.advance(51 * time.Minute)
	if answer, _ := v.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
		t.Error("signed in after an hour")
	}
}

// TestOwnProviderByName: a client that names no providers has the pool's own users,
// also where the request says so, as Amplify's does.
func TestOwnProviderByName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *oauth.Client) { c.Providers = nil })
	if h.visitor().signIn("ann", map[string]string{"identity_provider": "COGNITO"}).Get("code") == "" {
		t.Error("COGNITO is refused")
	}
	answer, _ := h.visitor().authorize(map[string]string{"identity_provider": "Google"})
	if got := location(t, answer).Query().Get("error"); got != "invalid_request" {
		t.Errorf("a provider that is not there: %q", got)
	}
}

// TestHintedUser: a session answers only for the user and the client of id_token_hint.
func TestHintedUser(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
	v.signIn("ann", nil)
	for hint, want := range map[string]string{
		"": "code", h.client + "/sub-ann": "code", h.client + "/sub-bob": "login_required", "other/sub-ann": "login_required", "a.b.c": "login_required",
	} {
		answer, _ := v.authorize(map[string]string{"id_token_hint": hint, "prompt": "none"})
		if got := leadsTo(t, answer); got != want {
			t.Errorf("hint %q: %s, want %s", hint, got, want)
		}
	}
	h.users.err = errors.New("the disk is full of secrets")
	answer, _ := v.authorize(nil)
	if to := location(t, answer); to.Query().Get("error") != "server_error" || strings.Contains(to.String(), "secrets") {
		t.Errorf("to %s", to)
	}
}

// TestMethods: endpoints name the methods that they have.
func TestMethods(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for path, allow := range map[string]string{
		"/oauth2/token": "POST", "/oauth2/revoke": "POST", "/oauth2/userInfo": "GET, HEAD, POST", "/oauth2/authorize": "GET, HEAD",
		"/logout": "GET, HEAD, POST", "/oauth2/idpresponse": "GET, POST",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, h.base()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := h.plain(r)
		if got := strings.Join(answer.Header.Values("Allow"), ", "); answer.StatusCode != http.StatusMethodNotAllowed || got != allow {
			t.Errorf("%s: %d, Allow %q", path, answer.StatusCode, got)
		}
		if note := <-h.notes; note != "method_not_allowed" {
			t.Errorf("%s: noted %s", path, note)
		}
	}
}
