package tokens_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestSessionsFromBeforeProvidersWereNoted: a session without a provider counts as the
// provider's if its user has no password, and as the password's otherwise.
func TestSessionsFromBeforeProvidersWereNoted(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{PoolName: "app"})
	pooltest.Must(c.Admin.CreateIdentityProvider(t.Context(), &wire.CreateIdentityProviderRequest{
		UserPoolId: id, ProviderName: "Corp", ProviderType: wire.ProviderOIDC, ProviderDetails: pooltest.OIDC(),
	}))(t)
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "app", UserPoolClientSettings: wire.UserPoolClientSettings{
		SupportedIdentityProviders: []string{"COGNITO", "Corp"},
	}}).ClientId
	issuer := new(pooltest.OIDC()["oidc_issuer"])
	for name, test := range map[string]struct {
		status     wire.UserStatus
		identities []pool.Identity
		noted      string // the provider in the session's row
		goes       bool
	}{
		"password":               {status: wire.UserStatusConfirmed, goes: true},
		"password, linked":       {status: wire.UserStatusConfirmed, identities: []pool.Identity{{UserID: "a", ProviderName: "Corp", Issuer: issuer}}, goes: true},
		"provider, not noted":    {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "b", ProviderName: "Corp", Issuer: issuer, Primary: true}}, goes: true},
		"provider":               {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "c", ProviderName: "Corp", Issuer: issuer, Primary: true}}, noted: "Corp", goes: true},
		"disabled, not noted":    {status: wire.UserStatusExternalProvider},
		"disabled":               {status: wire.UserStatusExternalProvider, noted: "Corp"},
		"disabled, kept":         {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "d", ProviderName: "Corp", Issuer: issuer, Primary: true, Disabled: true}}},
		"provider deleted":       {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "e", ProviderName: "Gone", Issuer: issuer, Primary: true}}, noted: "Gone"},
		"deleted, not noted":     {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "f", ProviderName: "Gone", Issuer: issuer, Primary: true}}},
		"client does not let in": {status: wire.UserStatusExternalProvider, identities: []pool.Identity{{UserID: "g", ProviderName: "Else", Issuer: issuer, Primary: true}}, noted: "Else"},
	} {
		user := storage.User{PoolID: id, Sub: random.UUID(), Username: name, Logins: []string{"username:" + name}, Status: string(test.status), Enabled: true}
		if err := pool.SetIdentities(&user, test.identities); err != nil {
			t.Fatal(err)
		}
		session := storage.Session{
			ID: random.SessionID(), PoolID: id, ClientID: client, UserSub: user.Sub, OriginJTI: random.UUID(), Scope: tokens.ScopeAPI, Provider: test.noted,
			Generation: 1, CreatedAt: c.Base.Now(), RefreshedAt: c.Base.Now(), RotatedAt: c.Base.Now(), ExpiresAt: c.Base.Now().Add(time.Hour),
		}
		c.Update(t, func(tx storage.Tx) error {
			if err := tx.Users.Insert(user); err != nil {
				return err
			}
			return tx.Sessions.Insert(session)
		})
		_, _, err := c.Tokens.RefreshTokens(t.Context(), client, tokens.RefreshTokenOf(c.Tokens, session), "")
		if test.goes {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	}
}
