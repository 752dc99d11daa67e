package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// app is one run of the program. What it holds beyond flags and streams is made
// when a command asks for it.
type app struct {
	program    string // how to type this program's name
	configFlag string
	homeFlag   string
	json       bool

	in       io.Reader
	out, err *ui.Output

	// catchSignals makes SIGINT and SIGTERM end the run's work in order.
	catchSignals func()

	opened *latchkey.Client
}

// home is the folder that sessions are kept in.
func (a *app) home() (string, error) {
	folder, err := userdirs.Home(a.homeFlag)
	if err != nil {
		return "", &failure{code: exitFailed, err: err, hints: []string{"set " + userdirs.HomeVariable + " to a folder of yours"}}
	}
	return folder, nil
}

// config reads the configuration.
func (a *app) config() (latchkey.Config, error) {
	path, err := latchkey.FindConfig(a.configFlag)
	if err != nil {
		return latchkey.Config{}, a.noConfig(err)
	}
	config, err := latchkey.LoadConfig(path)
	if err != nil {
		return latchkey.Config{}, &failure{code: exitUsage, err: err}
	}
	return config, nil
}

// noConfig says how to come by a configuration, which differs by whether one
// was named.
func (a *app) noConfig(err error) error {
	hint := "start a service with `" + a.program + " up`, or name an amplify_outputs.json with --config"
	if a.configFlag != "" || os.Getenv(userdirs.ConfigVariable) != "" {
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

// client opens the session client over the stored sessions. Changes to its
// configuration are for commands that open it first.
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
	if a.opened, err = latchkey.New(config); err != nil {
		return nil, &failure{code: exitUsage, err: err}
	}
	return a.opened, nil
}

// close waits for a refresh that a command has begun behind its answer.
func (a *app) close() error {
	if a.opened == nil {
		return nil
	}
	return a.opened.Close()
}

// typed is how to type a command of this program with the configuration of this
// run, for hints.
func (a *app) typed(command string) string {
	text := "`" + a.program + " " + command
	if a.configFlag != "" {
		text += " --config " + shellQuote(a.configFlag)
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
