package oauth_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// TestPKCEDowngrade: a code that was asked for without a challenge takes no
// verifier. Only a client with a secret can ask for one.
func TestPKCEDowngrade(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *oauth.Client) { c.Secret = testSecret })
	without := map[string]string{"code_challenge": "", "code_challenge_method": ""}
	code := h.visitor().signIn("ann", without).Get("code")
	form := h.redeemForm(code)
	form.Set("client_secret", testSecret)
	if out := h.token(form); out.Error != "invalid_grant" {
		t.Errorf("a verifier without a challenge: %+v", out)
	}
	form.Del("code_verifier")
	if out := h.token(form); out.Status != http.StatusOK {
		t.Errorf("neither: %+v", out)
	}
}

// TestClientSecrets: how a client with a secret proves itself.
func TestClientSecrets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *oauth.Client) { c.Secret = testSecret })
	first := h.form("/oauth2/token", h.redeemForm(h.visitor().signIn("ann", nil).Get("code")), func(r *http.Request) { r.SetBasicAuth(h.client, testSecret) })
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
	good := "Basic " + base64.StdEncoding.EncodeToString([]byte(h.client+":"+testSecret))
	for name, test := range map[string]struct {
		change func(*http.Request, url.Values)
		status int
		code   string
	}{
		"Basic":                     {basic(h.client, testSecret), 200, ""},
		"Basic, form-encoded":       {basic(h.client, "%30"+testSecret[1:]), 200, ""},
		"in the body":               {func(_ *http.Request, f url.Values) { f.Set("client_secret", testSecret) }, 200, ""},
		"no secret":                 {func(*http.Request, url.Values) {}, 400, "invalid_client"},
		"a wrong secret":            {func(_ *http.Request, f url.Values) { f.Set("client_secret", "wrong") }, 400, "invalid_client"},
		"a wrong secret by Basic":   {basic(h.client, "wrong"), 401, "invalid_client"},
		"an empty secret by Basic":  {basic(h.client, ""), 401, "invalid_client"},
		"another client by Basic":   {basic("other", testSecret), 400, "invalid_request"},
		"in both places":            {both(h.client, testSecret, testSecret), 400, "invalid_request"},
		"in both, one wrong":        {both(h.client, testSecret, "wrong"), 400, "invalid_request"},
		"Bearer":                    {header("Bearer " + testSecret), 401, "invalid_client"},
		"Basic that is no base64":   {header("Basic !!"), 401, "invalid_client"},
		"Basic without a colon":     {header("Basic " + base64.StdEncoding.EncodeToString([]byte("x"))), 401, "invalid_client"},
		"Basic with a bad escape":   {basic(h.client, "%zz"), 401, "invalid_client"},
		"two Authorization headers": {header(good, good), 401, "invalid_client"},
	} {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {h.client}}
		out := h.form("/oauth2/token", form, func(r *http.Request) {
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

// TestCodes: what a code is bound to.
func TestAuthorizationCodeIsBound(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	other := h.addClient("other")
	good := h.visitor().signIn("ann", nil).Get("code")
	for name, test := range map[string]struct {
		change func(url.Values)
		code   string
	}{
		"another client":            {func(v url.Values) { v.Set("client_id", other) }, "invalid_grant"},
		"another redirect":          {func(v url.Values) { v.Set("redirect_uri", "http://localhost:3000/") }, "invalid_grant"},
		"no redirect":               {func(v url.Values) { v.Del("redirect_uri") }, "invalid_request"},
		"no code":                   {func(v url.Values) { v.Del("code") }, "invalid_request"},
		"a code cut short":          {func(v url.Values) { v.Set("code", good[:len(good)-1]) }, "invalid_grant"},
		"a code changed":            {func(v url.Values) { v.Set("code", "B"+good[1:]) }, "invalid_grant"},
		"no verifier":               {func(v url.Values) { v.Del("code_verifier") }, "invalid_grant"},
		"a wrong verifier":          {func(v url.Values) { v.Set("code_verifier", strings.ToLower(verifier)) }, "invalid_grant"},
		"the challenge as verifier": {func(v url.Values) { v.Set("code_verifier", challengeOf(verifier)) }, "invalid_grant"},
		"a short verifier":          {func(v url.Values) { v.Set("code_verifier", verifier[:42]) }, "invalid_grant"},
		"no grant type":             {func(v url.Values) { v.Del("grant_type") }, "invalid_request"},
		"the password grant":        {func(v url.Values) { v.Set("grant_type", "password") }, "unsupported_grant_type"},
		"no client":                 {func(v url.Values) { v.Del("client_id") }, "invalid_request"},
		"an unknown client":         {func(v url.Values) { v.Set("client_id", "nobody") }, "invalid_client"},
		"a client that is none":     {func(v url.Values) { v.Set("client_id", "' OR 1=1 --") }, "invalid_client"},
		"client_credentials":        {func(v url.Values) { v.Set("grant_type", "client_credentials") }, "unauthorized_client"},
		"no refresh token":          {func(v url.Values) { v.Set("grant_type", "refresh_token") }, "invalid_request"},
		"a code twice":              {func(v url.Values) { v.Add("code", good) }, "invalid_request"},
	} {
		form := h.redeemForm(good)
		test.change(form)
		if out := h.token(form); out.Status != http.StatusBadRequest || out.Error != test.code {
			t.Errorf("%s: %d %s (%s), want %s", name, out.Status, out.Error, out.Text, test.code)
		}
	}
	if out := h.token(h.redeemForm(good)); out.Status != http.StatusOK {
		t.Errorf("refusals spent the code: %+v", out)
	}
	late := h.visitor().signIn("ann", nil).Get("code")
	h.advance(2*time.Minute + time.Second)
	if out := h.token(h.redeemForm(late)); out.Error != "invalid_grant" {
		t.Errorf("a code after its time: %+v", out)
	}
}

// TestOptionalPKCE is Cognito's leniency.
func TestOptionalPKCE(t *testing.T) {
	t.Parallel()
	h := newHarnessOf(t, nil, func(c *oauth.Config) { c.OptionalPKCE = true })
	form := h.redeemForm(h.visitor().signIn("ann", map[string]string{"code_challenge": "", "code_challenge_method": ""}).Get("code"))
	form.Del("code_verifier")
	if out := h.token(form); out.Status != http.StatusOK {
		t.Errorf("%+v", out)
	}
}
