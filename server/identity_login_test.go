package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
)

// TestBadLogins: what is wrong with a token is said in Cognito's words, by every
// operation that takes one, and makes no identity.
func TestBadLogins(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, func(s *wire.IdentityPoolSettings) { s.AllowClassicFlow = new(true) })
	w.addUser("ann")
	good := w.signIn("ann")
	id := string(good.IdToken)
	guest := w.mustID(nil)

	client := w.client
	other := &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "other"}
	other.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	w.client = must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", other).UserPoolClient.ClientId
	otherClient := string(w.signIn("ann").IdToken)
	w.client = client

	stranger := newWorld(t, nil)
	stranger.addUser("ann")
	foreign := string(stranger.signIn("ann").IdToken)

	for name, c := range map[string]struct{ key, token, want string }{
		"forged":                 {w.awsKey(), openidtest.WithSubject(id, "f"), wire.MessageLoginSignature},
		"signature cut":          {w.awsKey(), id[:len(id)-2], wire.MessageLoginSignature},
		"unsigned":               {w.awsKey(), openidtest.Unsigned(id), wire.MessageLoginSignature},
		"access token":           {w.awsKey(), string(good.AccessToken), wire.MessageLoginMissingAudience},
		"refresh token":          {w.awsKey(), string(good.RefreshToken), wire.MessageLoginNotCognito},
		"nonsense":               {w.awsKey(), "a.b.c", wire.MessageLoginNotCognito},
		"another app client":     {w.awsKey(), otherClient, wire.MessageUnsupportedProvider},
		"another service":        {w.awsKey(), foreign, wire.MessageLoginIssuerMismatch},
		"another pool's name":    {stranger.awsKey(), foreign, wire.MessageUnsupportedProvider},
		"unknown provider":       {"accounts.google.com", id, wire.MessageUnsupportedProvider},
		"scheme in the key":      {w.url + "/" + w.pool, id, wire.MessageUnsupportedProvider},
		"key of a region":        {"cognito-idp.eu-west-1.amazonaws.com/" + w.pool, id, wire.MessageUnsupportedProvider},
		"key of a look-alike":    {"cognito-idp.us-east-1.amazonaws.com.example.com/" + w.pool, id, wire.MessageUnsupportedProvider},
		"own token that is none": {"cognito-identity.amazonaws.com", id, wire.MessageLoginSignature},
	} {
		logins := wire.Parameters{c.key: c.token}
		if c.key != "cognito-identity.amazonaws.com" {
			_, err := w.getID(logins)
			wantRefusal(t, name+", GetId", err, c.want)
		}
		_, err := w.getCredentials(guest, logins)
		wantRefusal(t, name+", GetCredentialsForIdentity", err, c.want)
	}
	both := wire.Parameters{w.awsKey(): id, "accounts.google.com": id}
	_, err := w.getID(both)
	wantRefusal(t, "one good, one bad", err, wire.MessageUnsupportedProvider)
	_, err = w.getID(wire.Parameters{w.awsKey(): id, w.issuerKey(): id})
	if !wire.IsException(err, wire.InvalidParameterException) {
		t.Errorf("one provider twice: %v", err)
	}

	w.advance(time.Hour + time.Second)
	_, err = w.getID(w.login(good.IdToken))
	if err == nil || !strings.HasPrefix(err.Error(), "NotAuthorizedException: Invalid login token. Token expired: ") || !strings.Contains(err.Error(), " >= ") {
		t.Errorf("expired: %v", err)
	}
	_, err = w.getID(wire.Parameters{w.awsKey(): openidtest.WithSubject(id, "f")})
	wantRefusal(t, "forged and expired", err, wire.MessageLoginSignature)

	if n := w.countIdentities(); n != 1 {
		t.Errorf("%d identities, want the guest's alone", n)
	}
	w.mustCredentials(guest, nil) // which nobody has turned into a user's
}

func wantRefusal(t *testing.T, name string, err error, message string) {
	t.Helper()
	if want := wire.NotAuthorizedException + ": " + message; err == nil || err.Error() != want {
		t.Errorf("%s: error %v, want %s", name, err, want)
	}
}

// TestServerSideTokenCheck: with it on, a session that was ended takes its ID
// tokens with it, however it ended; without, they are good until they expire.
func TestServerSideTokenCheck(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, tokens *wire.AuthenticationResultType){
		"global sign-out": func(w *world, tokens *wire.AuthenticationResultType) {
			must[wire.GlobalSignOutResponse](w, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: tokens.AccessToken})
		},
		"sign-out by an administrator": func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
		},
		"revoked token": func(w *world, tokens *wire.AuthenticationResultType) {
			must[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: w.client, Token: tokens.RefreshToken})
		},
		"disabled": func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "ann"})
		},
		"deleted": func(w *world, _ *wire.AuthenticationResultType) {
			must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: "ann"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := identityWorld(t, nil)
			unchecked := w.addIdentityPool(func(s *wire.IdentityPoolSettings) { s.CognitoIdentityProviders[0].ServerSideTokenCheck = nil })
			w.addUser("ann")
			tokens := w.signIn("ann")
			id := w.mustID(w.login(tokens.IdToken))
			end(w, tokens)
			_, err := w.getID(w.login(tokens.IdToken))
			wantRefusal(t, "GetId", err, wire.MessageTokenInactive)
			_, err = w.getCredentials(id, w.login(tokens.IdToken))
			wantRefusal(t, "GetCredentialsForIdentity", err, wire.MessageTokenInactive)
			w.identities = unchecked
			w.mustID(w.login(tokens.IdToken))
		})
	}
}
