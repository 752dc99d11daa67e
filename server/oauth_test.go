package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

func oauthWorld(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) *world {
	t.Helper()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		if change != nil {
			change(p, c)
		}
	})
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"},
		wire.AttributeType{Name: "phone_number", Value: "+15550100"}, wire.AttributeType{Name: "name", Value: "Ann"})
	return w
}

// TestCodeGrant goes the whole way once and looks at everything on it.
func TestCodeGrant(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	back := w.visitor().signIn("ann", nil)
	if back.Get("state") != "s t&a=te" || back.Get("iss") != w.server.Issuer(w.pool) {
		t.Errorf("answer %v", back)
	}
	signedIn := w.now()
	w.advance(30 * time.Second)
	out := w.token(w.redeemForm(back.Get("code")))
	if out.Status != http.StatusOK || out.Type != "Bearer" || out.Expires != 3600 || out.Scope != "openid email" {
		t.Fatalf("%+v", out)
	}
	if out.Header.Get("Cache-Control") != "no-store" || out.Header.Get("Pragma") != "no-cache" || out.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", out.Header)
	}
	access, id := pooltest.AllClaims(t, wire.Sensitive(out.Access)), pooltest.AllClaims(t, wire.Sensitive(out.ID))
	for name, want := range map[string]any{"scope": "openid email", "version": 2.0, "client_id": w.client, "username": "ann", "token_use": "access"} {
		if got := plain(access[name]); got != want {
			t.Errorf("access token: %s is %v, want %v", name, got, want)
		}
	}
	sum := sha256.Sum256([]byte(out.Access))
	for name, want := range map[string]any{
		"nonce": "n-1", "aud": w.client, "email": "ann@example.com", "email_verified": true, "phone_number": nil, "name": nil,
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "origin_jti": access["origin_jti"],
	} {
		if got := plain(id[name]); got != want {
			t.Errorf("ID token: %s is %v, want %v", name, got, want)
		}
	}
	if at := plain(id["auth_time"]).(float64); at > float64(signedIn.Unix()) {
		t.Errorf("auth_time %v is later than the sign-in at %v", at, signedIn.Unix())
	}
	_, err := w.getUser(wire.Sensitive(out.Access))
	wantException(t, err, wire.NotAuthorizedException, wire.MessageAccessTokenScopes)
}

// plain turns a JSON number of any type into a float.
func plain(v any) any {
	if n, ok := v.(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return v
}

// TestScopes: what is granted of what is asked for, and what it shows.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	all := "openid email phone profile aws.cognito.signin.user.admin"
	for _, test := range []struct{ asks, gets, shows string }{
		{"", all, "email name phone_number"},
		{"openid", "openid", "email name phone_number"},
		{"openid phone", "openid phone", "phone_number"},
		{"openid openid email unknown/x", "openid email", "email"},
		{"openid profile", "openid profile", "email name phone_number"},
		{"aws.cognito.signin.user.admin", "aws.cognito.signin.user.admin", "none"},
		{"email aws.cognito.signin.user.admin", "aws.cognito.signin.user.admin", "none"},
	} {
		out := w.codeTokens("ann", map[string]string{"scope": test.asks})
		if out.Scope != test.gets || pooltest.AllClaims(t, wire.Sensitive(out.Access))["scope"] != test.gets {
			t.Errorf("%q: granted %q, want %q", test.asks, out.Scope, test.gets)
		}
		if test.shows == "none" {
			if out.ID != "" {
				t.Errorf("%q: an ID token without openid", test.asks)
			}
			continue
		}
		var shown []string
		for _, name := range []string{"email", "name", "phone_number"} {
			if _, ok := pooltest.AllClaims(t, wire.Sensitive(out.ID))[name]; ok {
				shown = append(shown, name)
			}
		}
		if got := strings.Join(shown, " "); got != test.shows {
			t.Errorf("%q: shows %q, want %q", test.asks, got, test.shows)
		}
	}
	answer, _ := w.visitor().authorize(map[string]string{"scope": "email"})
	if to := location(t, answer); to.Query().Get("error") != "invalid_scope" || !strings.HasPrefix(to.String(), callback+"?") {
		t.Errorf("email without openid: %s", to)
	}
}

