package identitypool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
)

// TestUserPoolLoginRefusals: every operation that takes a token says in Cognito's words
// what is wrong with it, and makes no identity.
func TestUserPoolLoginRefusals(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	guest := h.mustID(nil)
	good := h.users.idToken("ann", nil)
	claim := func(name string, value any) string { return h.users.idToken("ann", map[string]any{name: value}) }
	for name, test := range map[string]struct{ key, token, want string }{
		"forged":                 {h.awsKey(), openidtest.WithSubject(good, "x"), wire.MessageLoginSignature},
		"unsigned":               {h.awsKey(), openidtest.Unsigned(good), wire.MessageLoginSignature},
		"access token":           {h.awsKey(), claim("token_use", "access"), wire.MessageLoginMissingAudience},
		"no token":               {h.awsKey(), "a.b.c", wire.MessageLoginNotCognito},
		"another app client":     {h.awsKey(), claim("aud", "other"), wire.MessageUnsupportedProvider},
		"another issuer":         {h.awsKey(), claim("iss", "https://idp.example.com"), wire.MessageLoginIssuerMismatch},
		"not yet valid":          {h.awsKey(), claim("iat", h.now().Unix()+600), wire.MessageLoginNotYetValid},
		"unknown provider":       {"accounts.google.com", good, wire.MessageUnsupportedProvider},
		"another pool":           {"auth.example.com/us-east-1_Other0001", good, wire.MessageUnsupportedProvider},
		"scheme in the key":      {"https://" + h.issuerKey(), good, wire.MessageUnsupportedProvider},
		"own token that is none": {"cognito-identity.amazonaws.com", good, wire.MessageLoginSignature},
	} {
		logins := wire.Parameters{test.key: test.token}
		if test.key != "cognito-identity.amazonaws.com" {
			_, err := h.getID(logins)
			wantRefusal(t, name+", GetId", err, test.want)
		}
		_, err := h.getCredentials(guest, logins)
		wantRefusal(t, name+", GetCredentialsForIdentity", err, test.want)
	}
	_, err := h.getID(wire.Parameters{h.awsKey(): good, h.issuerKey(): good})
	wantType(t, "one provider twice", err, wire.InvalidParameterException)
	_, err = h.getCredentials(guest, wire.Parameters{h.awsKey(): good, "cognito-identity.amazonaws.com": good})
	wantType(t, "an own token and another", err, wire.InvalidParameterException)
	h.advance(time.Hour + time.Second)
	_, err = h.getID(wire.Parameters{h.awsKey(): good})
	if err == nil || !strings.HasPrefix(err.Error(), "NotAuthorizedException: Invalid login token. Token expired: ") {
		t.Errorf("expired: %v", err)
	}
	if n := h.countIdentities(); n != 1 {
		t.Errorf("%d identities, want the guest's alone", n)
	}
	h.mustCredentials(guest, nil) // still a guest's
}

// TestUserPoolLogins: a user has one identity under every key and issuer of the user pool.
func TestUserPoolLogins(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	id := h.mustID(h.signIn("ann", nil))
	for _, key := range []string{h.awsKey(), h.issuerKey(), "older.example.com/" + fakePool} {
		if got := h.mustID(wire.Parameters{key: h.users.idToken("ann", nil)}); got != id {
			t.Errorf("%s: identity %s, want %s", key, got, id)
		}
	}
	if h.mustID(h.signIn("bob", nil)) == id {
		t.Error("two users have one identity")
	}
}

// TestInactiveSession: ServerSideTokenCheck refuses the tokens of a session that ended.
func TestInactiveSession(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	unchecked := h.addIdentityPool(func(s *wire.IdentityPoolSettings) { s.CognitoIdentityProviders[0].ServerSideTokenCheck = nil })
	login := h.signIn("ann", nil)
	id := h.mustID(login)
	h.users.ended.Store("ann", true)
	_, err := h.getID(login)
	wantRefusal(t, "GetId", err, wire.MessageTokenInactive)
	_, err = h.getCredentials(id, login)
	wantRefusal(t, "GetCredentialsForIdentity", err, wire.MessageTokenInactive)
	h.identities = unchecked
	h.mustID(login)
}
