package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

const testSecret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"

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

func TestOAuthFlowsAreOffByDefault(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
			withOAuth(p, c)
			c.AllowedOAuthFlowsUserPoolClient = &on
		})
		answer, _ := w.visitor().authorize(nil)
		if got := location(t, answer).Query().Get("error"); (got == "unauthorized_client") == on {
			t.Errorf("AllowedOAuthFlowsUserPoolClient %v: error %q", on, got)
		}
	}
}
