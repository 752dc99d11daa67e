package latchkey

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// Login is how a user wants to sign in; make one with [Password], [PlainPassword] or
// [AutoSignIn]. It prints without the password.
type Login struct {
	username string
	password Secret // or the session of a sign-up
	flow     wire.AuthFlow
	metadata wire.Parameters
}

// Password signs in by Secure Remote Password (Cognito's USER_SRP_AUTH): the
// password does not leave the program. username may be an alias that the pool
// allows, such as an e-mail address.
func Password(username, password string) Login {
	return Login{username: username, password: NewSecret(password), flow: wire.AuthFlowUserSRP}
}

// PlainPassword sends the password itself (USER_PASSWORD_AUTH), which pools need
// to migrate users. The app client must allow it.
func PlainPassword(username, password string) Login {
	return Login{username: username, password: NewSecret(password), flow: wire.AuthFlowUserPassword}
}

// AutoSignIn signs in a user who has just signed up (Cognito's USER_AUTH), without the
// password: session is what ConfirmSignUp of package account returned. It is good for one
// sign-in, and for minutes. The service returns one if the app client allows
// ALLOW_USER_AUTH.
func AutoSignIn(username string, session Secret) Login {
	return Login{username: username, password: session, flow: wire.AuthFlowUser}
}

// WithClientMetadata returns the login with data that the pool's Lambda triggers receive,
// with this request and the following ones of the same sign-in.
func (l Login) WithClientMetadata(metadata map[string]string) Login {
	l.metadata = maps.Clone(metadata)
	return l
}

// attempt is a sign-in under way. A Step carries it from answer to answer.
type attempt struct {
	c        *Client
	login    Login
	device   *store.Device
	username string // for USERNAME: USER_ID_FOR_SRP once the service has sent it
}

// SignIn begins a sign-in. When the Step it returns is Done, the user is signed
// in, the session is stored and active, and a session that was active before
// stays in the store; otherwise the service asks for more, see [Step.Respond].
//
// Errors tell apart ErrNotAuthorized (wrong password, disabled user, too many
// attempts are ErrThrottled), ErrUserNotFound (only where the pool reveals it),
// ErrUserNotConfirmed, ErrPasswordResetRequired and ErrNetwork. A sign-in is
// never repeated on its own, since a second attempt may count against the user.
//
// If the user is signed in but the session could not be stored, SignIn returns
// a Step that is Done together with ErrStore: the session lasts as long as the
// process.
func (c *Client) SignIn(ctx context.Context, login Login) (*Step, error) {
	switch {
	case c.engine.Closed() != nil:
		return nil, asError("SignIn", c.engine.Closed())
	case c.cfg.UserPoolID == "":
		return nil, c.cfg.noUserPool("SignIn")
	case login.username == "":
		return nil, problem("SignIn", ErrInvalidParameter, "give a username")
	case login.password.IsZero() && login.flow == wire.AuthFlowUser:
		return nil, problem("SignIn", ErrInvalidParameter, "the sign-up returned no session; sign in with the password")
	case login.password.IsZero():
		return nil, problem("SignIn", ErrInvalidParameter, "give a password")
	}
	a := &attempt{c: c, login: login, username: login.username, device: c.engine.Device(ctx, login.username)}
	step, err := a.begin(ctx)
	if a.device != nil && deviceGone(err) {
		// The service has forgotten the device: so do we, once.
		c.engine.ForgetDevice(ctx, a.device)
		a.device, a.username = nil, login.username
		step, err = a.begin(ctx)
	}
	return step, asError("SignIn", err)
}

// deviceGone reports whether the service has forgotten the device.
func deviceGone(err error) bool {
	f := fault.Find(err)
	return f.Code == wire.ResourceNotFoundException && f.Message == wire.MessageDeviceDoesNotExist
}

