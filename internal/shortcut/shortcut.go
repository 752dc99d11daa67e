// Package shortcut answers `latchkey credentials` and `latchkey token` with little of
// the program.
//
// Other programs run these two all the time, the AWS CLI and SDKs the first of them
// whenever they start, and nearly always the answer lies in the store, good for a
// while yet. Reading a few small files takes less time than setting up everything
// else that the program is linked with. So package atstart, in the folder below,
// asks here before the rest is set up, and where there is an answer the program
// ends with it.
//
// [Answer] answers only what needs no thought: the default form, a configuration as
// Amplify Gen 2 writes it, a user who is signed in, and something to hand out that
// is fresh, not merely unexpired. Everything else, and each kind of trouble, it
// leaves to the command proper in internal/cli, which starts anew as if nothing had
// been tried; so it changes nothing, and consumes nothing, that the command will
// look at.
package shortcut

import (
	"context"
	"os"
	"time"

	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// Answer answers a command line, without the program's name, at a time that carries a
// monotonic reading. It reports false where the command has to be run.
func Answer(args []string, now time.Time) (answer []byte, ok bool) {
	line, ok := parse(args)
	if !ok {
		return nil, false
	}
	return line.answer(now)
}

func (line commandLine) answer(now time.Time) (answer []byte, ok bool) {
	record, ok := line.record()
	if !ok || record.Account.Username == "" || record.Ended != nil || record.Tokens == nil {
		return nil, false
	}
	switch line.wanted {
	case wantCredentials:
		return credentials(record, now)
	case wantID:
		return token(record, record.Tokens.ID, now)
	}
	return token(record, record.Tokens.Access, now)
}

// credentials answers where the client would hand the record's credentials out and
// have nothing else to do: see Client.FetchCredentials.
func credentials(r store.Record, now time.Time) (answer []byte, ok bool) {
	c := r.Credentials
	if r.Tokens.ID.IsZero() || c == nil || c.AccessKeyID == "" {
		return nil, false
	}
	window := freshness.Credentials(now, c.ReceivedAt, c.Expiration, 0)
	if !window.Fresh(now) {
		return nil, false
	}
	return credentialprocess.Append(nil, *c), true
}

// token answers with one of the record's tokens where the client would hand both
// out: see Client.FetchSession.
func token(r store.Record, wanted store.Secret, now time.Time) (answer []byte, ok bool) {
	if wanted.IsZero() {
		return nil, false
	}
	issued, expires, ok := readTimes(r.Tokens.Access.Reveal())
	if !ok {
		return nil, false
	}
	if id := r.Tokens.ID.Reveal(); id != "" {
		_, other, ok := readTimes(id)
		if !ok {
			return nil, false
		}
		if other.Before(expires) {
			expires = other
		}
	}
	life, ok := freshness.Life(issued, expires)
	if !ok {
		return nil, false
	}
	window := freshness.Tokens(now, r.Tokens.ReceivedAt, issued, life, r.Drift, 0)
	return append([]byte(wanted.Reveal()), '\n'), window.Fresh(now)
}

// record reads the record of whoever is signed in.
func (line commandLine) record() (record store.Record, ok bool) {
	path, _, err := userdirs.Config(line.config)
	if err != nil {
		return record, false
	}
	scope, identityPool, ok := readScope(path)
	if !ok || line.wanted == wantCredentials && identityPool == "" {
		return record, false
	}
	home, err := userdirs.Home(line.home)
	if err != nil {
		return record, false
	}
	files, err := filestore.New(userdirs.Sessions(home))
	if err != nil {
		return record, false
	}
	record, err = files.Peek(context.Background(), scope)
	return record, err == nil
}

// maxConfig bounds the configuration file, in bytes.
const maxConfig = 1 << 20

// readScope reads what sessions of a configuration are kept under, and its identity
// pool. Only a plain file is read: what comes through a pipe can be read once.
func readScope(path string) (scope store.Scope, identityPool string, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxConfig {
		return scope, "", false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return scope, "", false
	}
	return scopeOf(data)
}
