package jwt_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// openID is the payload of another provider's ID token.
func openID() claims { return idClaims().with("token_use", nil) }

func TestOpenIDAccepts(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, func(c *jwt.Config) { c.OpenID = true })
	for name, raw := range map[string]string{
		"no token_use":    sign(openID().json()),
		"token_use id":    sign(idClaims().json()),
		"aud of one":      sign(openID().with("aud", []string{client}).json()),
		"azp":             sign(openID().with("azp", client).json()),
		"azp another's":   sign(openID().with("azp", "app").json()),
		"several, azp us": sign(openID().with("aud", []string{"other", client}).with("azp", client).json()),
		"typ JWT":         signRaw(signingKey(), `{"typ":"JWT","kid":"`+keyID+`","alg":"RS256"}`, openID().json()),
	} {
		for range 2 { // the second time from memory
			token, err := v.VerifyID(t.Context(), raw)
			if err != nil || token.Subject() != userID {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestOpenIDClientID: an ID token without token_use has the client of its one audience.
func TestOpenIDClientID(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, func(c *jwt.Config) { c.OpenID = true })
	for name, row := range map[string]struct {
		payload claims
		want    string
	}{
		"no token_use":            {openID(), client},
		"token_use id":            {idClaims(), client},
		"aud of one":              {openID().with("aud", []string{client}), client},
		"azp of another client":   {openID().with("azp", "app"), client},
		"a client_id claim":       {openID().with("client_id", "other"), client},
		"several audiences":       {openID().with("aud", []string{"other", client}).with("azp", client), ""},
		"several and a client_id": {openID().with("aud", []string{"other", client}).with("azp", client).with("client_id", "x"), ""},
	} {
		token, err := v.VerifyID(t.Context(), sign(row.payload.json()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, again := token.ClientID(), token.Claims().ClientID(); got != row.want || again != row.want {
			t.Errorf("%s: ClientID = %q and %q, want %q", name, got, again, row.want)
		}
		if got := token.Username(); got != "jane" {
			t.Errorf("%s: Username = %q", name, got)
		}
		if got := token.String(); !strings.HasPrefix(got, "jwt(verified id token") {
			t.Errorf("%s: String = %s", name, got)
		}
	}
}

func TestOpenIDRefuses(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, func(c *jwt.Config) { c.OpenID = true })
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"access token by token_use": {sign(openID().with("token_use", "access").json()), jwt.ErrUse},
		"token_use of no text":      {sign(openID().with("token_use", 1).json()), jwt.ErrUse},
		"access token by typ":       {signRaw(signingKey(), `{"typ":"at+JWT","kid":"`+keyID+`","alg":"RS256"}`, openID().json()), jwt.ErrUse},
		"by the long typ":           {signRaw(signingKey(), `{"typ":"application/at+jwt","kid":"`+keyID+`","alg":"RS256"}`, openID().json()), jwt.ErrUse},
		"another client":            {sign(openID().with("aud", "other").json()), jwt.ErrClient},
		"no aud":                    {sign(openID().with("aud", nil).json()), jwt.ErrClient},
		"empty aud":                 {sign(openID().with("aud", []string{}).json()), jwt.ErrClient},
		"several, no azp":           {sign(openID().with("aud", []string{"other", client}).json()), jwt.ErrClient},
		"several, azp another":      {sign(openID().with("aud", []string{"other", client}).with("azp", "other").json()), jwt.ErrClient},
		"several, azp of no text":   {sign(openID().with("aud", []string{"other", client}).with("azp", 1).json()), jwt.ErrClient},
		"another issuer":            {sign(openID().with("iss", "https://example.com").json()), jwt.ErrIssuer},
		"no sub":                    {sign(openID().with("sub", nil).json()), jwt.ErrMalformed},
		"expired":                   {sign(openID().with("exp", clock.Unix()).json()), jwt.ErrExpired},
		"another key":               {signRaw(otherKey(), goodHeader, openID().json()), jwt.ErrSignature},
	} {
		if _, err := v.VerifyID(t.Context(), c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := v.VerifyAccess(context.Background(), sign(accessClaims().json())); !errors.Is(err, jwt.ErrUse) {
		t.Errorf("access token: %v, want ErrUse", err)
	}
	if _, err := jwt.NewVerifier(jwt.Config{Issuer: issuer, AnyClient: true, OpenID: true}); err == nil {
		t.Error("every client of an OpenID provider is accepted")
	}
	if _, err := newVerifier(t, nil).VerifyID(t.Context(), sign(openID().json())); !errors.Is(err, jwt.ErrUse) {
		t.Errorf("without OpenID: %v, want ErrUse", err)
	}
}
