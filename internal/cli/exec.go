package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/awsprofile"
	"github.com/latchkey-auth/latchkey/internal/containercreds"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// The exit codes of a command that cannot be run, as of shells (POSIX.1-2024, 2.8.2).
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // and the number of the signal
)

// execCommand is `latchkey exec` with its flags.
type execCommand struct {
	*credentialsCommand
	static bool
}

func (a *app) execCommand() *cobra.Command {
	c := &execCommand{credentialsCommand: &credentialsCommand{app: a}}
	command := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENTS]",
		Short: "Run a command with AWS credentials that stay fresh",
		Long: `Runs a command in whose environment the AWS CLI and SDKs find the credentials of the
signed-in user. They ask this program for them, which refreshes them for as long as the
command runs, through an endpoint on 127.0.0.1 that only the command's environment can
use. Other credentials in the environment and in the default profile are hidden from the
command. With --static it gets the keys themselves, for tools that read nothing else;
they expire.

Signals are passed on, and the exit code is the command's.`,
		Example: "  latchkey exec -- aws s3 ls\n" +
			"  latchkey exec --account ann -- terraform apply",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.misuse(cmd, "name the command to run, after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.exec(cmd, args) },
	}
	f := command.Flags()
	f.SetInterspersed(false)
	f.BoolVar(&c.static, "static", false, "put the keys into the environment; they are not refreshed")
	f.BoolVar(&c.guest, "guest", false, "use a guest's credentials while no user is signed in")
	a.addAccountFlag(command)
	return command
}

func (c *execCommand) exec(cmd *cobra.Command, args []string) error {
	if c.json {
		return c.misuse(cmd, "exec has no output of its own; leave --json out")
	}
	if c.guest && c.accountFlag != "" {
		return c.misuse(cmd, "--guest and --account exclude each other")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return notStarted(args[0], err)
	}
	first, err := c.fetchCredentials(cmd.Context()) // no command is started without credentials
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "latchkey-exec-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	set, stop, err := c.supply(first)
	if err != nil {
		return err
	}
	defer stop()
	environ, err := c.environment(folder, set)
	if err != nil {
		return err
	}
	child := exec.Command(path, args[1:]...)
	child.Args[0] = args[0]
	child.Stdin, child.Stdout, child.Stderr, child.Env = c.in, os.Stdout, os.Stderr, environ
	return c.runChild(child)
}

// supply returns the variables by which the command finds credentials, and what ends their
// supply.
func (c *execCommand) supply(first latchkey.Credentials) (set map[string]string, stop func(), err error) {
	if c.static {
		return staticVariables(first), func() {}, nil
	}
	endpoint, err := containercreds.Listen(c.source)
	if err != nil {
		return nil, nil, err
	}
	return endpoint.Environment(), func() { _ = endpoint.Close() }, nil
}

// source fetches credentials for the endpoint, which the client refreshes if necessary.
func (c *execCommand) source(ctx context.Context) (containercreds.Credentials, error) {
	got, err := c.fetchCredentials(ctx)
	if err != nil {
		text, _ := c.explain(err)
		if code := exitCode(err); code == exitSignedOut || code == exitUsage {
			return containercreds.Credentials{}, &containercreds.Refusal{Code: "SignedOut", Err: errors.New(text)}
		}
		return containercreds.Credentials{}, errors.New(text)
	}
	return containercreds.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: secret.New(got.SecretAccessKey.Reveal()), SessionToken: secret.New(got.SessionToken.Reveal()), Expiration: got.Expiration,
	}, nil
}

// environment is the command's environment: the user's, with these credentials and no others.
// The region is that of the configuration, if neither the user's environment nor the default
// profile has one.
func (c *execCommand) environment(folder string, set map[string]string) ([]string, error) {
	config, err := c.config()
	if err != nil {
		return nil, err
	}
	if config.Region() != "" && !awsprofile.HasRegion(os.Environ()) {
		set["AWS_REGION"] = config.Region()
	}
	environ, err := awsprofile.Environment(os.Environ(), folder, set)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return environ, nil
}

// notStarted is the failure of a command that cannot be run.
func notStarted(name string, err error) error {
	code := exitNotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		code = exitNotFound
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	return &failure{code: code, err: fmt.Errorf("cannot run %s: %w", quote(name), err)}
}

// childExit is the exit code of a command that has run. It is an error without a text: the
// command has said what was wrong.
type childExit int

func (e childExit) Error() string { return fmt.Sprintf("the command ended with code %d", int(e)) }

// runChild runs the command to its end and passes signals on to it.
func (c *execCommand) runChild(child *exec.Cmd) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded...) // before the command starts, so that none is missed
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return notStarted(child.Args[0], err)
	}
	done := make(chan struct{})
	defer close(done)
	go forwardSignals(child.Process, signals, done)
	err := child.Wait()
	exited, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return err
	}
	return childExit(codeOf(exited.ProcessState))
}
