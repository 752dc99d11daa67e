package server_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// places are all paths below a pool, and whether other pages may read the answers.
var places = map[string]bool{
	"/oauth2/token": true, "/token": true, "/oauth2/revoke": true, "/oauth2/userInfo": true, "/.well-known/openid-configuration": true, "/.well-known/jwks.json": true,
	"/oauth2/authorize": false, "/authorize": false, "/signOut": false, "/oauth2/idpresponse": false, "/logout": false, "/login": false, "/newPassword": false, "/signup": false, "/confirmUser": false,
	"/forgotPassword": false, "/confirmforgotPassword": false, "/error": false, "/signedOut": false, "/latchkey.css": false, "/brand.css": false, "/brand-logo": false,
}

// TestEveryMethod: at every place, every method has an answer of its own kind, which
// other pages read only where that is meant.
func TestEveryMethod(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	for path, open := range places {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"} {
			r, err := http.NewRequestWithContext(t.Context(), method, w.base()+path, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", "PUT")
			answer, body := v.read(r)
			what := method + " " + path
			if answer.StatusCode >= 500 || answer.StatusCode >= 300 && answer.StatusCode < 400 {
				t.Errorf("%s: %d to %q", what, answer.StatusCode, answer.Header.Get("Location"))
			}
			if answer.StatusCode == http.StatusMethodNotAllowed && answer.Header.Get("Allow") == "" {
				t.Errorf("%s: no Allow", what)
			}
			if method == "HEAD" && body != "" {
				t.Errorf("%s: %q", what, body)
			}
			if got := answer.Header.Get("Access-Control-Allow-Origin"); (got == "*") != open || got != "" && got != "*" || answer.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: Access-Control-Allow-Origin %q", what, got)
			}
			if len(signedIn(answer)) != 0 {
				t.Errorf("%s: cookies %v", what, signedIn(answer))
			}
		}
	}
}

// hostile are values that no parameter has.
var hostile = map[string]string{
	"empty": "", "NUL": "a\x00b", "no UTF-8": "\xff\xfe\xc3(", "lines": "a\r\nSet-Cookie: x=y\r\n\r\n<script>", "long": strings.Repeat("x", 3000), "longer": strings.Repeat("é", 6000),
	"script": `"><script>alert(1)</script>`, "address": "https://evil.example/", "template": "{{.}}${x}%s%d", "number": "-9223372036854775809", "object": `{"a":[1]}`, "spaces": " \t\u00a0\u2028",
	"direction": "\u202ex\u202d", "quotes": `' OR "1"='1' --`, "path": "../../etc/passwd",
}

var parameters = []string{
	"client_id", "client_secret", "redirect_uri", "logout_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age", "code_challenge", "code_challenge_method",
	"login_hint", "lang", "identity_provider", "idp_identifier", "id_token_hint", "request", "code", "error", "error_description", "iss", "grant_type", "code_verifier", "refresh_token", "token", "v",
	"username", "password", "new_password", "session", "do", "attribute.email", "attribute.",
}

// TestHostileParameters puts such values into each parameter, alone and twice, of
// everything that can be asked for. There is an answer, it is nobody's trouble but the
// sender's, and it leads nowhere else.
func TestHostileParameters(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	judge := func(what string, answer *http.Response, body string) {
		t.Helper()
		to := answer.Header.Get("Location")
		local := strings.HasPrefix(to, callback+"?") || strings.HasPrefix(to, "/"+w.pool+"/login?") || strings.HasPrefix(to, "/"+w.pool+"/oauth2/idpresponse?") || to == "/"+w.pool+"/signedOut"
		switch {
		case answer.StatusCode >= 500:
			t.Errorf("%s: %d %s", what, answer.StatusCode, body)
		case to != "" && !local:
			t.Errorf("%s: to %q", what, to)
		case strings.Contains(body, "<script>alert") || strings.Contains(body, "goroutine ") || strings.Contains(body, ".go:"):
			t.Errorf("%s: %s", what, body)
		case slices.ContainsFunc(signedIn(answer), func(c *http.Cookie) bool { return c.Name == "x" || c.MaxAge > 0 }):
			t.Errorf("%s: cookies %v", what, signedIn(answer))
		}
	}
	names := slices.Sorted(maps.Keys(hostile))
	for i, path := range slices.Sorted(maps.Keys(places)) {
		for j, parameter := range parameters {
			// A fifth of the values at each place: all come by every parameter somewhere.
			for k := (i + j) % 5; k < len(names); k += 5 {
				name, value := names[k], hostile[names[k]]
				one := w.query(map[string]string{})
				one.Set(parameter, value)
				two := w.query(map[string]string{})
				two.Add(parameter, value)
				for _, query := range []url.Values{one, two} {
					what := path + " with " + name + " in " + parameter
					answer, body := v.get(w.base() + path + "?" + query.Encode())
					judge(what, answer, body)
				}
				form := url.Values{"client_id": {w.client}, "grant_type": {"authorization_code"}, "redirect_uri": {callback}, "code": {"x"}, "token": {"x"}, "username": {"nobody"}, "password": {"x"}}
				form.Set(parameter, value)
				address := w.base() + path
				if !places[path] {
					address += "?" + w.query(nil).Encode()
				}
				answer, body := v.post(address, form)
				judge("POST "+path+" with "+name+" in "+parameter, answer, body)
			}
		}
	}
	if errors := w.log.String(); strings.Contains(errors, "level=ERROR") {
		t.Errorf("strangers fill the log: %s", errors[max(0, len(errors)-2000):])
	}
}

// TestOddPaths: no way of writing a path leads out of the service, or around a rule.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	for _, path := range []string{
		"//evil.example/login", "/%2f%2fevil.example/login", `/\evil.example/login`, "/%5cevil.example/login", "/./login", "/../login", "/" + w.pool + "//login", "/" + w.pool + "/../evil/login",
		"/" + w.pool + "/%2e%2e/login", "/" + w.pool + "/login/", "/" + w.pool + "/login%00", "/" + w.pool + "/LOGIN", "/" + w.pool + ";x=1/login", "/" + w.pool + "%20/login", "/" + w.pool + "/oauth2/../login",
		"/us-east-1_" + strings.Repeat("a", 5000) + "/login", "/%ff/login", "/" + w.pool + "/%6cogin",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = strings.TrimPrefix(w.url, "http:") + path + "?" + w.query(nil).Encode()
		answer, err := v.client.Do(r)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		to := answer.Header.Get("Location")
		if answer.StatusCode >= 500 || to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) || strings.Contains(string(body), "//evil") {
			t.Errorf("%s: %d to %q %s", path, answer.StatusCode, to, body)
		}
	}
}

// signedIn are the cookies of an answer without the pages' memory, which holds no session.
func signedIn(answer *http.Response) []*http.Cookie {
	return slices.DeleteFunc(answer.Cookies(), func(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "-step") })
}
