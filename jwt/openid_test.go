package jwt_test

import (
	"context"
	"errors"
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
