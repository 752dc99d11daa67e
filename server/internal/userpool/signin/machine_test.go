package signin_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// secondFactors are factors that ask for SMS_MFA and then for SOFTWARE_TOKEN_MFA. The
// answer is the state.
type secondFactors struct{}

func (secondFactors) Challenge(_ context.Context, _ *pool.App, _ storage.User, passed []wire.ChallengeName) (*signin.Challenge, error) {
	for _, name := range []wire.ChallengeName{"SMS_MFA", "SOFTWARE_TOKEN_MFA"} {
		if !slices.Contains(passed, name) {
			return &signin.Challenge{Name: name, Parameters: wire.Parameters{"FOR": string(name)}, State: []byte("answer to " + name)}, nil
		}
	}
	return nil, nil
}

func (secondFactors) Answer(_ context.Context, _ *pool.App, _ storage.User, c signin.Challenge, answers wire.Parameters) error {
	if answers["ANSWER"] != string(c.State) {
		return wire.NewException(wire.CodeMismatchException, "wrong")
	}
	return nil
}

// factorConsole has a pool whose users need second factors, and a client with all flows.
func factorConsole(t *testing.T) (c *pooltest.Console, poolID string, client *wire.UserPoolClientType) {
	t.Helper()
	c = pooltest.New(t, func(config *userpool.Config) { config.Factors = secondFactors{} })
	poolID = c.Pool(t, wire.CreateUserPoolRequest{})
	request := wire.CreateUserPoolClientRequest{UserPoolId: poolID}
	request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowRefreshTokenAuth}
	return c, poolID, c.Client(t, request)
}

func addUser(t *testing.T, c *pooltest.Console, poolID string, permanent bool) {
	t.Helper()
	pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{UserPoolId: poolID, Username: "ann", MessageAction: wire.MessageActionSuppress}))(t)
	pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: poolID, Username: "ann", Password: pooltest.GoodPassword, Permanent: permanent}))(t)
}

func begin(t *testing.T, c *pooltest.Console, client *wire.UserPoolClientType, password string) *wire.InitiateAuthResponse {
	t.Helper()
	return pooltest.Must(c.SignIn.InitiateAuth(t.Context(), &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: client.ClientId, AuthParameters: wire.Parameters{"USERNAME": "ann", "PASSWORD": password},
	}))(t)
}

func respond(t *testing.T, c *pooltest.Console, client *wire.UserPoolClientType, name wire.ChallengeName, session wire.Sensitive, answer string) (*wire.RespondToAuthChallengeResponse, error) {
	t.Helper()
	return c.SignIn.RespondToAuthChallenge(t.Context(), &wire.RespondToAuthChallengeRequest{
		ClientId: client.ClientId, ChallengeName: name, Session: session, ChallengeResponses: wire.Parameters{"USERNAME": "ann", "ANSWER": answer},
	})
}

func TestFactorsFollowPassword(t *testing.T) {
	t.Parallel()
	c, id, client := factorConsole(t)
	addUser(t, c, id, true)
	first := begin(t, c, client, pooltest.GoodPassword)
	if first.AuthenticationResult != nil || first.ChallengeName != "SMS_MFA" || cmp.Diff(wire.Parameters{"FOR": "SMS_MFA"}, first.ChallengeParameters) != "" {
		t.Fatalf("after the password: %+v", first)
	}
	_, err := respond(t, c, client, "SMS_MFA", first.Session, "no")
	wiretest.WantException(t, err, wire.CodeMismatchException, "wrong")
	_, err = respond(t, c, client, "SOFTWARE_TOKEN_MFA", first.Session, "answer to SOFTWARE_TOKEN_MFA")
	wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageInvalidSession)
	other := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id})
	_, err = respond(t, c, other, "SMS_MFA", first.Session, "answer to SMS_MFA")
	wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageInvalidSession)

	second := pooltest.Must(respond(t, c, client, "SMS_MFA", first.Session, "answer to SMS_MFA"))(t)
	if second.AuthenticationResult != nil || second.ChallengeName != "SOFTWARE_TOKEN_MFA" {
		t.Fatalf("after the first factor: %+v", second)
	}
	_, err = respond(t, c, client, "SMS_MFA", first.Session, "answer to SMS_MFA")
	wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageSessionUsed)
	third := pooltest.Must(respond(t, c, client, "SOFTWARE_TOKEN_MFA", second.Session, "answer to SOFTWARE_TOKEN_MFA"))(t)
	if third.AuthenticationResult == nil {
		t.Fatalf("after all factors: %+v", third)
	}
	_, err = respond(t, c, client, "SOFTWARE_TOKEN_MFA", second.Session, "answer to SOFTWARE_TOKEN_MFA")
	wiretest.WantException(t, err, wire.NotAuthorizedException, wire.MessageSessionUsed)
}

