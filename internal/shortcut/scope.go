package shortcut

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/store"
)

// scopeOf finds the user pool and the app client in an amplify_outputs.json, and the
// identity pool if it names one. Any other file is for the command, which says what
// is wrong with it; mistakes in parts that nothing here depends on are passed over.
//
// It takes the text apart by hand: to have it decoded into a structure takes longer
// than all else that the shortcut does.
func scopeOf(data []byte) (scope store.Scope, identityPool string, ok bool) {
	var version string
	ok = whole(data, func(d *jsontext.Decoder, name string) error {
		switch {
		case strings.HasPrefix(name, "aws_"):
			return errOther // Gen 1
		case name == "version":
			return text(d, &version)
		case name != "auth":
			return d.SkipValue()
		}
		return members(d, func(name string) error {
			switch name {
			case "user_pool_id":
				return text(d, &scope.PoolID)
			case "user_pool_client_id":
				return text(d, &scope.ClientID)
			case "identity_pool_id":
				return text(d, &identityPool)
			}
			return d.SkipValue()
		})
	})
	gen2 := version == "1" || strings.HasPrefix(version, "1.")
	return scope, identityPool, ok && gen2 && scope.PoolID != "" && scope.ClientID != ""
}

// errOther means that a file is not of the one form that is read here.
var errOther = errors.New("another form")

// whole reads a text that is one object and nothing else: f what follows each name.
func whole(data []byte, f func(d *jsontext.Decoder, name string) error) bool {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if members(d, func(name string) error { return f(d, name) }) != nil {
		return false
	}
	_, err := d.ReadToken()
	return errors.Is(err, io.EOF)
}

// members calls f after each name of an object, to read what follows it.
func members(d *jsontext.Decoder, f func(name string) error) error {
	if d.PeekKind() != '{' {
		return errOther
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := f(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken() // the end of the object, or why it has none
	return err
}

// text reads a string.
func text(d *jsontext.Decoder, into *string) error {
	if d.PeekKind() != '"' {
		return errOther
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	*into = token.String()
	return nil
}
