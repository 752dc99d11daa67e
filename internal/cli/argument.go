package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/latchkey-auth/latchkey/jwt"
)

// maxToken bounds what is read as a token, in bytes; package jwt takes
// 50,000.
const maxToken = 64 << 10

// givenToken is the token that a command is to look at: the argument, standard
// input for "-", or the stored access token.
func (a *app) givenToken(ctx context.Context, args []string) (string, error) {
	if len(args) == 0 {
		token, err := a.storedToken(ctx, jwt.UseAccess)
		if err != nil {
			return "", err
		}
		return token.Raw(), nil
	}
	text := args[0]
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(a.in, maxToken+1))
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		text = string(data)
	}
	if len(text) > maxToken {
		return "", fmt.Errorf("the token has more than %d bytes", maxToken)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", errors.New("there is no token to look at")
	}
	return text, nil
}

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
		text += ": " + e.Err.Error()
	}
	return &tokenError{text, err}
}

// tokenError has a text of its own and the kind of its cause.
type tokenError struct {
	text  string
	cause error
}

func (e *tokenError) Error() string { return e.text }
func (e *tokenError) Unwrap() error { return e.cause }
