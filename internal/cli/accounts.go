package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// account is an element of the output of accounts --json.
type account struct {
	Username string `json:"username"`
	UserID   string `json:"user_id"`
	SignedIn bool   `json:"signed_in"`
	Active   bool   `json:"active"`
}

func (a *app) accountsCommand() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error { return a.listAccounts(cmd) }
	command := &cobra.Command{
		Use:   "accounts",
		Short: "List the accounts on this machine, or switch to another",
		Args:  a.parent,
		RunE:  list,
	}
	command.AddCommand(
		&cobra.Command{Use: "list", Short: "List the accounts on this machine", Args: a.atMost(0), RunE: list},
		&cobra.Command{
			Use:   "switch USERNAME",
			Short: "Make another account the active one",
			Args: func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 || args[0] == "" {
					return a.misuse(cmd, "give the username of the account to switch to")
				}
				return a.atMost(1)(cmd, args)
			},
			RunE: a.switchAccount,

			ValidArgsFunction: a.completeAccounts,
		},
	)
	return command
}

func (a *app) listAccounts(cmd *cobra.Command) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	known, err := client.Accounts(cmd.Context())
	if a.json {
		accounts := make([]account, len(known)) // not nil: an empty list is []
		for i, k := range known {
			accounts[i] = account{k.Username, k.UserID, k.SignedIn, k.Active}
		}
		a.writeJSON(accounts)
		return err
	}
	if len(known) == 0 && err == nil {
		a.err.Print("No account has signed in here. Sign in with " + a.typed("login") + ".")
	}
	table := &ui.Table{}
	for _, k := range known {
		name, state := ui.Cell{Text: "  " + k.Username}, ui.Cell{Text: "signed out", Style: ui.Faint}
		if k.Active {
			name = ui.Cell{Text: "* " + k.Username, Style: ui.Bold}
		}
		if k.SignedIn {
			state = ui.Cell{Text: "signed in", Style: ui.Green}
		}
		table.Add(name, state)
	}
	table.Write(a.out)
	return err
}

func (a *app) switchAccount(cmd *cobra.Command, args []string) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	err = client.SwitchAccount(cmd.Context(), args[0])
	if errors.Is(err, latchkey.ErrSignedOut) {
		return a.noAccount(cmd.Context(), client, args[0], err)
	}
	if err != nil {
		return err
	}
	return a.whoami(cmd, nil)
}

// noAccount is the error of a username with which no session is stored. signedOut is the
// error of an account that is known and signed out.
func (a *app) noAccount(ctx context.Context, client *latchkey.Client, username string, signedOut error) error {
	known, err := client.Accounts(ctx)
	if err != nil {
		return errors.Join(signedOut, err)
	}
	var names []string
	for _, user := range known {
		if user.Username == username {
			return &failure{
				code: exitSignedOut, err: errors.New("account " + username + " is signed out"),
				hints: []string{"sign in with " + a.typed("login "+shellQuote(username))},
			}
		}
		names = append(names, user.Username)
	}
	text := "no account " + username
	switch len(names) {
	case 0:
		return &failure{code: exitFailed, err: errors.New(text + "; there are none"), hints: []string{"sign in with " + a.typed("login")}}
	case 1:
		text += "; there is "
	default:
		text += "; there are "
	}
	return &failure{code: exitFailed, err: errors.New(text + strings.Join(names, ", "))}
}
