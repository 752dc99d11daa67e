package accounts_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestOlderVerifiersKeepTheirName: a verifier that was made over the user name, as
// in a database from before, goes on signing in under every name of the user,
// until the password is set again. Then it is bound to the sub.
func TestOlderVerifiersKeepTheirName(t *testing.T) {
	t.Parallel()
	const next = "Another-Horse-7"
	sets := map[string]func(t *testing.T, c *pooltest.Console, client *wire.UserPoolClientType, ann storage.User){
		"AdminSetUserPassword": func(t *testing.T, c *pooltest.Console, client *wire.UserPoolClientType, ann storage.User) {
			pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: ann.PoolID, Username: "ann", Password: next, Permanent: true}))(t)
		},
		"ChangePassword": func(t *testing.T, c *pooltest.Console, client *wire.UserPoolClientType, ann storage.User) {
			out := pooltest.Must(c.SignIn.InitiateAuth(t.Context(), &wire.InitiateAuthRequest{
				AuthFlow: wire.AuthFlowUserPassword, ClientId: client.ClientId,
				AuthParameters: wire.Parameters{"USERNAME": "ann@example.com", "PASSWORD": pooltest.GoodPassword},
			}))(t)
			pooltest.Must(c.Accounts.ChangePassword(t.Context(), &wire.ChangePasswordRequest{
				AccessToken: out.AuthenticationResult.AccessToken, PreviousPassword: pooltest.GoodPassword, ProposedPassword: next,
			}))(t)
		},
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pooltest.New(t)
			id := c.Pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email"}})
			request := wire.CreateUserPoolClientRequest{UserPoolId: id}
			request.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
			request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
			client := c.Client(t, request)
			ann := c.User(t, id, "ann", "email", "ann@example.com", "email_verified", "true")
			v, err := srp.NewVerifier(pool.SRPPool(id), "ann", pooltest.GoodPassword)
			if err != nil {
				t.Fatal(err)
			}
			ann.Salt, ann.Verifier = v.Salt, c.Base.Box.Seal("userpool/verifier", v.V, []byte(ann.PoolID+"/"+ann.Sub))
			ann.Status = string(wire.UserStatusConfirmed)
			c.Update(t, func(tx storage.Tx) error { return tx.Users.Update(ann) })

			for _, login := range []string{"ann", "ann@example.com"} {
				if name, err := c.SignInBySRP(t, client, login, pooltest.GoodPassword); err != nil || name != "ann" {
					t.Errorf("%s is called %s, %v", login, name, err)
				}
			}
			set(t, c, client, ann)
			for _, login := range []string{"ann", "ann@example.com"} {
				if name, err := c.SignInBySRP(t, client, login, next); err != nil || name != ann.Sub {
					t.Errorf("with a new password %s is called %s, %v", login, name, err)
				}
			}
		})
	}
}
