package shortcut

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a token, as package jwt has them.
const (
	maxToken      = 16 << 10 // bytes
	maxTimeDigits = 10       // of seconds since 1970
)

// readTimes reads when a token was issued and when it expires, by its claims iat and
// exp. It accepts what package jwt does, or less; that package, with what it needs
// to fetch keys, is a part of the program that is not set up yet.
func readTimes(raw string) (issued, expires time.Time, ok bool) {
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return issued, expires, false
	}
	if _, err := base64url.DecodeString(parts[2]); err != nil {
		return issued, expires, false
	}
	ok = object(parts[0], func(d *jsontext.Decoder, name string) error {
		switch name {
		case "alg", "kid", "typ":
			return text(d, new(string))
		}
		return d.SkipValue()
	}) && object(parts[1], func(d *jsontext.Decoder, name string) error {
		switch name {
		case "iat":
			return instant(d, &issued)
		case "exp":
			return instant(d, &expires)
		}
		return d.SkipValue()
	})
	return issued, expires, ok
}

// base64url is unpadded (RFC 7515 section 2).
var base64url = base64.RawURLEncoding.Strict()

// object reads a part of a token: f what follows each name.
func object(part string, f func(d *jsontext.Decoder, name string) error) bool {
	data, err := base64url.DecodeString(part)
	return err == nil && whole(data, f)
}

// instant reads whole seconds since 1970.
func instant(d *jsontext.Decoder, into *time.Time) error {
	if d.PeekKind() != '0' {
		return errOther
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	digits := token.String()
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || seconds < 0 || len(digits) > maxTimeDigits {
		return errOther
	}
	*into = time.Unix(seconds, 0)
	return nil
}
