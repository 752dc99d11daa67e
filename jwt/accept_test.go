package jwt_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/jwt"
)

// TestAccept are tokens that must pass, each with one thing that a verifier could
// wrongly dislike.
func TestAccept(t *testing.T) {
	t.Parallel()
	access, id := accessClaims(), idClaims()
	now := clock.Unix()
	for _, row := range []struct{ name, use, raw string }{
		{"access token", "access", sign(access.json())},
		{"ID token", "id", sign(id.json())},
		{"aud as array of one", "id", sign(id.with("aud", []string{client}).json())},
		{"access token bound to a resource", "access", sign(access.with("aud", "https://api.example.com").json())},
		{"bound to two resources", "access", sign(access.with("aud", []string{"https://a", "https://b"}).json())},
		{"client credentials", "access", sign(access.with("sub", client).with("username", nil).with("origin_jti", nil).with("cognito:groups", nil).json())},
		{"no groups", "access", sign(access.with("cognito:groups", nil).json())},
		{"email_verified as string", "id", sign(id.with("email_verified", "true").json())},
		{"escaped slashes", "access", sign(strings.ReplaceAll(access.json(), "/", `\/`))},
		{"escaped name", "access", sign(strings.Replace(access.json(), `"exp"`, `"\u0065xp"`, 1))},
		{"surrogate pair", "id", sign(strings.Replace(id.json(), "Jane Doe", `J\ud83d\ude00`, 1))},
		{"UTF-8", "id", sign(id.with("name", "Žofie 名前 😀").json())},
		{"white space", "access", sign(" \t\r\n" + strings.ReplaceAll(access.json(), ",", " ,\n") + "\n")},
		{"typ JWT", "access", signRaw(signingKey(), `{"typ":"JWT","kid":"`+keyID+`","alg":"RS256"}`, access.json())},
		{"typ at+jwt", "access", signRaw(signingKey(), `{"typ":"application/at+jwt","kid":"`+keyID+`","alg":"RS256"}`, access.json())},
		{"more header members", "access", signRaw(signingKey(), `{"x":{"y":[1]},"kid":"`+keyID+`","alg":"RS256","cty":"x"}`, access.json())},
		{"last second", "access", sign(access.with("exp", now+1).json())},
		{"issued now", "access", sign(access.with("iat", now).json())},
		{"nbf now", "access", sign(access.with("nbf", now).json())},
		{"depth 32", "access", sign(access.with("deep", json.RawMessage(strings.Repeat("[", 31)+strings.Repeat("]", 31))).json())},
		{"names that differ in case", "access", sign(strings.Replace(access.json(), "{", `{"SUB":"x","Exp":1,"ſub":"y","ISS":"z","Token_Use":"id","CLIENT_ID":"q","Cognito:Groups":["root"],`, 1))},
		{"many claims", "access", sign(strings.Replace(access.json(), "{", "{"+manyMembers(300)+",", 1))},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := verify(newVerifier(t, nil), row.use, row.raw)
			if err != nil {
				t.Fatal(err)
			}
			if c.Issuer() != issuer || c.Use() != row.use || c.ClientID() != client || c.HasGroup("root") {
				t.Errorf("claims changed: %s", c.Payload())
			}
			var typed struct {
				Sub    string   `json:"sub"`
				Groups []string `json:"cognito:groups"`
			}
			if err := c.Decode(&typed); err != nil {
				t.Fatal(err)
			}
			if typed.Sub != c.Subject() || (typed.Sub != userID && typed.Sub != client) {
				t.Errorf("Decode gave sub %q, Subject %q", typed.Sub, c.Subject())
			}
			if diff := cmp.Diff(c.Groups(), typed.Groups); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAcceptConfig: what the configuration widens and narrows.
func TestAcceptConfig(t *testing.T) {
	t.Parallel()
	access := accessClaims()
	now := clock.Unix()
	leeway := func(c *jwt.Config) { c.Leeway = time.Minute }
	resource := func(c *jwt.Config) { c.Resource = "https://api" }
	anyClient := func(c *jwt.Config) { c.ClientIDs, c.AnyClient = nil, true }
	for _, row := range []struct {
		name    string
		change  func(*jwt.Config)
		use     string
		payload claims
		want    error
	}{
		{"expired within leeway", leeway, "access", access.with("exp", now-59), nil},
		{"expired beyond leeway", leeway, "access", access.with("exp", now-60), jwt.ErrExpired},
		{"iat within leeway", leeway, "access", access.with("iat", now+60), nil},
		{"iat beyond leeway", leeway, "access", access.with("iat", now+61), jwt.ErrNotYetValid},
		{"nbf within leeway", leeway, "access", access.with("nbf", now+60), nil},
		{"nbf beyond leeway", leeway, "access", access.with("nbf", now+61), jwt.ErrNotYetValid},
		{"resource named", resource, "access", access.with("aud", "https://api"), nil},
		{"resource among two", resource, "access", access.with("aud", []string{"https://x", "https://api"}), nil},
		{"another resource", resource, "access", access.with("aud", "https://x"), jwt.ErrAudience},
		{"no resource", resource, "access", access, jwt.ErrAudience},
		{"resource is not for ID tokens", resource, "id", idClaims(), nil},
		{"any client", anyClient, "access", access.with("client_id", "someone"), nil},
		{"any client, ID token", anyClient, "id", idClaims().with("aud", "someone"), nil},
		{"any client, none named", anyClient, "access", access.with("client_id", nil), jwt.ErrClient},
		{"any client, no aud", anyClient, "id", idClaims().with("aud", nil), jwt.ErrClient},
		{"any client, two", anyClient, "id", idClaims().with("aud", []string{"a", "b"}), jwt.ErrClient},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := verify(newVerifier(t, row.change), row.use, sign(row.payload.json()))
			if !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]jwt.Config{
		"nothing":        {},
		"no issuer":      {ClientIDs: []string{client}},
		"no client":      {Issuer: issuer},
		"empty client":   {Issuer: issuer, ClientIDs: []string{client, ""}},
		"both":           {Issuer: issuer, ClientIDs: []string{client}, AnyClient: true},
		"leeway":         {Issuer: issuer, AnyClient: true, Leeway: time.Minute + 1},
		"minus leeway":   {Issuer: issuer, AnyClient: true, Leeway: -1},
		"huge cache":     {Issuer: issuer, AnyClient: true, CacheSize: 1<<20 + 1},
		"http issuer":    {Issuer: "http://idp.example.com/pool", AnyClient: true},
		"issuer no URL":  {Issuer: "pool", AnyClient: true},
		"user in issuer": {Issuer: "https://u:p@idp.example.com", AnyClient: true},
	} {
		if v, err := jwt.NewVerifier(config); err == nil || v != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: error shows a password: %v", name, err)
		}
	}
}

func TestNonce(t *testing.T) {
	t.Parallel()
	tok, err := newVerifier(t, nil).VerifyID(context.Background(), sign(idClaims().json()))
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.CheckNonce("n-0S6_WzA2Mj"); err != nil {
		t.Error(err)
	}
	for _, nonce := range []string{"", "n-0S6_WzA2M", "N-0S6_WzA2Mj", "n-0S6_WzA2Mjj"} {
		if err := tok.CheckNonce(nonce); !errors.Is(err, jwt.ErrNonce) {
			t.Errorf("CheckNonce(%q) = %v", nonce, err)
		}
	}
}
