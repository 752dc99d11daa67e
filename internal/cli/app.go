package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// app is one run of the program. Commands share its client.
type app struct {
	*commandLine
	console

	// catchSignals makes SIGINT and SIGTERM cancel the run's context.
	catchSignals func()

	opened *latchkey.Client // nil until the first command needs it
	active *latchkey.Client // what opened was made of, if it is of one account

	helpMisuse error // of a help that was asked for by a wrong word
}

// commandLine is how the program was called: it finds the configuration and the stored
// sessions, and says what to type next.
type commandLine struct {
	program    string // how to type this program's name
	configFlag string
	homeFlag   string
	// accountFlag is the username of the account that a command uses; empty for the active one.
	accountFlag string
	target      target // set when a configuration was read
}

// console has the standard streams, and the form of the data on standard output.
type console struct {
	json     bool
	in       io.Reader
	out, err *ui.Output
}

// home is the folder that sessions are kept in.
func (c *commandLine) home() (string, error) {
	folder, err := userdirs.Home(c.homeFlag)
	if err != nil {
		return "", &failure{code: exitFailed, err: err, hints: []string{"set " + userdirs.HomeVariable + " to a folder of yours"}}
	}
	return folder, nil
}

// config reads the configuration.
func (c *commandLine) config() (latchkey.Config, error) {
	path, err := findConfig(c.configFlag)
	if err != nil {
		return latchkey.Config{}, c.noConfig(err)
	}
	config, err := latchkey.LoadConfig(path)
	if err != nil {
		return latchkey.Config{}, &failure{code: exitUsage, err: err}
	}
	c.target = targetOf(config)
	return config, nil
}

// noConfig says how to get a configuration. The hint depends on whether one was named.
func (c *commandLine) noConfig(err error) error {
	hint := "start a service with `" + c.program + " up`, or name an amplify_outputs.json with --config"
	if c.configFlag != "" || os.Getenv(userdirs.ConfigVariable) != "" {
		hint = "name a file that exists, or leave --config and LATCHKEY_CONFIG out to use your own"
	}
	text := "there is no configuration"
	if missing, ok := errors.AsType[*os.PathError](err); ok {
		text += " at " + missing.Path
		if !errors.Is(err, os.ErrNotExist) {
			text += ": " + missing.Err.Error()
		}
	}
	return &failure{code: exitUsage, err: errors.New(text), hints: []string{hint}}
}

// client opens the session client over the stored sessions. Only the first command of a
// run can change its configuration.
func (a *app) client(changes ...func(*latchkey.Config)) (*latchkey.Client, error) {
	if a.opened != nil {
		return a.opened, nil
	}
	config, err := a.config()
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		change(&config)
	}
	folder, err := a.home()
	if err != nil {
		return nil, err
	}
	if config.Store, err = filestore.New(userdirs.Sessions(folder)); err != nil {
		return nil, err
	}
	config.FormerEndpoints = formerEndpoints(a.err, folder, config)
	config.HTTPClient = lazyClient(config.CAFile, a.catchSignals)
	config.CAFile = ""
	client, err := latchkey.New(config)
	if err != nil {
		return nil, &failure{code: exitUsage, err: err}
	}
	if a.opened = client; a.accountFlag == "" {
		return client, nil
	}
	a.active = client
	a.opened, err = client.For(a.accountFlag)
	return a.opened, err
}

// addAccountFlag gives a command that uses a session the flag --account.
func (a *app) addAccountFlag(command *cobra.Command) {
	command.Flags().Func("account", "`username` of the account to use (default: the active account)", func(name string) error {
		if a.accountFlag = name; name == "" {
			return errors.New("give the username of an account")
		}
		return nil
	})
}

// close waits for a refresh that a command has started in the background.
func (a *app) close() error {
	var err error
	for _, client := range []*latchkey.Client{a.opened, a.active} {
		if client != nil {
			err = errors.Join(err, client.Close())
		}
	}
	return err
}

// typed is a command of this program with the configuration of this run, for hints.
func (c *commandLine) typed(command string) string {
	text := "`" + c.program + " " + command
	if c.configFlag != "" {
		text += " --config " + shellQuote(c.configFlag)
	}
	return text + "`"
}

// invocation is what to type to run this program again, for hints.
func invocation(arg0 string) string {
	if path, err := os.Executable(); err == nil && builtByGoRun(path) {
		return "go run ./cmd/latchkey"
	}
	if strings.ContainsRune(arg0, filepath.Separator) {
		return arg0
	}
	return "latchkey"
}

// builtByGoRun reports whether a program lies where the go command puts what it
// builds and runs at once: a folder "exe", or, run again unchanged, a folder
// "<hash>-d" of the build cache.
func builtByGoRun(path string) bool {
	folder := filepath.Base(filepath.Dir(path))
	return strings.Contains(filepath.ToSlash(path), "/go-build") && (folder == "exe" || strings.HasSuffix(folder, "-d"))
}

func quote(text string) string { return `"` + ui.Clean(text) + `"` }
