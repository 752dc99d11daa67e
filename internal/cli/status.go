package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/localservice"
)

// formatText is the form for people.
const formatText = "text"

// statusCommand is `latchkey status` with its flags.
type statusCommand struct {
	*app
	data, format string
}

func (a *app) statusCommand() *cobra.Command {
	c := &statusCommand{app: a}
	command := &cobra.Command{
		Use:   "status",
		Short: "Show a running local service: its addresses, ids, keys and demo user",
		Long: `Asks the service that "latchkey up" runs on a data folder whether it is well, and
shows what up showed: addresses, ids, the administrator's keys and the demo user's
password. With --json it writes the members of "latchkey up --json".

The form "env" is lines for a shell: afterwards this program and the AWS CLI use
the service.`,
		Example: "  latchkey status --json\n  eval \"$(latchkey status --format env)\"\n" +
			"  aws cognito-idp list-users --user-pool-id \"$LATCHKEY_USER_POOL_ID\"",
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.status(cmd) },
	}
	dataFlag(command, &c.data)
	command.Flags().StringVar(&c.format, "format", formatText, "`form` of what is printed: text, env or json")
	return command
}

func (c *statusCommand) status(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed("format")
	switch {
	case c.format != formatText && c.format != formatEnv && c.format != formatJSON:
		return c.misuse(cmd, "unknown format "+quote(c.format)+": use text, env or json")
	case c.json && changed && c.format != formatJSON:
		return c.misuse(cmd, "--json and --format "+c.format+" exclude each other")
	case c.json:
		c.format = formatJSON
	}
	folder, err := c.serviceFolder(cmd, c.data)
	if err != nil {
		return err
	}
	c.catchSignals()
	ready, err := localservice.Status(cmd.Context(), folder)
	if errors.Is(err, localservice.ErrNotRunning) || errors.Is(err, localservice.ErrNeverStarted) {
		return c.notRunning(err, folder)
	}
	if ready.UserPoolID == "" {
		return err
	}
	switch c.format {
	case formatJSON:
		c.writeJSON(ready)
	case formatEnv:
		c.writeStatusEnv(ready)
	default:
		c.showStatus(ready, err == nil)
	}
	return err
}

// notRunning is the error of a command that needs a service which does not answer.
func (c *commandLine) notRunning(err error, folder string) error {
	up := "`" + c.program + " up`"
	if !c.isDefault(folder) {
		up = "`" + c.program + " up --data " + shellQuote(folder) + "`"
	}
	if errors.Is(err, localservice.ErrNeverStarted) {
		return &failure{code: exitFailed, err: err, hints: []string{"start one with " + up}}
	}
	return &failure{code: exitNetwork, err: err, hints: []string{"start it with " + up}}
}

func (c *statusCommand) showStatus(ready localservice.Ready, well bool) {
	state := c.out.Paint(ui.Green, "●") + " " + c.out.Paint(ui.Bold, "Latchkey is up and well")
	if !well {
		state = c.out.Paint(ui.Red, "●") + " " + c.out.Paint(ui.Bold, "Latchkey is up and not well")
	}
	c.out.Print(state)
	c.out.Print("")
	table := describeService(ready)
	table.Row()
	table.Field("Access key id", ready.AccessKeyID)
	table.Field("Secret key", ready.SecretAccessKey)
	table.Row()
	addDemoUser(table, ready)
	table.Write(c.out)
}

// writeStatusEnv prints the variables by which this program and the AWS tools use the service.
func (c *statusCommand) writeStatusEnv(ready localservice.Ready) {
	for _, variable := range [][2]string{
		{"LATCHKEY_CONFIG", ready.ConfigFile},
		{"LATCHKEY_ENDPOINT", ready.Endpoint}, {"LATCHKEY_HTTPS_ENDPOINT", ready.HTTPSEndpoint}, {"LATCHKEY_CA_FILE", ready.CAFile},
		{"LATCHKEY_METRICS_ENDPOINT", ready.MetricsEndpoint},
		{"LATCHKEY_USER_POOL_ID", ready.UserPoolID}, {"LATCHKEY_CLIENT_ID", ready.ClientID}, {"LATCHKEY_IDENTITY_POOL_ID", ready.IdentityPoolID},
		{"LATCHKEY_USERNAME", ready.Username}, {"LATCHKEY_PASSWORD", ready.Password},
		{"AWS_REGION", ready.Region}, {"AWS_DEFAULT_REGION", ready.Region},
		{"AWS_ACCESS_KEY_ID", ready.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", ready.SecretAccessKey},
		{"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", ready.Endpoint}, {"AWS_ENDPOINT_URL_COGNITO_IDENTITY", ready.Endpoint},
	} {
		if variable[1] != "" {
			c.out.Print("export " + variable[0] + "=" + shellQuote(variable[1]))
		}
	}
	c.out.Print("unset AWS_SESSION_TOKEN AWS_PROFILE") // they would take the place of these keys
}
