package server_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// restartWith starts the service again on its data, with other master keys.
func (w *world) restartWith(keys ...byte) {
	w.t.Helper()
	config := w.config
	config.SealingKeys = nil
	for _, key := range keys {
		config.SealingKeys = append(config.SealingKeys, sealingKey(key))
	}
	var err error
	if w.server, err = server.New(config); err != nil {
		w.t.Fatal(err)
	}
}

// TestMasterKeyRotationKeepsAnswers puts a new master key before the old one.
func TestMasterKeyRotationKeepsAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		p.AutoVerifiedAttributes = []string{"email"}
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	})
	w.addUser("ann", pooltest.Attributes("email", "ann@example.com", "email_verified", "true")...)
	answers := func() map[string]string {
		t.Helper()
		all := map[string]string{}
		for _, name := range []string{"ann", "unknown"} {
			_, out, err := w.startSRP(name)
			if err != nil {
				t.Fatal(err)
			}
			all["salt of "+name], all["id of "+name] = out.ChallengeParameters["SALT"], out.ChallengeParameters["USER_ID_FOR_SRP"]
			forgot, err := w.forgot(name)
			if err != nil {
				t.Fatal(err)
			}
			all["destination of "+name] = forgot.CodeDeliveryDetails.Destination
		}
		return all
	}
	w.signUp("bob", "bob@example.com")
	signUp, before := w.code("bob@example.com"), answers()
	reset, tokens := w.code("ann@example.com"), w.signIn("ann")
	w.restartWith(2, 1)
	if err := w.confirm("bob", "000000", false); !wire.IsException(err, wire.CodeMismatchException) {
		t.Errorf("a wrong code: %v, want CodeMismatchException", err)
	}
	if err := w.confirm("bob", signUp, false); err != nil {
		t.Errorf("a sign-up code from before: %v", err)
	}
	if _, err := w.refresh(tokens.RefreshToken); err != nil {
		t.Errorf("a refresh token from before: %v", err)
	}
	if err := w.recover("ann", "New-Password-1", reset); err != nil {
		t.Errorf("a reset code from before: %v", err)
	}
	after := answers()
	for what := range before {
		if what != "salt of ann" && before[what] != after[what] {
			t.Errorf("%s changed with the key", what)
		}
	}
	if err := w.recover("ann", "New-Password-2", w.code("ann@example.com")); err != nil {
		t.Errorf("a code of the new key: %v", err)
	}
}

// TestKeyRotation: no token is refused while keys change.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	old := w.signIn("ann")
	must[server.RotateSigningKeysResponse](w, "RotateSigningKeys", &server.RotateSigningKeysRequest{UserPoolId: w.pool})
	_, err := call[server.RotateSigningKeysResponse](w, "RotateSigningKeys", &server.RotateSigningKeysRequest{UserPoolId: "us-east-1_nothing00"})
	wantException(t, err, wire.ResourceNotFoundException, "User pool us-east-1_nothing00 does not exist.")
	for _, step := range []time.Duration{0, 30 * time.Minute} {
		w.advance(step)
		if _, err := w.getUser(old.AccessToken); err != nil {
			t.Errorf("a token from before the rotation: %v", err)
		}
		if _, err := w.getUser(w.signIn("ann").AccessToken); err != nil {
			t.Errorf("a token from after the rotation: %v", err)
		}
	}
}
