package server_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestIdentityIsStable: over sign-ins, refreshes, devices and both forms of the
// Logins key a user has one identity.
func TestIdentityIsStable(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	w.addUser("bob")
	tokens := w.signIn("ann")
	id := w.mustID(w.login(tokens.IdToken))
	refreshed, err := w.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, logins := range map[string]wire.Parameters{
		"again":                w.login(tokens.IdToken),
		"refreshed":            w.login(refreshed.IdToken),
		"another device":       w.login(w.signIn("ann").IdToken),
		"issuer as Logins key": {w.issuerKey(): string(tokens.IdToken)},
	} {
		if got := w.mustID(logins); got != id {
			t.Errorf("%s: identity %s, want %s", name, got, id)
		}
		out := w.mustCredentials(id, logins)
		if out.IdentityId != id || string(out.Credentials.SecretKey) != userRole {
			t.Errorf("%s: credentials for %s in role %s", name, out.IdentityId, string(out.Credentials.SecretKey))
		}
	}
	if other := w.mustID(w.login(w.signIn("bob").IdToken)); other == id {
		t.Error("two users have one identity")
	}
	if n := w.countIdentities(); n != 2 {
		t.Errorf("%d identities, want 2", n)
	}
}

// TestIdentityIsNotTheName: who gets a deleted user's name does not get the
// identity.
func TestIdentityIsNotTheName(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	id := w.mustID(w.login(w.signIn("ann").IdToken))
	must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	if w.mustID(w.login(w.signIn("ann").IdToken)) == id {
		t.Error("the new user has the old user's identity")
	}
}
