package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
)

// rawToken is the output of token --json.
type rawToken struct {
	Token     string    `json:"token"`
	Use       string    `json:"use"` // "access" or "id"
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *app) tokenCommand() *cobra.Command {
	refresh := false
	command := &cobra.Command{
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
				return a.misuse(cmd, "unknown token "+quote(use)+": use access or id")
			}
			var options []latchkey.FetchOption
			if refresh {
				options = append(options, latchkey.ForceRefresh())
			}
			return a.printToken(cmd.Context(), use, options...)
		},
	}
	command.Flags().BoolVar(&refresh, "refresh", false, "get a new token first, though the old one is still good")
	a.addAccountFlag(command)
	return command
}

func (a *app) printToken(ctx context.Context, use string, options ...latchkey.FetchOption) error {
	token, err := a.storedToken(ctx, use, options...)
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
func (a *app) storedToken(ctx context.Context, use string, options ...latchkey.FetchOption) (*jwt.Unverified, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	tokens, err := client.FetchTokens(ctx, options...)
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
