package server

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// inProcess is the source of calls without a socket in the log.
const inProcess = "in-process"

// Call performs an operation of the service without a socket and without a signature:
// any operation of Cognito's user pools and identity pools that the service offers, and
// RotateSigningKeys. The caller has the rights of an administrator, so check who asks
// before you pass a user's input on. Checks of the input, Limits.Arithmetic, the time
// limit, the log and Config.Observer apply as to requests over HTTP; limits per source
// do not.
//
// Operation is the name, such as "AdminCreateUser". TagResource, UntagResource and
// ListTagsForResource exist in both APIs: write "cognito-idp:TagResource" or
// "cognito-identity:TagResource", as in IAM policies. Every other operation may have
// its prefix too.
//
// In is the request: nil, a map[string]any, a struct of your own, or an input type of
// aws-sdk-go-v2. Its JSON has the names of the AWS JSON API, which fields of structs
// match exactly or by a json tag. A [plug.Secret] is sent in clear text. As in the AWS SDKs a struct's zero field is left out
// (use a pointer to send false, 0 or ""), and a time.Time is a number of seconds since 1970.
//
// Out receives the response: nil to discard it, or a non-nil pointer to one of the same
// kinds. Call leaves members alone that the response does not have. The response may
// contain tokens and client secrets in clear text.
//
// The error of an operation is an [*Error]. Other errors name a mistake of the calling
// program: an in that is no JSON object, an out that is no pointer or has fields of
// other types. In the last case the operation was performed.
func (s *Server) Call(ctx context.Context, operation string, in, out any) error {
	if value := reflect.ValueOf(out); out != nil && (value.Kind() != reflect.Pointer || value.IsNil()) {
		return fmt.Errorf("server: call %s: out is %T, not a non-nil pointer", operation, out)
	}
	body, err := requestBody(in)
	if err != nil {
		return fmt.Errorf("server: call %s: encode %T: %w", operation, in, err)
	}
	x := newExchange()
	response, err := s.performCall(ctx, operation, body, x)
	exception := s.exceptionFor(ctx, x, err)
	s.note(ctx, inProcess, x, exception)
	if exception != nil {
		return newError(operation, exception, x.requestID, err)
	}
	if out == nil {
		return nil
	}
	answer, err := wire.Marshal(response)
	if err == nil {
		err = wire.DecodeValue(answer, out)
	}
	if err != nil {
		return fmt.Errorf("server: call %s: decode the response into %T: %w", operation, out, err)
	}
	return nil
}

// requestBody is the JSON of a request; without one it is an empty object.
func requestBody(in any) ([]byte, error) {
	body, err := wire.EncodeValue(in)
	if string(body) == "null" {
		body = []byte("{}")
	}
	if err == nil && body[0] != '{' {
		err = errors.New("not a JSON object")
	}
	return body, err
}

// performCall takes a call through the checks that do not depend on a connection.
func (s *Server) performCall(ctx context.Context, name string, body []byte, x *exchange) (response any, err error) {
	defer catchPanic(&err)
	operation, err := operationNamed(name)
	if err != nil {
		return nil, wire.NewException(wire.UnknownOperationException, err.Error())
	}
	x.operation = operation
	if len(body) > wire.MaxRequestBody {
		return nil, wire.BodyTooLarge()
	}
	return s.operations.handle(ctx, body, operation)
}

// HasPassword reports whether a user can sign in with a password: the user exists, is
// enabled and confirmed, and the password is the user's. It does not count attempts: to check
// a password from a request, use [Server.Call] with InitiateAuth.
func (s *Server) HasPassword(ctx context.Context, poolID, username string, password plug.Secret) (bool, error) {
	has, err := s.pools.Accounts.HasPassword(ctx, poolID, username, wire.Sensitive(password.Reveal()))
	if e, ok := errors.AsType[*wire.Exception](err); ok {
		err = newError("HasPassword", e, "", err)
	}
	return has, err
}
