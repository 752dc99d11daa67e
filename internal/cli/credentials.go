package cli

import (
	"context"
	"errors"
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
		Long: "Prints the AWS credentials that the identity pool gives to whoever is signed in,\n" +
			"renewed first if they have expired. The form \"process\" is what credential_process\n" +
			"in the AWS configuration file reads; --install writes a profile that does.",
		Example: "  latchkey credentials --install work   # once\n" +
			"  aws s3 ls --profile work\n" +
			"  eval \"$(latchkey credentials --format env)\"",
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.credentials(cmd) },
	}
	f := command.Flags()
	f.StringVar(&c.format, "format", formatProcess, "`form` of what is printed: process, env or json")
	f.BoolVar(&c.guest, "guest", false, "print a guest's credentials while nobody is signed in")
	f.StringVar(&c.profile, "install", "", "write the `profile` into the AWS configuration file instead")
	f.BoolVar(&c.force, "force", false, "with --install: replace a profile that something else has made")
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
	if c.json && !cmd.Flags().Changed("format") {
		c.format = formatJSON
	}
	switch {
	case c.format != formatProcess && c.format != formatEnv && c.format != formatJSON:
		return c.misuse(cmd, "there are the forms process, env and json, and not "+quote(c.format))
	case cmd.Flags().Changed("install"):
		return (&profileInstaller{c}).install(cmd)
	case c.force:
		return c.misuse(cmd, "--force goes with --install")
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

// writeEnv prints what a shell sets the AWS tools' variables by.
func (c *credentialsCommand) writeEnv(got latchkey.Credentials) {
	for _, variable := range [][2]string{
		{"AWS_ACCESS_KEY_ID", got.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", got.SecretAccessKey.Reveal()},
		{"AWS_SESSION_TOKEN", got.SessionToken.Reveal()},
		{"AWS_CREDENTIAL_EXPIRATION", got.Expiration.UTC().Format(time.RFC3339)},
	} {
		c.out.Print("export " + variable[0] + "=" + shellQuote(variable[1]))
	}
}
