package userpool

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

const (
	digits       = "0123456789"
	lower        = "abcdefghijklmnopqrstuvwxyz"
	upper        = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	poolAlphabet = digits + upper + lower
	keyAlphabet  = digits + lower
)

// newUUID makes a random UUID (RFC 9562, section 5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return formatUUID(b)
}

func formatUUID(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// parseUUID undoes formatUUID.
func parseUUID(s string) (b [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return b, false
	}
	packed := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	_, err := hex.Decode(b[:], []byte(packed))
	return b, err == nil
}

// randomText draws n characters, each equally likely.
func randomText(alphabet string, n int) string {
	limit := byte(256 - 256%len(alphabet))
	text := make([]byte, 0, n)
	var buf [64]byte
	for len(text) < n {
		rand.Read(buf[:])
		for _, b := range buf {
			if b < limit && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// maxPoolID is the longest pool id (API reference, UserPoolIdType).
const maxPoolID = 55

// isPoolID reports whether a text has the shape of a pool id: one underscore,
// behind the region.
func isPoolID(id string) bool {
	region, name, ok := strings.Cut(id, "_")
	return ok && len(id) <= maxPoolID && consistsOf(region, poolAlphabet+"-") && consistsOf(name, poolAlphabet)
}

// isClientID reports whether a text has the shape of a client id (API
// reference, ClientIdType).
func isClientID(id string) bool { return len(id) <= 128 && consistsOf(id, poolAlphabet+"_+") }

// consistsOf reports whether a text is not empty and has only these characters.
func consistsOf(text, characters string) bool {
	return text != "" && strings.Trim(text, characters) == ""
}

// Shapes of Cognito's ids (cognito-idp API reference, patterns of UserPoolId and ClientId).
func newPoolID(region string) string { return region + "_" + randomText(poolAlphabet, 9) }
func newClientID() string            { return randomText(keyAlphabet, 26) }
func newClientSecret() string        { return randomText(keyAlphabet, 51) }
