package userpool

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestSessionsFromBeforeProvidersWereNoted: a session without a provider counts as the
// provider's if its user has no password, and as the password's otherwise.
func TestSessionsFromBeforeProvidersWereNoted(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{PoolName: "app"})
	must(c.CreateIdentityProvider(t.Context(), &wire.CreateIdentityProviderRequest{
		UserPoolId: id, ProviderName: "Corp", ProviderType: wire.ProviderOIDC, ProviderDetails: oidc(),
	}))(t)
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "app", UserPoolClientSettings: wire.UserPoolClientSettings{
		SupportedIdentityProviders: []string{"COGNITO", "Corp"},
	}}).ClientId
	issuer := new(oidc()["oidc_issuer"])
	for name, test := range map[string]struct {
		status     wire.UserStatus
		identities []identity
		noted      string // the provider in the session's row
		goes       bool
	}{
		"password":               {status: wire.UserStatusConfirmed, goes: true},
		"password, linked":       {status: wire.UserStatusConfirmed, identities: []identity{{UserID: "a", ProviderName: "Corp", Issuer: issuer}}, goes: true},
		"provider, not noted":    {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "b", ProviderName: "Corp", Issuer: issuer, Primary: true}}, goes: true},
		"provider":               {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "c", ProviderName: "Corp", Issuer: issuer, Primary: true}}, noted: "Corp", goes: true},
		"disabled, not noted":    {status: wire.UserStatusExternalProvider},
		"disabled":               {status: wire.UserStatusExternalProvider, noted: "Corp"},
		"disabled, kept":         {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "d", ProviderName: "Corp", Issuer: issuer, Primary: true, Disabled: true}}},
		"provider deleted":       {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "e", ProviderName: "Gone", Issuer: issuer, Primary: true}}, noted: "Gone"},
		"deleted, not noted":     {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "f", ProviderName: "Gone", Issuer: issuer, Primary: true}}},
		"client does not let in": {status: wire.UserStatusExternalProvider, identities: []identity{{UserID: "g", ProviderName: "Else", Issuer: issuer, Primary: true}}, noted: "Else"},
	} {
		user := storage.User{PoolID: id, Sub: random.UUID(), Username: name, Logins: []string{"username:" + name}, Status: string(test.status), Enabled: true}
		if err := setIdentities(&user, test.identities); err != nil {
			t.Fatal(err)
		}
		session := storage.Session{
			ID: random.SessionID(), PoolID: id, ClientID: client, UserSub: user.Sub, OriginJTI: random.UUID(), Scope: scopeAPI, Provider: test.noted,
			Generation: 1, CreatedAt: c.now(), RefreshedAt: c.now(), RotatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour),
		}
		c.update(t, func(tx storage.Tx) error {
			if err := tx.Users.Insert(user); err != nil {
				return err
			}
			return tx.Sessions.Insert(session)
		})
		_, _, err := c.RefreshTokens(t.Context(), client, c.refreshToken(session), "")
		if test.goes {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	}
}
