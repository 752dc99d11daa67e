package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
)

// The forms that credentials writes.
const (
	formatProcess = "process" // what credential_process of the AWS CLI and SDKs reads
	formatEnv     = "env"     // lines for a shell to run
	formatJSON    = "json"
)

// awsCredentials is what credentials tells with --json.
type awsCredentials struct {
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token"`
	ExpiresAt       time.Time `json:"expires_at"`
	SecondsLeft     int64     `json:"seconds_left"`
}

// credentialsCommand is `latchkey credentials` with its flags.
type credentialsCommand struct {
	*app
	format, profile string // profile is --install
	guest, force    bool
}

func (a *app) credentialsCommand() *cobra.Command {
	c := &credentialsCommand{app: a}
	command := &cobra.Command{
		Use:   "credentials",
		Short: "Print AWS credentials, for the AWS CLI and SDKs",
		Long: "Prints the AWS credentials that the identity pool issues to the signed-in user, renewed\n" +
			"first if they have expired. The format \"process\" is what credential_process in the AWS\n" +
			"configuration file reads; --install writes a profile with it, for the account that is\n" +
			"signed in now or that --account names.",
		Example: "  latchkey credentials --install work   # once\n" +
			"  aws s3 ls --profile work\n" +
			"  eval \"$(latchkey credentials --format env)\"",
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.credentials(cmd) },
	}
	f := command.Flags()
	f.StringVar(&c.format, "format", formatProcess, "`format` of the output: process, env or json")
	f.BoolVar(&c.guest, "guest", false, "print a guest's credentials while no user is signed in")
	f.StringVar(&c.profile, "install", "", "write the `profile` into the AWS configuration file instead")
	f.BoolVar(&c.force, "force", false, "with --install: replace a profile that another program has made")
	a.addAccountFlag(command)
	f.StringVar(&a.homeFlag, "home", "", "`folder` that sessions are kept in (default $LATCHKEY_HOME, then your configuration folder)")
	return command
}

// processCredentials is the output that credential_process requires (AWS SDKs and
// Tools Reference Guide, "Process credential provider").
type processCredentials struct {
	Version         int    // always 1
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string // RFC 3339, in UTC, in whole seconds
}

func (c *credentialsCommand) credentials(cmd *cobra.Command) error {
	if wrong := c.wrongFlags(cmd.Flags().Changed); wrong != "" {
		return c.misuse(cmd, wrong)
	}
	if cmd.Flags().Changed("install") {
		return (&profileInstaller{c}).install(cmd)
	}
	if c.json {
		c.format = formatJSON
	}
	got, err := c.fetchCredentials(cmd.Context())
	if err != nil {
		return err
	}
	switch c.format {
	case formatEnv:
		c.writeEnv(got)
	case formatJSON:
		c.writeJSON(awsCredentials{
			got.AccessKeyID, got.SecretAccessKey.Reveal(), got.SessionToken.Reveal(),
			got.Expiration.UTC(), int64(time.Until(got.Expiration) / time.Second),
		})
	default:
		c.writeJSON(processCredentials{
			1, got.AccessKeyID, got.SecretAccessKey.Reveal(), got.SessionToken.Reveal(), got.Expiration.UTC().Format(time.RFC3339),
		})
	}
	return nil
}

// wrongFlags says which flags contradict each other; empty if none do.
func (c *credentialsCommand) wrongFlags(given func(flag string) bool) string {
	switch {
	case c.format != formatProcess && c.format != formatEnv && c.format != formatJSON:
		return "unknown format " + quote(c.format) + ": use process, env or json"
	case given("install") && given("format"):
		return "--install writes a profile and prints no credentials; leave --format out"
	case c.json && given("format") && c.format != formatJSON:
		return "--json and --format " + c.format + " exclude each other"
	case c.force && !given("install"):
		return "--force needs --install"
	case c.guest && given("account"):
		return "--guest and --account exclude each other"
	}
	return ""
}

// fetchCredentials gets the user's credentials. A guest's are another matter: a
// profile that was meant for a user must not silently become one.
func (c *credentialsCommand) fetchCredentials(ctx context.Context) (latchkey.Credentials, error) {
	allowed := false
	client, err := c.client(func(config *latchkey.Config) {
		allowed = config.AllowGuests
		config.AllowGuests = allowed && c.guest
	})
	if err != nil {
		return latchkey.Credentials{}, err
	}
	got, err := client.FetchCredentials(ctx)
	if !errors.Is(err, latchkey.ErrGuestsDisabled) || c.guest {
		return got, err
	}
	_, signedOut := client.CurrentUser(ctx)
	if signedOut == nil {
		return got, err // a sign-in came in between
	}
	out := &failure{code: exitSignedOut, err: signedOut}
	if allowed {
		out.hints = append(out.hints, c.typed("credentials --guest")+" prints a guest's credentials")
	}
	return latchkey.Credentials{}, out
}

// staticVariables are the variables of the AWS tools that hold keys.
func staticVariables(got latchkey.Credentials) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": got.AccessKeyID, "AWS_SECRET_ACCESS_KEY": got.SecretAccessKey.Reveal(), "AWS_SESSION_TOKEN": got.SessionToken.Reveal(),
		"AWS_CREDENTIAL_EXPIRATION": got.Expiration.UTC().Format(time.RFC3339),
	}
}

// writeEnv prints the lines that set the AWS tools' variables in a shell.
func (c *credentialsCommand) writeEnv(got latchkey.Credentials) {
	variables := staticVariables(got)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		c.out.Print("export " + name + "=" + shellQuote(variables[name]))
	}
}
