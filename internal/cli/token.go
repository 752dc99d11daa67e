package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/jwt"
)

// rawToken is what token tells with --json.
type rawToken struct {
	Token     string    `json:"token"`
	Use       string    `json:"use"` // "access" or "id"
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *app) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "token [access|id]",
		Short:     "Print a fresh token, for scripts",
		Long:      "Prints the access token, or the ID token, as it is and nothing else. It is\nrefreshed first if it has expired.",
		Example:   "  curl -H \"Authorization: Bearer $(latchkey token)\" http://localhost:8080/",
		ValidArgs: []string{jwt.UseAccess, jwt.UseID},
		Args:      a.atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			use := jwt.UseAccess
			if len(args) == 1 {
				use = args[0]
			}
			if use != jwt.UseAccess && use != jwt.UseID {
				return a.misuse(cmd, "there are the tokens access and id, and not "+quote(use))
			}
			return a.printToken(cmd.Context(), use)
		},
	}
}

func (a *app) printToken(ctx context.Context, use string) error {
	token, err := a.storedToken(ctx, use)
	if err != nil {
		return err
	}
	if a.json {
		a.writeJSON(rawToken{token.Raw(), use, token.Expiry()})
		return nil
	}
	a.out.Print(token.Raw())
	return nil
}

// storedToken is a token of the stored session, refreshed if that is due.
func (a *app) storedToken(ctx context.Context, use string) (*jwt.Unverified, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	tokens, err := client.FetchTokens(ctx)
	if err != nil {
		return nil, err
	}
	if use == jwt.UseAccess {
		return tokens.Access, nil
	}
	if tokens.ID == nil {
		return nil, errors.New("the session has no ID token")
	}
	return tokens.ID, nil
}
