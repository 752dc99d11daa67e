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
