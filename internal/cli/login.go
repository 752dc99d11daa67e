package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// loginCommand is `latchkey login` with its flags.
type loginCommand struct {
	*app
	fromStdin bool
	web       webFlags
}

func (a *app) loginCommand() *cobra.Command {
	c := &loginCommand{app: a}
	command := &cobra.Command{
		Use:   "login [USERNAME]",
		Short: "Sign in",
		Long: `Signs in with a username and a password, by Secure Remote Password: the password
does not leave this machine. Whatever else the service asks for, such as a new
password or a code, is asked for on the terminal.

The password is typed, or read from standard input with --password-stdin. It
cannot be given as an argument, where other programs would see it.

With --web it opens the service's sign-in pages in your browser instead. In a remote
shell add --no-browser: it shows the address, and reads back the address that your
browser, wherever it is, ends up at.`,
		Example: "  latchkey login demo\n  latchkey login demo --password-stdin <password.txt\n" +
			"  latchkey login --web --provider Google",
		Args: a.atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			username := ""
			if len(args) == 1 {
				username = args[0]
			}
			if wrong := c.web.check(c.fromStdin); wrong != "" {
				return a.misuse(cmd, wrong)
			}
			if c.web.on {
				return c.loginWeb(cmd.Context(), username)
			}
			if username == "" && (c.fromStdin || len(args) == 1) {
				return a.misuse(cmd, "give a username")
			}
			return c.login(cmd.Context(), username)
		},
	}
	command.Flags().BoolVar(&c.fromStdin, "password-stdin", false, "read the password from standard input, up to the end of its first line")
	c.web.add(command)
	return command
}

func (c *loginCommand) login(ctx context.Context, username string) error {
	c.catchSignals()
	client, err := c.client()
	if err != nil {
		return err
	}
	asker := &dialogue{app: c.app, hint: "give the password with --password-stdin, or sign in from a terminal"}
	defer asker.close()
	username, password, err := c.enter(ctx, asker, username)
	if err != nil {
		return err
	}
	asker.hint = "sign in from a terminal, with " + c.typed("login "+shellQuote(username))
	step, err := client.SignIn(ctx, latchkey.Password(username, password))
	for err == nil && !step.Done() {
		step, err = asker.answer(ctx, step)
	}
	if err != nil {
		return c.refused(err)
	}
	return c.welcome(ctx, client)
}

// enter asks for username and password.
func (c *loginCommand) enter(ctx context.Context, asker *dialogue, username string) (string, string, error) {
	if c.fromStdin {
		password, err := c.readPassword()
		return username, password, err
	}
	if username == "" {
		var err error
		if username, err = asker.ask(ctx, "Username:"); err != nil {
			return "", "", err
		}
	}
	password, err := asker.askHidden(ctx, "Password for "+username+":")
	return username, password, err
}

// readPassword reads the first line of standard input.
func (c *loginCommand) readPassword() (string, error) {
	password, err := ui.ReadLine(c.in)
	if errors.Is(err, io.EOF) || err == nil && password == "" {
		err = errors.New("there is no password on standard input")
	}
	if err != nil {
		return "", &failure{code: exitUsage, err: err}
	}
	return password, nil
}

// refused adds what helps with a sign-in that failed.
func (c *loginCommand) refused(err error) error {
	switch {
	case errors.Is(err, latchkey.ErrUserNotConfirmed):
		return &failure{err: err, hints: []string{"confirm the sign-up with the code that was sent"}}
	case errors.Is(err, latchkey.ErrPasswordResetRequired):
		return &failure{err: err, hints: []string{"the password must be reset before you can sign in"}}
	}
	return err
}

// signedIn is the output of login --json.
type signedIn struct {
	Username  string    `json:"username"`
	UserID    string    `json:"user_id"`
	ExpiresAt time.Time `json:"expires_at"` // of the first token to expire
}

func (c *loginCommand) welcome(ctx context.Context, client *latchkey.Client) error {
	tokens, err := client.FetchTokens(ctx)
	if err != nil {
		return err
	}
	user, err := client.CurrentUser(ctx)
	if err != nil {
		return err
	}
	if c.json {
		c.writeJSON(signedIn{user.Username, user.UserID, tokens.Expiry.UTC().Truncate(time.Second)})
		return nil
	}
	c.out.Print(c.out.Paint(ui.Green, "Signed in") + fmt.Sprintf(" as %s.", ui.Clean(user.Username)))
	return nil
}
