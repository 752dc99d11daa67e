package cli

import (
	"errors"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/trust"
	"github.com/latchkey-auth/latchkey/jwt"
)

// wrongToken puts an error about a token into words for people.
func wrongToken(err error) error {
	e, ok := errors.AsType[*jwt.Error](err)
	if !ok {
		return err
	}
	text := e.Kind.Error()
	if errors.Is(e.Kind, jwt.ErrMalformed) && e.Part != "token" {
		text = "the token's " + e.Part + " is malformed"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + withoutPackage(e.Err)
	}
	return &tokenError{text, err}
}

// withoutPackage is the text of an error without the name of the package that returns it.
func withoutPackage(err error) string { return strings.TrimPrefix(err.Error(), "jwt: ") }

// tokenError has a text of its own and the kind of its cause.
type tokenError struct {
	text  string
	cause error
}

func (e *tokenError) Error() string { return e.text }
func (e *tokenError) Unwrap() error { return e.cause }

// adviseToken says what to do about a token that verify refuses; empty for nothing.
func (c *commandLine) adviseToken(err error) string {
	switch {
	case errors.Is(err, jwt.ErrKeysUnavailable):
		if _, ok := errors.AsType[*trust.FileError](err); ok {
			return "" // explain has a hint for it
		}
		if _, ok := errors.AsType[*url.Error](err); ok {
			return c.adviseNetwork(err, fault.NetworkHint(err))
		}
		return "check " + c.target.issuerMember + " and the user pool id in the configuration"
	case errors.Is(err, jwt.ErrMalformed):
		return "give the whole token, and nothing else"
	case errors.Is(err, jwt.ErrIssuer), errors.Is(err, jwt.ErrUnknownKey):
		return "the token is of another user pool or service: name its configuration with --config, or check " + c.target.issuerMember
	case errors.Is(err, jwt.ErrClient):
		return "name the configuration of that app client with --config"
	case errors.Is(err, jwt.ErrExpired):
		return "print a fresh one with " + c.typed("token")
	case errors.Is(err, jwt.ErrNotYetValid):
		return "check this machine's clock"
	case errors.Is(err, jwt.ErrUse):
		return "give an access token or an ID token of a user pool"
	case errors.Is(err, jwt.ErrAlgorithm), errors.Is(err, jwt.ErrSignature):
		return "do not trust this token: it was changed, or made by another program"
	}
	return ""
}