// TestOAuthRefresh: a session refreshes at the token endpoint and over the API,
// and keeps scope, auth_time and origin_jti.
func TestOAuthRefresh(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]bool{"without rotation": false, "with rotation": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				if rotate {
					c.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled}
					c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth}
				}
			})
			first := w.codeTokens("ann", nil)
			w.advance(time.Minute)
			next := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {first.Refresh}})
			if next.Status != http.StatusOK || (next.Refresh != "") != rotate || next.Scope != "openid email" {
				t.Fatalf("%+v", next)
			}
			before, after := pooltest.AllClaims(t, wire.Sensitive(first.ID)), pooltest.AllClaims(t, wire.Sensitive(next.ID))
			for _, claim := range []string{"auth_time", "origin_jti", "email", "sub"} {
				if before[claim] != after[claim] {
					t.Errorf("%s: %v, then %v", claim, before[claim], after[claim])
				}
			}
			newest := first.Refresh
			if rotate {
				newest = next.Refresh
			}
			api, err := w.refresh(wire.Sensitive(newest))
			if err != nil || pooltest.AllClaims(t, api.AccessToken)["scope"] != "openid email" || pooltest.AllClaims(t, api.IdToken)["phone_number"] != nil {
				t.Fatalf("over the API: %v", err)
			}
			if rotate {
				again := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {first.Refresh}})
				if again.Status != http.StatusBadRequest || again.Error != "invalid_grant" {
					t.Errorf("a token two generations old: %+v", again)
				}
				return
			}
			less := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {newest}, "scope": {"email"}})
			if less.Scope != "email" || less.ID != "" || pooltest.AllClaims(t, wire.Sensitive(less.Access))["scope"] != "email" {
				t.Errorf("fewer scopes: %+v", less)
			}
			more := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {newest}, "scope": {"openid phone"}})
			if more.Error != "invalid_scope" {
				t.Errorf("more scopes: %+v", more)
			}
		})
	}
}

// TestCodeReplay: of fifty redemptions at once one succeeds, and what it got is
// revoked by the others.
func TestCodeReplay(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	code := w.visitor().signIn("ann", map[string]string{"scope": "openid aws.cognito.signin.user.admin"}).Get("code")
	answers := make([]answered, 50)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = w.token(w.redeemForm(code)) })
	}
	group.Wait()
	var good []answered
	for _, a := range answers {
		if a.Status == http.StatusOK {
			good = append(good, a)
		} else if a.Error != "invalid_grant" || a.Status != http.StatusBadRequest {
			t.Errorf("refused with %d %s", a.Status, a.Error)
		}
	}
	if len(good) != 1 {
		t.Fatalf("%d redemptions succeeded", len(good))
	}
	_, err := w.refresh(wire.Sensitive(good[0].Refresh))
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	_, err = w.getUser(wire.Sensitive(good[0].Access))
	wantException(t, err, wire.NotAuthorizedException, wire.MessageAccessTokenRevoked)
}

// TestSignInEndsBeforeCode: a code is worth nothing once its user signed out
// everywhere, has another password, or may not sign in.
func TestSignInEndsBeforeCode(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world){
		"signed out everywhere": func(w *world) {
			must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
		},
		"disabled": func(w *world) {
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "ann"})
		},
		"another password": func(w *world) {
			must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: "ann", Password: "Another-Horse-7", Permanent: true})
		},
		"deleted": func(w *world) {
			must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := oauthWorld(t, nil)
			v := w.visitor()
			code := v.signIn("ann", nil).Get("code")
			if answer, _ := v.authorize(nil); location(t, answer).Query().Get("code") == "" {
				t.Fatal("the browser is not signed in")
			}
			end(w)
			if out := w.token(w.redeemForm(code)); out.Error != "invalid_grant" {
				t.Errorf("code: %+v", out)
			}
			if answer, _ := v.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
				t.Error("the browser is still signed in")
			}
			if answer, _ := v.authorize(map[string]string{"prompt": "none"}); location(t, answer).Query().Get("error") != "login_required" {
				t.Error("prompt=none does not ask for a login")
			}
		})
	}
}
