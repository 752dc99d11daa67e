package verifiers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

const (
	rpCallback = "https://app.example.com/callback"
	rpPassword = "Correct-Horse-9"
)

// provider starts a service with a client of the code grant and a user. It gives the
// issuer and the client's id.
func provider(t *testing.T) (issuer, clientID string) {
	t.Helper()
	var service *server.Server
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { service.ServeHTTP(w, r) }))
	store := memory.New()
	var err error
	if service, err = server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: web.URL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		web.Close()
		if err := errors.Join(service.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	var pool wire.CreateUserPoolResponse
	if err := service.Call(ctx, "CreateUserPool", &wire.CreateUserPoolRequest{PoolName: "rp"}, &pool); err != nil {
		t.Fatal(err)
	}
	id := pool.UserPool.Id
	var client wire.CreateUserPoolClientResponse
	err = service.Call(ctx, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "rp", UserPoolClientSettings: wire.UserPoolClientSettings{
		AllowedOAuthFlowsUserPoolClient: new(true), AllowedOAuthFlows: []string{"code"},
		AllowedOAuthScopes: []string{"openid", "email"}, CallbackURLs: []string{rpCallback},
	}}, &client)
	if err != nil {
		t.Fatal(err)
	}
	err = service.Call(ctx, "AdminCreateUser", &wire.AdminCreateUserRequest{UserPoolId: id, Username: "ann", MessageAction: wire.MessageActionSuppress,
		UserAttributes: []wire.AttributeType{{Name: "email", Value: "ann@example.com"}, {Name: "email_verified", Value: "true"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = service.Call(ctx, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "ann", Password: rpPassword, Permanent: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return service.Issuer(id), client.UserPoolClient.ClientId
}

// TestGoOIDCSignsIn: go-oidc with golang.org/x/oauth2 goes through discovery, the
// code grant with PKCE and nonce, the ID token with at_hash, userInfo and refresh.
func TestGoOIDCSignsIn(t *testing.T) {
	t.Parallel()
	issuer, clientID := provider(t)
	found, err := oidc.NewProvider(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: clientID, RedirectURL: rpCallback, Endpoint: found.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email"}}
	proof := oauth2.GenerateVerifier()
	back := signInAt(t, config.AuthCodeURL("state-1", oidc.Nonce("nonce-1"), oauth2.S256ChallengeOption(proof)))
	if back.Get("state") != "state-1" || back.Get("iss") != issuer {
		t.Fatalf("answer %v", back)
	}
	token, err := config.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(proof))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "nonce-1" {
		t.Errorf("nonce %q", id.Nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	info, err := found.UserInfo(t.Context(), config.TokenSource(context.Background(), token))
	if err != nil || info.Subject != id.Subject || info.Email != "ann@example.com" || !info.EmailVerified {
		t.Errorf("userInfo: %+v, %v", info, err)
	}
	next, err := config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ = next.Extra("id_token").(string)
	again, err := found.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
	if err != nil || again.Subject != id.Subject || again.VerifyAccessToken(next.AccessToken) != nil {
		t.Errorf("after the refresh: %+v, %v", again, err)
	}
}

// signInAt follows an authorization request to the sign-in page, signs in and gives
// the answer that the client is sent.
func signInAt(t *testing.T, address string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	step := func(answer *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		to, err := answer.Location()
		if err != nil {
			body, _ := io.ReadAll(answer.Body)
			t.Fatalf("%d %s", answer.StatusCode, body)
		}
		return to.String()
	}
	page := step(browser.Get(address))
	back, err := url.Parse(step(browser.PostForm(page, url.Values{"username": {"ann"}, "password": {rpPassword}})))
	if err != nil || !strings.HasPrefix(back.String(), rpCallback+"?") {
		t.Fatalf("back to %v, %v", back, err)
	}
	return back.Query()
}
