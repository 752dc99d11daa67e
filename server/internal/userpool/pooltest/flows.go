package pooltest

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
)

// Flows performs what users and administrators of a pool do in tests, through whatever
// calls the operations: the flows in the process, or a service over HTTP.
type Flows struct {
	Call             func(operation string, in, out any) error
	PoolID, ClientID string
	Now              func() time.Time
}

// must performs an operation that has to succeed.
func (f Flows) must(t *testing.T, operation string, in any) {
	t.Helper()
	if err := f.Call(operation, in, nil); err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
}

// AddUser makes a confirmed user.
func (f Flows) AddUser(t *testing.T, name, password string, attributes []wire.AttributeType) {
	t.Helper()
	f.must(t, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: f.PoolID, Username: name, UserAttributes: attributes, MessageAction: wire.MessageActionSuppress,
	})
	f.must(t, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
		UserPoolId: f.PoolID, Username: name, Password: wire.Sensitive(password), Permanent: true,
	})
}

// WithPassword signs in with USER_PASSWORD_AUTH.
func (f Flows) WithPassword(name, password string) (*wire.InitiateAuthResponse, error) {
	return perform[wire.InitiateAuthResponse](f, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: f.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": name, "PASSWORD": password},
	})
}

// StartSRP opens an SRP handshake.
func (f Flows) StartSRP(t *testing.T, name string) (*srp.Client, *wire.InitiateAuthResponse, error) {
	t.Helper()
	client, err := srp.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	out, err := perform[wire.InitiateAuthResponse](f, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserSRP, ClientId: f.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": name, "SRP_A": client.A()},
	})
	return client, out, err
}

// Proof makes the answer to an SRP challenge.
func (f Flows) Proof(t *testing.T, client *srp.Client, out *wire.InitiateAuthResponse, password string) *wire.RespondToAuthChallengeRequest {
	t.Helper()
	p := out.ChallengeParameters
	block, err := strictbase64.Decode(p["SECRET_BLOCK"])
	if err != nil {
		t.Fatal(err)
	}
	signature, timestamp, err := client.Proof(srp.Challenge{
		Pool: pool.SRPPool(f.PoolID), User: p["USER_ID_FOR_SRP"], SaltHex: p["SALT"], BHex: p["SRP_B"], SecretBlock: block,
	}, password, f.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &wire.RespondToAuthChallengeRequest{
		ClientId: f.ClientID, ChallengeName: wire.ChallengePasswordVerifier,
		ChallengeResponses: wire.Parameters{
			"USERNAME": p["USER_ID_FOR_SRP"], "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"],
			"PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": timestamp,
		},
	}
}

// WithSRP signs in with USER_SRP_AUTH.
func (f Flows) WithSRP(t *testing.T, name, password string) (*wire.RespondToAuthChallengeResponse, error) {
	t.Helper()
	client, out, err := f.StartSRP(t, name)
	if err != nil {
		return nil, err
	}
	return perform[wire.RespondToAuthChallengeResponse](f, "RespondToAuthChallenge", f.Proof(t, client, out, password))
}

// Refresh refreshes with GetTokensFromRefreshToken.
func (f Flows) Refresh(token wire.Sensitive) (*wire.AuthenticationResultType, error) {
	out, err := perform[wire.GetTokensFromRefreshTokenResponse](f, "GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		ClientId: f.ClientID, RefreshToken: token,
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func perform[Response any](f Flows, operation string, in any) (*Response, error) {
	out := new(Response)
	if err := f.Call(operation, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// SignUp registers a user with an e-mail address.
func (f Flows) SignUp(name, password, address string) (*wire.SignUpResponse, error) {
	return perform[wire.SignUpResponse](f, "SignUp", &wire.SignUpRequest{
		ClientId: f.ClientID, Username: name, Password: wire.Sensitive(password), UserAttributes: Email(address),
	})
}

// Confirm confirms a user with the code of the sign-up.
func (f Flows) Confirm(name string, code wire.Sensitive, force bool) error {
	return f.Call("ConfirmSignUp", &wire.ConfirmSignUpRequest{
		ClientId: f.ClientID, Username: name, ConfirmationCode: code, ForceAliasCreation: force,
	}, nil)
}

// Resend sends the code of a sign-up again.
func (f Flows) Resend(name string) (*wire.ResendConfirmationCodeResponse, error) {
	return perform[wire.ResendConfirmationCodeResponse](f, "ResendConfirmationCode", &wire.ResendConfirmationCodeRequest{ClientId: f.ClientID, Username: name})
}

// Forgot sends a code for a new password.
func (f Flows) Forgot(name string) (*wire.ForgotPasswordResponse, error) {
	return perform[wire.ForgotPasswordResponse](f, "ForgotPassword", &wire.ForgotPasswordRequest{ClientId: f.ClientID, Username: name})
}

// Recover sets a new password with the code of Forgot.
func (f Flows) Recover(name, password string, code wire.Sensitive) error {
	return f.Call("ConfirmForgotPassword", &wire.ConfirmForgotPasswordRequest{
		ClientId: f.ClientID, Username: name, ConfirmationCode: code, Password: wire.Sensitive(password),
	}, nil)
}
