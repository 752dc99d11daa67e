package cli

import (
	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// identity is what whoami tells with --json.
type identity struct {
	Username string `json:"username"`
	UserID   string `json:"user_id"`
	LoginID  string `json:"login_id,omitempty"`  // what was typed to sign in
	AuthFlow string `json:"auth_flow,omitempty"` // Cognito's name
}

func (a *app) whoamiCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "whoami",
		Short: "Show who is signed in, without asking the service",
		Args:  a.atMost(0),
		RunE:  a.whoami,
	}
	a.addAccountFlag(command)
	return command
}

func (a *app) whoami(cmd *cobra.Command, _ []string) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	user, err := client.CurrentUser(cmd.Context())
	if err != nil {
		return err
	}
	who := identity{Username: user.Username, UserID: user.UserID, LoginID: user.LoginID, AuthFlow: user.AuthFlow}
	if a.json {
		a.writeJSON(who)
		return nil
	}
	table := &ui.Table{}
	table.Add(ui.Cell{Text: "Username", Style: ui.Faint}, ui.Cell{Text: who.Username, Style: ui.Bold})
	table.Field("User id", who.UserID)
	if who.LoginID != "" {
		table.Field("Signed in as", who.LoginID+" ("+who.AuthFlow+")")
	}
	table.Write(a.out)
	return nil
}
