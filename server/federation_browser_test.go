package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// signInAtPool signs ann in with a password and checks that the browser has a session.
func (w *world) signInAtPool(v *visitor) {
	w.t.Helper()
	if got := v.signIn("ann", map[string]string{"identity_provider": "COGNITO"}); !got.Has("code") {
		w.t.Fatalf("sign-in with a password: %v", got)
	}
}

// TestBrowserSessionServesItsProviderOnly: a session of the browser answers for clients and
// requests that allow the provider at which its person signed in, and for no others.
func TestBrowserSessionServesItsProviderOnly(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.SupportedIdentityProviders = []string{"COGNITO"}
	})
	w.addUser("ann")
	password, corp := w.visitor(), w.visitor()
	w.signInAtPool(password)
	corp.visit(e, "u-1", nil)

	leads := func(v *visitor, over map[string]string) string {
		t.Helper()
		answer, _ := v.authorize(over)
		to := location(t, answer)
		switch {
		case to.Host == "login.example.com":
			return "provider"
		case strings.HasSuffix(to.Path, "/login"):
			return "login"
		case to.Query().Has("code"):
			return "code"
		}
		return to.Query().Get("error")
	}
	check := func(v *visitor, who string, want map[string]string) {
		t.Helper()
		for name, over := range map[string]map[string]string{
			"plain": {}, "silent": {"prompt": "none"},
			"provider": {"identity_provider": "Other"}, "provider, silent": {"identity_provider": "Other", "prompt": "none"},
			"by identifier": {"idp_identifier": "other.example.com"},
		} {
			if got := leads(v, over); got != want[name] {
				t.Errorf("%s, %s: leads to %s, want %s", who, name, got, want[name])
			}
		}
	}
	// The client offers both.
	check(password, "password", map[string]string{
		"plain": "code", "silent": "code", "provider": "provider", "provider, silent": "login_required", "by identifier": "provider",
	})
	check(corp, "provider's user", map[string]string{
		"plain": "code", "silent": "code", "provider": "provider", "provider, silent": "code", "by identifier": "provider",
	})
	// The client offers the provider alone, or the pool alone.
	w.changeClient(func(c *wire.UserPoolClientSettings) { c.SupportedIdentityProviders = []string{"Other"} })
	check(password, "password, provider only", map[string]string{
		"plain": "provider", "silent": "login_required", "provider": "provider", "provider, silent": "login_required", "by identifier": "provider",
	})
	if got := leads(corp, nil); got != "code" {
		t.Errorf("provider's user, provider only: %s", got)
	}
	for _, only := range [][]string{{"COGNITO"}, nil} {
		w.changeClient(func(c *wire.UserPoolClientSettings) { c.SupportedIdentityProviders = only })
		if got := leads(corp, nil); got != "login" {
			t.Errorf("provider's user, client with %q: %s", only, got)
		}
		if got := leads(password, nil); got != "code" {
			t.Errorf("password, client with %q: %s", only, got)
		}
	}
}

// TestBrowserSessionEndsWithProvider: who came by a provider is signed out of the browser
// when the provider, or the user's identity there, goes. Others stay.
func TestBrowserSessionEndsWithProvider(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, *elsewhere){
		"disabled for the user": func(w *world, _ *elsewhere) {
			must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-1"))})
		},
		"deleted": func(w *world, _ *elsewhere) {
			must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"})
		},
		"deleted and made again": func(w *world, e *elsewhere) {
			must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"})
			w.advance(time.Second)
			must[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
				UserPoolId: w.pool, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: e.details(),
			})
		},
		"disabled for the user and linked again": func(w *world, _ *elsewhere) {
			must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-1"))})
			w.advance(time.Second)
			if err := w.link(native("ann"), foreign("u-1")); err != nil {
				w.t.Fatal(err)
			}
		},
		"another issuer": func(w *world, e *elsewhere) {
			details := e.details()
			details["oidc_issuer"] = "https://other.example.com"
			must[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other", ProviderDetails: details})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := otherWorld(t, nil, nil)
			w.addUser("ann")
			if err := w.link(native("ann"), foreign("u-1")); err != nil {
				t.Fatal(err)
			}
			password, corp := w.visitor(), w.visitor()
			w.signInAtPool(password)
			code := corp.visit(e, "u-1", nil).Get("code")
			tokens := w.token(w.redeemForm(w.visitor().visit(e, "u-1", nil).Get("code")))
			own := w.signIn("ann")
			end(w, e)
			_, err := w.refresh(wire.Sensitive(tokens.Refresh))
			wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
			if answer, _ := w.visitor().userInfo(tokens.Access); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("userinfo with a token of the provider's session: %d", answer.StatusCode)
			}
			if _, err := w.refresh(own.RefreshToken); err != nil {
				t.Errorf("the session of a password: %v", err)
			}
			answer, _ := corp.authorize(map[string]string{"prompt": "none"})
			if got := location(t, answer).Query().Get("error"); got != "login_required" {
				t.Errorf("the provider's session: %q, want login_required", got)
			}
			if out := w.token(w.redeemForm(code)); out.Status != http.StatusBadRequest {
				t.Errorf("a code from before: %+v", out)
			}
			answer, _ = password.authorize(map[string]string{"prompt": "none"})
			if got := location(t, answer).Query(); !got.Has("code") {
				t.Errorf("the password's session: %v", got)
			}
		})
	}
}

func TestAuthorizeByCognitosShortPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withOAuth)
	v := w.visitor()
	query := w.query(nil)
	answer, _ := v.get(w.base() + "/authorize?" + query.Encode())
	if to := location(t, answer); !strings.HasSuffix(to.Path, "/login") || to.Query().Get("client_id") != w.client {
		t.Errorf("leads to %s", to)
	}
	answer, _ = v.get(w.base() + "/authorize?" + url.Values{"client_id": {"none"}}.Encode())
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a bad request: %s", answer.Status)
	}
}

// TestTokenByCognitosShortPath: programs with an old form of the address redeem and refresh.
func TestTokenByCognitosShortPath(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	form := w.redeemForm(v.signIn("ann", nil).Get("code"))
	for range 2 {
		answer, body := v.post(w.base()+"/token", form)
		var out struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil || answer.StatusCode != http.StatusOK || out.Access == "" {
			t.Fatalf("%s: %d %s", form.Get("grant_type"), answer.StatusCode, body)
		}
		if answer.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Error("pages of other origins cannot read the answer")
		}
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {out.Refresh}}
	}
}

func (v *visitor) userInfo(access string) (*http.Response, string) {
	v.w.t.Helper()
	r, err := http.NewRequestWithContext(v.w.t.Context(), http.MethodGet, v.w.base()+"/oauth2/userInfo", nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	return v.read(r)
}