func TestFactorsFollowSRP(t *testing.T) {
	t.Parallel()
	c, id, client := factorConsole(t)
	addUser(t, c, id, true)
	out := pooltest.Must(c.AnswerSRP(t, client, "ann", pooltest.GoodPassword))(t)
	if out.AuthenticationResult != nil || out.ChallengeName != "SMS_MFA" {
		t.Errorf("after SRP: %+v", out)
	}
}

// TestFactorsFollowNewPassword answers NEW_PASSWORD_REQUIRED, after which the password is
// set and the factors still have to be passed.
func TestFactorsFollowNewPassword(t *testing.T) {
	t.Parallel()
	c, id, client := factorConsole(t)
	addUser(t, c, id, false)
	const next = "Another-Horse-7"
	renew := begin(t, c, client, pooltest.GoodPassword)
	answer := &wire.RespondToAuthChallengeRequest{
		ClientId: client.ClientId, ChallengeName: wire.ChallengeNewPasswordRequired, Session: renew.Session,
		ChallengeResponses: wire.Parameters{"USERNAME": "ann", "NEW_PASSWORD": next},
	}
	first := pooltest.Must(c.SignIn.RespondToAuthChallenge(t.Context(), answer))(t)
	if first.AuthenticationResult != nil || first.ChallengeName != "SMS_MFA" {
		t.Fatalf("after the new password: %+v", first)
	}
	_, err := c.SignIn.RespondToAuthChallenge(t.Context(), answer)
	wiretest.WantException(t, err, wire.NotAuthorizedException, "")
	if !c.HasPassword(t, c.Stored(t, id, "ann"), next) {
		t.Error("the new password is not set")
	}
	second := pooltest.Must(respond(t, c, client, "SMS_MFA", first.Session, "answer to SMS_MFA"))(t)
	if out := pooltest.Must(respond(t, c, client, "SOFTWARE_TOKEN_MFA", second.Session, "answer to SOFTWARE_TOKEN_MFA"))(t); out.AuthenticationResult == nil {
		t.Errorf("after all factors: %+v", out)
	}
}

// TestFactorsOfChangedAccounts changes an account between the password and the factor.
func TestFactorsOfChangedAccounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, c *pooltest.Console, poolID string)
		text   string
	}{
		"disabled": {func(t *testing.T, c *pooltest.Console, poolID string) {
			pooltest.Must(c.Accounts.AdminDisableUser(t.Context(), &wire.AdminDisableUserRequest{UserPoolId: poolID, Username: "ann"}))(t)
		}, wire.MessageUserDisabled},
		"password changed": {func(t *testing.T, c *pooltest.Console, poolID string) {
			pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: poolID, Username: "ann", Password: "Another-Horse-7", Permanent: true}))(t)
		}, wire.MessageIncorrectUsernameOrPassword},
		"deleted": {func(t *testing.T, c *pooltest.Console, poolID string) {
			pooltest.Must(c.Accounts.AdminDeleteUser(t.Context(), &wire.AdminDeleteUserRequest{UserPoolId: poolID, Username: "ann"}))(t)
		}, wire.MessageIncorrectUsernameOrPassword},
		"expired": {func(t *testing.T, c *pooltest.Console, _ string) { c.Advance(3*time.Minute + time.Second) }, wire.MessageSessionExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, id, client := factorConsole(t)
			addUser(t, c, id, true)
			first := begin(t, c, client, pooltest.GoodPassword)
			test.change(t, c, id)
			_, err := respond(t, c, client, "SMS_MFA", first.Session, "answer to SMS_MFA")
			wiretest.WantException(t, err, wire.NotAuthorizedException, test.text)
		})
	}
}

// TestPagesRefuseFactors: the sign-in pages have no page for such a challenge, and must
// not sign a user in without it.
func TestPagesRefuseFactors(t *testing.T) {
	t.Parallel()
	c, id, client := factorConsole(t)
	addUser(t, c, id, true)
	_, err := c.SignIn.JudgePassword(t.Context(), client.ClientId, "ann", pooltest.GoodPassword)
	wiretest.WantException(t, err, wire.NotAuthorizedException, "no page for the challenge SMS_MFA")
}
