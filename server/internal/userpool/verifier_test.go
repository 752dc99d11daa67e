package userpool

import (
	"encoding/base64"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// signInBySRP signs in with USER_SRP_AUTH and gives the name of the challenge.
func (c *console) signInBySRP(t *testing.T, client *wire.UserPoolClientType, login, password string) (name string, err error) {
	t.Helper()
	proof, err := srp.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	out := must(c.InitiateAuth(t.Context(), &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: client.ClientId,
		AuthParameters: wire.Parameters{"USERNAME": login, "SRP_A": proof.A()},
	}))(t)
	p := out.ChallengeParameters
	block, err := base64.StdEncoding.DecodeString(p["SECRET_BLOCK"])
	if err != nil {
		t.Fatal(err)
	}
	signature, timestamp, err := proof.Proof(srp.Challenge{
		Pool: srpPool(client.UserPoolId), User: p["USER_ID_FOR_SRP"], SaltHex: p["SALT"], BHex: p["SRP_B"], SecretBlock: block,
	}, password, c.now())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RespondToAuthChallenge(t.Context(), &wire.RespondToAuthChallengeRequest{
		ClientId: client.ClientId, ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeResponses: wire.Parameters{
			"USERNAME": p["USERNAME"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
			"PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": timestamp,
		},
	})
	return p["USERNAME"], err
}

// TestOlderVerifiersKeepTheirName: a verifier that was made over the user name, as
// in a database from before, goes on signing in under every name of the user,
// until the password is set again. Then it is bound to the sub.
func TestOlderVerifiersKeepTheirName(t *testing.T) {
	t.Parallel()
	const next = "Another-Horse-7"
	sets := map[string]func(t *testing.T, c *console, client *wire.UserPoolClientType, ann storage.User){
		"AdminSetUserPassword": func(t *testing.T, c *console, client *wire.UserPoolClientType, ann storage.User) {
			must(c.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: ann.PoolID, Username: "ann", Password: next, Permanent: true}))(t)
		},
		"ChangePassword": func(t *testing.T, c *console, client *wire.UserPoolClientType, ann storage.User) {
			out := must(c.InitiateAuth(t.Context(), &wire.InitiateAuthRequest{
				AuthFlow: wire.AuthFlowUserPassword, ClientId: client.ClientId,
				AuthParameters: wire.Parameters{"USERNAME": "ann@example.com", "PASSWORD": goodPassword},
			}))(t)
			must(c.ChangePassword(t.Context(), &wire.ChangePasswordRequest{
				AccessToken: out.AuthenticationResult.AccessToken, PreviousPassword: goodPassword, ProposedPassword: next,
			}))(t)
		},
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			id := c.pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email"}})
			request := wire.CreateUserPoolClientRequest{UserPoolId: id}
			request.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
			request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
			client := c.client(t, request)
			ann := c.user(t, id, "ann", "email", "ann@example.com", "email_verified", "true")
			v, err := srp.NewVerifier(srpPool(id), "ann", goodPassword)
			if err != nil {
				t.Fatal(err)
			}
			ann.Salt, ann.Verifier = v.Salt, c.box.Seal(purposeVerifier, v.V, verifierContext(ann))
			ann.Status = string(wire.UserStatusConfirmed)
			c.update(t, func(tx storage.Tx) error { return tx.Users.Update(ann) })

			for _, login := range []string{"ann", "ann@example.com"} {
				if name, err := c.signInBySRP(t, client, login, goodPassword); err != nil || name != "ann" {
					t.Errorf("%s is called %s, %v", login, name, err)
				}
			}
			set(t, c, client, ann)
			for _, login := range []string{"ann", "ann@example.com"} {
				if name, err := c.signInBySRP(t, client, login, next); err != nil || name != ann.Sub {
					t.Errorf("with a new password %s is called %s, %v", login, name, err)
				}
			}
		})
	}
}
