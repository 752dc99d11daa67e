// Package notes leaves the notes that package shortcut answers from.
//
// [Leave] is called at the end of a run that went the long way. It looks at the files
// as they are then, and judges them by the rules that the client goes by: who is
// signed in, and what is fresh (internal/freshness).
package notes

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/internal/shortcut"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// ErrNothing means that there is nothing that a note could say: nobody is signed in,
// or nothing is fresh, or the files are not of the plain kind that notes are for.
var ErrNothing = errors.New("there is nothing to note")

// Leave leaves a note for a configuration file, by the name that it is called by, and
// the sessions in a home. It fails with ErrNothing, or with what the system says; no
// failure matters to the answers, which then take longer.
func Leave(config, home string, now time.Time) error {
	n, record, err := look(config, home)
	if err != nil {
		return err
	}
	n.Replies = replies(record.decoded, record.data, record.identityPool, now)
	data, ok := n.Encode()
	if !ok || len(n.Replies) == 0 {
		return ErrNothing
	}
	path := shortcut.NotePath(home, config)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteLazy(path, data)
}

// found is the record of whoever is active.
type found struct {
	data         []byte
	decoded      store.Record
	identityPool bool // the configuration has one
}

// look reads the three files, and nothing beside them, so that the note is about what
// it has the sum of.
func look(config, home string) (*shortcut.Note, found, error) {
	configuration, ok := shortcut.Read(config)
	if !ok {
		return nil, found{}, ErrNothing
	}
	parsed, err := latchkey.ParseConfig(configuration)
	if err != nil {
		return nil, found{}, err
	}
	files, err := filestore.New(userdirs.Sessions(home))
	if err != nil {
		return nil, found{}, err
	}
	n := &shortcut.Note{Pointer: files.ActivePath(store.Scope{PoolID: parsed.UserPoolID, ClientID: parsed.ClientID})}
	pointer, ok := shortcut.ReadPrivate(n.Pointer)
	if !ok {
		return nil, found{}, ErrNothing
	}
	account, err := store.DecodeAccount(pointer)
	if err != nil {
		return nil, found{}, err
	}
	n.Record = files.RecordPath(account)
	data, ok := shortcut.ReadPrivate(n.Record)
	if !ok {
		return nil, found{}, ErrNothing
	}
	record, err := store.Decode(data)
	if err != nil {
		return nil, found{}, err
	}
	if record.Account != account || account.PoolID != parsed.UserPoolID || account.ClientID != parsed.ClientID {
		return nil, found{}, ErrNothing
	}
	n.Sum = shortcut.Sum(configuration, pointer, data)
	return n, found{data, record, parsed.IdentityPoolID != ""}, nil
}

// replies are the answers that hold from now on.
func replies(r store.Record, data []byte, identityPool bool, now time.Time) []shortcut.Reply {
	if r.Account.Username == "" || r.Ended != nil || r.Tokens == nil {
		return nil
	}
	var list []shortcut.Reply
	add := func(wanted string, window freshness.Window, answer []byte, secrets ...string) {
		until := time.Unix(0, window.DueWall)
		if pieces, ok := pieces(answer, data, secrets); ok && window.Fresh(now) {
			list = append(list, shortcut.Reply{Wanted: wanted, From: now, Until: until, Pieces: pieces})
		}
	}
	if c := r.Credentials; identityPool && c != nil && c.AccessKeyID != "" && !r.Tokens.ID.IsZero() {
		add(shortcut.Credentials, freshness.Credentials(now, c.ReceivedAt, c.Expiration, 0), credentialprocess.Append(nil, *c),
			c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())
	}
	if window, ok := tokens(r, now); ok {
		for wanted, token := range map[string]string{shortcut.Access: r.Tokens.Access.Reveal(), shortcut.ID: r.Tokens.ID.Reveal()} {
			if token != "" {
				add(wanted, window, []byte(token+"\n"), token)
			}
		}
	}
	return list
}

// tokens is when the record's tokens can be used.
func tokens(r store.Record, now time.Time) (w freshness.Window, ok bool) {
	access, err := jwt.Decode(r.Tokens.Access.Reveal())
	if err != nil {
		return w, false
	}
	expires := []time.Time{access.Expiry()}
	if !r.Tokens.ID.IsZero() {
		id, err := jwt.Decode(r.Tokens.ID.Reveal())
		if err != nil {
			return w, false
		}
		expires = append(expires, id.Expiry())
	}
	life, ok := freshness.Life(access.IssuedAt(), expires...)
	if !ok {
		return w, false
	}
	return freshness.Tokens(now, r.Tokens.ReceivedAt, access.IssuedAt(), life, r.Drift, 0), true
}

// pieces puts parts of the record in the place of an answer's secrets, which come in
// this order. It reports false if one is not found in both, written in the same way.
func pieces(answer, record []byte, secrets []string) (list []shortcut.Piece, ok bool) {
	rest, ok := bytes.CutSuffix(answer, []byte("\n"))
	if !ok {
		return nil, false
	}
	for _, secret := range secrets {
		quoted, err := jsontext.AppendQuote(nil, secret)
		if err != nil || secret == "" {
			return nil, false
		}
		at := bytes.Index(record, quoted)
		inner := quoted[1 : len(quoted)-1]
		before, after, found := bytes.Cut(rest, inner)
		if at < 0 || !found {
			return nil, false
		}
		list = append(list, shortcut.Piece{Text: string(before)}, shortcut.Piece{Offset: at + 1, Length: len(inner)})
		rest = after
	}
	return append(list, shortcut.Piece{Text: string(rest)}), true
}
