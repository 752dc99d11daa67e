package oauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// TestClientToken: a client gets a token for itself with its custom scopes only.
func TestClientToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *oauth.Client) {
		c.Secret, c.Flows, c.Scopes = testSecret, []string{"client_credentials"}, []string{"openid", "api/read", "api/write"}
	})
	request := func(scope string) answered {
		return h.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {h.client}, "client_secret": {testSecret}, "scope": {scope}})
	}
	for scope, want := range map[string]string{"": "api/read api/write", "api/read": "api/read", "api/read api/read": "api/read"} {
		if out := request(scope); out.Status != http.StatusOK || out.Scope != want || out.ID != "" || out.Refresh != "" {
			t.Errorf("%q: %v with scope %q", scope, out, out.Scope)
		}
	}
	for _, scope := range []string{"openid", "api/delete", "api/read openid"} {
		if out := request(scope); out.Error != "invalid_scope" {
			t.Errorf("%q: %v", scope, out)
		}
	}
	h.clients[h.client].Scopes = []string{"openid"}
	if out := request(""); out.Error != "invalid_scope" {
		t.Errorf("without custom scopes: %v", out)
	}
}

// TestIssuerErrors: what the issuer refuses is the grant's fault, other errors are the
// service's, and neither tells what happened inside.
func TestIssuerErrors(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	code := h.visitor().signIn("ann", nil).Get("code")
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"refused":       {wire.NewException(wire.NotAuthorizedException, "Refresh Token has been revoked."), 400, "invalid_grant"},
		"throttled":     {wire.NewException(wire.TooManyRequestsException, "x"), 429, "server_error"},
		"configuration": {wire.NewException(wire.InvalidUserPoolConfigurationException, "too long"), 500, "server_error"},
		"failed":        {errors.New("the disk is full of secrets"), 503, "server_error"},
	} {
		h.issuer.err = test.err
		for _, form := range []url.Values{h.redeemForm(code), {"grant_type": {"refresh_token"}, "client_id": {h.client}, "refresh_token": {"refresh ann"}}} {
			if out := h.token(form); out.Status != test.status || out.Error != test.code || strings.Contains(out.Text, "secrets") {
				t.Errorf("%s, %s: %v", name, form.Get("grant_type"), out)
			}
		}
		if name == "failed" {
			if out := h.form("/oauth2/revoke", url.Values{"client_id": {h.client}, "token": {"refresh ann"}}, nil); out.Status != test.status {
				t.Errorf("revoke: %v", out)
			}
		}
	}
	h.issuer.err = nil
	if out := h.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {h.client}, "refresh_token": {"refresh ann"}, "scope": {"more"}}); out.Error != "invalid_scope" {
		t.Errorf("more scopes: %v", out)
	}
	if out := h.token(h.redeemForm(code)); out.Status != http.StatusOK {
		t.Errorf("refusals spent the code: %v", out)
	}
}

// TestImplicitFailures: the implicit grant tells the client what failed, in the fragment.
func TestImplicitFailures(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *oauth.Client) { c.Flows = []string{"implicit"} })
	implicit := map[string]string{"response_type": "token", "code_challenge": "", "code_challenge_method": ""}
	if back := h.visitor().signIn("ann", implicit); back.Get("access_token") != "access ann" || back.Get("id_token") != "id ann" || back.Has("refresh_token") || back.Get("expires_in") != "3600" {
		t.Errorf("back with %v", back)
	}
	for want, err := range map[string]error{
		"login_required": wire.NewException(wire.NotAuthorizedException, "x"),
		"server_error":   errors.New("the disk is full of secrets"),
	} {
		h.issuer.err = err
		if back := h.visitor().signIn("ann", implicit); back.Get("error") != want || strings.Contains(back.Get("error_description"), "secrets") {
			t.Errorf("back with %v, want %s", back, want)
		}
	}
	h.issuer.err = wire.NewException(wire.InvalidUserPoolConfigurationException, "the token is too long")
	if back := h.visitor().signIn("ann", implicit); back.Get("error_description") != "the token is too long" {
		t.Errorf("back with %v", back)
	}
}

func TestUserInfoAnswers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	request := func(header ...string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base()+"/oauth2/userInfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = header
		return h.visitor().read(r)
	}
	answer, body := request("bearer access ann")
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
	}
	if diff := cmp.Diff(map[string]string{"email_verified": "true", "sub": "sub-ann", "username": "ann"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, header := range map[string][]string{"none": nil, "Basic": {"Basic x"}, "empty": {"Bearer "}, "two": {"Bearer x", "Bearer x"}} {
		if answer, body := request(header...); answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") != "Bearer" || !strings.Contains(body, "invalid_request") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
	if answer, body := request("Bearer x"); answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("a bad token: %d %s", answer.StatusCode, body)
	}
	h.users.err = errors.New("the disk is full of secrets")
	if answer, body := request("Bearer access ann"); answer.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "secrets") {
		t.Errorf("failed: %d %s", answer.StatusCode, body)
	}
}

func TestRevocationAnswers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	fixed := h.addClient("fixed")
	h.clients[fixed].Revocable = false
	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"good":              {url.Values{"client_id": {h.client}, "token": {"refresh ann"}}, 200, ""},
		"no token":          {url.Values{"client_id": {h.client}}, 400, "invalid_request"},
		"no client":         {url.Values{"token": {"refresh ann"}}, 400, "invalid_request"},
		"an unknown client": {url.Values{"client_id": {"x"}, "token": {"refresh ann"}}, 401, "invalid_client"},
		"an access token":   {url.Values{"client_id": {h.client}, "token": {"access ann"}}, 400, "unsupported_token_type"},
		"revocation off":    {url.Values{"client_id": {fixed}, "token": {"refresh ann"}}, 400, "invalid_request"},
	} {
		if out := h.form("/oauth2/revoke", test.form, nil); out.Status != test.status || out.Error != test.code {
			t.Errorf("%s: %v", name, out)
		}
	}
}
