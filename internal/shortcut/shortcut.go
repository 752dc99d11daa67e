// Package shortcut answers `latchkey credentials` with little of the program.
//
// The AWS CLI and SDKs run that command each time they start, and nearly always the
// answer lies in the store, good for a while yet. Reading two small files takes
// less time than setting up everything else that the program is linked with. So
// package atstart, in the folder below, asks here before the rest is set up, and
// where there is an answer the program ends with it.
//
// [Credentials] answers only what needs no thought: the default form, a
// configuration as Amplify Gen 2 writes it, a user who is signed in, and
// credentials that are fresh, not merely unexpired. Everything else, and each kind of trouble, it leaves to the
// command proper in internal/cli, which starts anew as if nothing had been tried;
// so it changes nothing, and consumes nothing, that the command will look at.
package shortcut

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// Credentials answers a command line, without the program's name, at a time that
// carries a monotonic reading. It reports false where the command has to be run.
func Credentials(args []string, now time.Time) (answer []byte, ok bool) {
	line, ok := parse(args)
	if !ok {
		return nil, false
	}
	path, _, err := userdirs.Config(line.config)
	if err != nil {
		return nil, false
	}
	scope, ok := readScope(path)
	if !ok {
		return nil, false
	}
	home, err := userdirs.Home(line.home)
	if err != nil {
		return nil, false
	}
	files, err := filestore.New(userdirs.Sessions(home))
	if err != nil {
		return nil, false
	}
	record, err := files.Peek(context.Background(), scope)
	if err != nil || !serves(record, now) {
		return nil, false
	}
	return credentialprocess.Append(nil, *record.Credentials), true
}

// serves reports whether the client would hand the record's credentials out and
// have nothing else to do: see Client.FetchCredentials.
func serves(r store.Record, now time.Time) bool {
	if r.Account.Username == "" || r.Ended != nil || r.Tokens == nil || r.Tokens.ID.IsZero() {
		return false
	}
	c := r.Credentials
	if c == nil || c.AccessKeyID == "" {
		return false
	}
	window := freshness.Credentials(now, c.ReceivedAt, c.Expiration, 0)
	return window.Fresh(now)
}

// commandLine is what the flags say.
type commandLine struct{ config, home string }

// parse reads the flags that it knows the meaning of, in the forms of the command's.
func parse(args []string) (line commandLine, ok bool) {
	if len(args) == 0 || args[0] != "credentials" {
		return line, false
	}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		if args[0] == "--guest" {
			continue // is for when nobody is signed in
		}
		name, value, joined := strings.Cut(args[0], "=")
		if !joined {
			if len(args) == 1 {
				return line, false
			}
			value, args = args[1], args[1:]
		}
		switch {
		case name == "--config":
			line.config = value
		case name == "--home":
			line.home = value
		case name == "--format" && value == "process":
		default:
			return line, false
		}
	}
	return line, true
}

// maxConfig bounds the configuration file, in bytes.
const maxConfig = 1 << 20

// readScope reads what sessions of a configuration are kept under. Only a plain
// file is read: what comes through a pipe can be read once.
func readScope(path string) (scope store.Scope, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxConfig {
		return scope, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return scope, false
	}
	return scopeOf(data)
}
