// Package random makes ids and texts that nobody can guess, from the system's
// source of randomness.
package random

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
)

// Alphabets for [Text].
const (
	Digits = "0123456789"
	Lower  = "abcdefghijklmnopqrstuvwxyz"
	Upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// UUID makes a random UUID (RFC 9562, section 5.4).
func UUID() string { return FormatUUID(uuid()) }

// SessionID makes a UUID for a session. Its refresh tokens begin with its bytes, in
// base64url, and are passed to commands: one that began with "-" would be taken for
// an option, by the AWS CLI among others. Sessions of before may have such an id.
func SessionID() string {
	id := uuid()
	for base64.RawURLEncoding.EncodeToString(id[:1])[0] == '-' {
		id = uuid()
	}
	return FormatUUID(id)
}

func uuid() (b [16]byte) {
	rand.Read(b[:])
	return AsUUID(b)
}

// AsUUID sets the version and the variant of a random UUID in 16 bytes, for ids
// that are derived and must look random.
func AsUUID(b [16]byte) [16]byte {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

// FormatUUID writes 16 bytes in the form of a UUID.
func FormatUUID(b [16]byte) string {
	text := make([]byte, 0, 36)
	for i, part := range [...][]byte{b[0:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	return string(text)
}

// Text draws n characters of an alphabet of at most 256 bytes, each equally
// likely.
func Text(alphabet string, n int) string {
	limit := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	var buf [64]byte
	for len(text) < n {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) < limit && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}
