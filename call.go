package latchkey

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// ofSession are operations that begin, renew or end a session. Their answers belong to
// the client, so Call refuses them and names the method that performs them.
var ofSession = map[string]string{
	"InitiateAuth": "SignIn", "RespondToAuthChallenge": "Step.Respond", "GetTokensFromRefreshToken": "FetchTokens",
	"RevokeToken": "SignOut", "GlobalSignOut": "GlobalSignOut",
}

// withUsername are operations that take a client id, and a secret hash over the user name.
var withUsername = map[string]bool{
	"SignUp": true, "ConfirmSignUp": true, "ResendConfirmationCode": true, "ForgotPassword": true, "ConfirmForgotPassword": true,
}

// Call performs an operation of Cognito's user pool API that users may call, such as
// GetUser, SignUp or AssociateSoftwareToken. Package account has methods for the usual
// ones.
//
// In is the request: nil, a map[string]any, a struct of your own, or an input type of
// aws-sdk-go-v2. Its JSON has the names of the AWS JSON API; a struct's zero fields are
// left out, and a [Secret] is sent in clear text. Call adds the members ClientId,
// SecretHash and AccessToken that the operation needs and in lacks. For an access token it
// refreshes the active session first if that is necessary, and once more if the service
// does not accept the token.
//
// Out receives the response: nil to discard it, or a non-nil pointer to one of the same
// kinds. Errors are those of [Client.FetchTokens] for operations of a signed-in user, the
// service's, and ErrInvalidParameter for an operation that is unknown, that needs an
// administrator, or that belongs to a session, as InitiateAuth does.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	if err := c.engine.Closed(); err != nil {
		return asError(operation, err)
	}
	if value := reflect.ValueOf(out); out != nil && (value.Kind() != reflect.Pointer || value.IsNil()) {
		return problem(operation, ErrInvalidParameter, fmt.Sprintf("out is %T; give a non-nil pointer", out))
	}
	auth, err := c.callable(operation)
	if err != nil {
		return err
	}
	request, err := membersOf(in)
	if err != nil {
		return &Error{Op: operation, Kind: ErrInvalidParameter, Message: fmt.Sprintf("in is %T", in), Err: err, Hint: "give an object"}
	}
	if withUsername[operation] {
		c.identify(request)
	}
	send := func(access wire.Sensitive) error {
		if access != "" {
			request["AccessToken"] = text(string(access))
		}
		return c.send(ctx, operation, request, out)
	}
	if auth == wire.AccessToken && request["AccessToken"] == nil && request["Session"] == nil {
		return c.withAccess(ctx, operation, send)
	}
	return asError(operation, send(""))
}

// callable says how an operation is authorized, or why Call does not perform it.
func (c *Client) callable(operation string) (wire.Auth, error) {
	if c.cfg.UserPoolID == "" {
		return 0, c.cfg.noUserPool(operation)
	}
	known, ok := wire.LookupTarget(wire.Target(wire.UserPools, operation))
	switch method := ofSession[operation]; {
	case !ok:
		return 0, problem("Call", ErrInvalidParameter, fmt.Sprintf("%q is not an operation of the user pool API", operation))
	case method != "":
		return 0, problem(operation, ErrInvalidParameter, "call "+method+", which keeps the session")
	case known.Auth == wire.Signed:
		return 0, problem(operation, ErrInvalidParameter, "this operation is for administrators: call it with an AWS SDK")
	}
	return known.Auth, nil
}

// membersOf are the members of a request.
func membersOf(in any) (map[string]jsontext.Value, error) {
	body, err := wire.EncodeValue(in)
	if err != nil || string(body) == "null" {
		return map[string]jsontext.Value{}, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, errors.New("it is not a JSON object")
	}
	return members, nil
}

// identify adds the client id, and the secret hash of a client with a secret.
func (c *Client) identify(request map[string]jsontext.Value) {
	if request["ClientId"] == nil {
		request["ClientId"] = text(c.cfg.ClientID)
	}
	var username string
	secret := c.cfg.ClientSecret
	if secret.IsZero() || request["SecretHash"] != nil || json.Unmarshal(request["Username"], &username) != nil {
		return
	}
	request["SecretHash"] = text(srp.SecretHash(username, c.cfg.ClientID, secret.Reveal()))
}

// text is a JSON string. What is not UTF-8 becomes U+FFFD, as in all requests.
func text(s string) jsontext.Value {
	quoted, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		quoted, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return quoted
}

// send performs a call. Its errors are of internal/fault.
func (c *Client) send(ctx context.Context, operation string, request map[string]jsontext.Value, out any) error {
	if out == nil {
		_, err := c.pool.Call(ctx, operation, request, nil)
		return err
	}
	var answer jsontext.Value
	if _, err := c.pool.Call(ctx, operation, request, &answer); err != nil {
		return err
	}
	if err := wire.DecodeValue(answer, out); err != nil {
		return &fault.Fault{Op: operation, Kind: fault.Service, Message: fmt.Sprintf("the response does not fit into %T", out), Err: err}
	}
	return nil
}

// withAccess calls with an access token. If the service does not take it, one
// refresh is tried and the call repeated; only the refresh decides whether the
// session is over.
func (c *Client) withAccess(ctx context.Context, op string, call func(access wire.Sensitive) error) error {
	refused := error(nil)
	for _, want := range []session.Want{{TokensOnly: true}, {TokensOnly: true, Force: true}} {
		view, err := c.engine.Fetch(ctx, want)
		if err != nil {
			return asError(op, err)
		}
		tokens, err := view.Tokens()
		if err != nil {
			if refused != nil && !errors.Is(err, ErrSessionExpired) {
				return asError(op, refused)
			}
			return asError(op, err)
		}
		if refused = call(wire.Sensitive(tokens.Access.Raw())); !tokenRefused(refused) {
			return asError(op, refused)
		}
		c.log.InfoContext(ctx, "latchkey: the access token was refused, refreshing", "operation", op)
	}
	return asError(op, refused)
}

// tokenRefused reports whether an error means that the access token was refused.
// NotAuthorizedException has other uses, such as a wrong password.
func tokenRefused(err error) bool {
	f := fault.Find(err)
	return f.Code == wire.NotAuthorizedException && strings.Contains(f.Message, "Access Token") &&
		f.Message != wire.MessageAccessTokenScopes
}
