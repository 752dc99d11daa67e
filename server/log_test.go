package server_test

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestNoSecretInLog runs everything that carries a secret, good and bad, and
// looks for them in the log at its most talkative.
func TestNoSecretInLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled}
		c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth, wire.AllowUserSRPAuth}
	})
	w.addUser("ann")
	tokens := w.signIn("ann")
	secrets := []string{password, "Wrong-Canary-1", string(tokens.AccessToken), string(tokens.IdToken), string(tokens.RefreshToken)}
	_, _ = w.withPassword("ann", "Wrong-Canary-1")
	_, _ = w.withSRP("ann", "Wrong-Canary-1")
	_, _ = w.getUser(tokens.AccessToken)
	result, err := w.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, string(result.RefreshToken))
	_, _ = w.refresh(tokens.RefreshToken) // reuse: ends the family, with a warning
	_, _ = w.send("InitiateAuth", []byte(`{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":7,"AuthParameters":{"PASSWORD":"Wrong-Canary-1"}}`))
	log := w.log.String()
	if !strings.Contains(log, "refresh token reused") || !strings.Contains(log, "GetTokensFromRefreshToken") {
		t.Fatal("the log does not tell what happened")
	}
	for _, secret := range secrets {
		if strings.Contains(log, secret) || len(secret) > 100 && strings.Contains(log, secret[len(secret)-60:]) {
			t.Errorf("the log holds a secret of %d characters", len(secret))
		}
	}
}
