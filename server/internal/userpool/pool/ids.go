package pool

import (
	"encoding/hex"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
)

const (
	poolAlphabet = random.Digits + random.Upper + random.Lower
	keyAlphabet  = random.Digits + random.Lower
)

// ParseUUID undoes random.FormatUUID.
func ParseUUID(s string) (b [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return b, false
	}
	packed := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	_, err := hex.Decode(b[:], []byte(packed))
	return b, err == nil
}

// MaxPoolID is the longest pool id (API reference, UserPoolIdType).
const MaxPoolID = 55

// IsPoolID reports whether a text has the shape of a pool id: one underscore,
// behind the region.
func IsPoolID(id string) bool {
	region, name, ok := strings.Cut(id, "_")
	return ok && len(id) <= MaxPoolID && consistsOf(region, poolAlphabet+"-") && consistsOf(name, poolAlphabet)
}

// IsClientID reports whether a text has the shape of a client id (API
// reference, ClientIdType).
func IsClientID(id string) bool { return len(id) <= 128 && consistsOf(id, poolAlphabet+"_+") }

// consistsOf reports whether a text is not empty and has only these characters.
func consistsOf(text, characters string) bool {
	return text != "" && strings.Trim(text, characters) == ""
}

// Shapes of Cognito's ids (cognito-idp API reference, patterns of UserPoolId and ClientId).
func NewPoolID(region string) string { return region + "_" + random.Text(poolAlphabet, 9) }

// NewClientID makes an id in the form of Cognito's.
func NewClientID() string { return random.Text(keyAlphabet, 26) }

// NewClientSecret makes a secret in the form of Cognito's.
func NewClientSecret() string { return random.Text(keyAlphabet, 51) }
