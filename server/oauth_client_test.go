package server_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestOAuth2Package is a relying party that nobody here wrote: the code grant with
// PKCE and its refresh, and client credentials.
func TestOAuth2Package(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"public": "", "confidential": testSecret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				c.ClientSecret = wire.Sensitive(secret)
				c.AccessTokenValidity, c.TokenValidityUnits = new(int32(5)), &wire.TokenValidityUnitsType{AccessToken: wire.TimeUnitMinutes}
			})
			config := &oauth2.Config{
				ClientID: w.client, ClientSecret: secret, RedirectURL: callback, Scopes: []string{"openid", "aws.cognito.signin.user.admin"},
				Endpoint: oauth2.Endpoint{AuthURL: w.base() + "/oauth2/authorize", TokenURL: w.base() + "/oauth2/token"},
			}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
			proof := oauth2.GenerateVerifier()
			v := w.visitor()
			answer, _ := v.get(config.AuthCodeURL("state-1", oauth2.S256ChallengeOption(proof)))
			answer, _ = v.post(location(t, answer).String(), url.Values{"username": {"ann"}, "password": {password}})
			back := location(t, answer).Query()
			if back.Get("state") != "state-1" {
				t.Fatalf("%v", back)
			}
			token, err := config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(proof))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.getUser(wire.Sensitive(token.AccessToken)); err != nil {
				t.Error(err)
			}
			token.Expiry = time.Now().Add(-time.Minute)
			next, err := config.TokenSource(ctx, token).Token()
			if err != nil || next.AccessToken == token.AccessToken || next.Extra("id_token") == nil {
				t.Errorf("refresh: %v, %v", next, err)
			}
			if _, err := config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(proof)); err == nil {
				t.Error("the code was good twice")
			}
			if _, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err == nil {
				t.Error("the session goes on after its code came twice")
			}
			machine := clientcredentials.Config{ClientID: w.client, ClientSecret: secret, TokenURL: w.base() + "/oauth2/token"}
			if _, err := machine.Token(ctx); err == nil {
				t.Error("a client of the code grant got a token for itself")
			}
		})
	}
}