// begin sends InitiateAuth and answers what the flow itself asks.
func (a *attempt) begin(ctx context.Context) (*Step, error) {
	parameters := a.parameters()
	var proof *srp.Client
	var session wire.Sensitive
	switch a.login.flow {
	case wire.AuthFlowUserPassword:
		parameters["PASSWORD"] = a.login.password.Reveal()
	case wire.AuthFlowUser:
		session = wire.Sensitive(a.login.password.Reveal())
	default:
		var err error
		if proof, err = srp.NewClient(); err != nil {
			return nil, &Error{Op: "SignIn", Kind: ErrService, Err: err}
		}
		parameters["SRP_A"] = proof.A()
	}
	request := wire.InitiateAuthRequest{
		AuthFlow: a.login.flow, ClientId: a.c.cfg.ClientID, AuthParameters: parameters, ClientMetadata: a.login.metadata, Session: session,
	}
	var response wire.InitiateAuthResponse
	when, err := a.c.pool.Call(ctx, "InitiateAuth", &request, &response)
	if err != nil {
		return nil, err
	}
	// Both operations answer alike.
	answer := wire.RespondToAuthChallengeResponse(response)
	if answer.ChallengeName == wire.ChallengePasswordVerifier && proof != nil {
		return a.prove(ctx, proof, &answer)
	}
	return a.next(ctx, "InitiateAuth", &answer, when)
}

// parameters are what every request of a sign-in carries.
func (a *attempt) parameters() wire.Parameters {
	p := wire.Parameters{"USERNAME": a.username}
	if secret := a.c.cfg.ClientSecret; !secret.IsZero() {
		p["SECRET_HASH"] = srp.SecretHash(a.username, a.c.cfg.ClientID, secret.Reveal())
	}
	if a.device != nil {
		p["DEVICE_KEY"] = a.device.Key
	}
	return p
}

// prove answers PASSWORD_VERIFIER.
func (a *attempt) prove(ctx context.Context, client *srp.Client, c *wire.RespondToAuthChallengeResponse) (*Step, error) {
	a.identify(c.ChallengeParameters)
	pool, err := srp.PoolName(a.c.cfg.UserPoolID)
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrConfig, Err: err}
	}
	block := c.ChallengeParameters["SECRET_BLOCK"]
	raw, err := strictbase64.Decode(block)
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrService, Message: "SECRET_BLOCK is not base64"}
	}
	signature, timestamp, err := client.Proof(srp.Challenge{
		Pool: pool, User: a.username, SecretBlock: raw,
		SaltHex: c.ChallengeParameters["SALT"], BHex: c.ChallengeParameters["SRP_B"],
	}, a.login.password.Reveal(), time.Now())
	if err != nil {
		return nil, &Error{Op: "SignIn", Kind: ErrService, Message: "the PASSWORD_VERIFIER challenge is refused", Err: err}
	}
	return a.answer(ctx, c.ChallengeName, c.Session, wire.Parameters{
		"PASSWORD_CLAIM_SIGNATURE": signature, "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": timestamp,
	})
}

// identify takes the user's real name from a challenge. From then on it stands
// for USERNAME, and SECRET_HASH covers it.
func (a *attempt) identify(p wire.Parameters) {
	for _, name := range []string{"USERNAME", "USER_ID_FOR_SRP"} {
		if p[name] != "" {
			a.username = p[name]
		}
	}
}

// answer sends RespondToAuthChallenge.
func (a *attempt) answer(ctx context.Context, name wire.ChallengeName, session wire.Sensitive, responses wire.Parameters) (*Step, error) {
	maps.Copy(responses, a.parameters())
	request := wire.RespondToAuthChallengeRequest{
		ClientId: a.c.cfg.ClientID, ChallengeName: name, Session: session,
		ChallengeResponses: responses, ClientMetadata: a.login.metadata,
	}
	var response wire.RespondToAuthChallengeResponse
	when, err := a.c.pool.Call(ctx, "RespondToAuthChallenge", &request, &response)
	if err != nil {
		return nil, err
	}
	return a.next(ctx, "RespondToAuthChallenge", &response, when)
}

// next turns an answer into a Step: another challenge, or the session.
func (a *attempt) next(ctx context.Context, op string, answer *wire.RespondToAuthChallengeResponse, when cognito.Timing) (*Step, error) {
	if answer.AuthenticationResult == nil && answer.ChallengeName != "" {
		a.identify(answer.ChallengeParameters)
		return newStep(a, answer)
	}
	issued, err := cognito.NewGrant(op, answer.AuthenticationResult, when, a.c.pool.Tokens)
	if err != nil {
		if result := answer.AuthenticationResult; result != nil && result.RefreshToken != "" {
			a.c.engine.Discard(ctx, NewSecret(string(result.RefreshToken))) // the session was begun at the service
		}
		return nil, err
	}
	err = a.c.engine.Establish(ctx, issued, session.How{SignIn: &store.SignIn{LoginID: a.login.username, Flow: string(a.login.flow)}})
	if err != nil && !errors.Is(err, ErrStore) {
		return nil, err
	}
	return &Step{done: true}, err
}
