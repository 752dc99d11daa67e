// Package strictbase64 decodes base64 that comes from outside (RFC 4648). Each sequence of
// bytes has one accepted text: unlike encoding/base64, also in its Strict form, this
// package refuses line ends. RFC 4648, section 3.3, demands that, and tokens that are
// stored, compared or counted by their text must not have a second spelling.
package strictbase64

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrMalformed does not quote the text, which may be secret.
var ErrMalformed = errors.New("strictbase64: malformed base64")

// Decode decodes the standard alphabet with padding (RFC 4648, section 4).
func Decode(text string) ([]byte, error) { return decode(base64.StdEncoding, text) }

// DecodeURL decodes the URL-safe alphabet without padding (RFC 4648, section 5), as JOSE
// uses it (RFC 7515, section 2).
func DecodeURL(text string) ([]byte, error) { return decode(base64.RawURLEncoding, text) }

func decode(encoding *base64.Encoding, text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // encoding/base64 skips them
		return nil, ErrMalformed
	}
	decoded, err := encoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrMalformed
	}
	return decoded, nil
}
