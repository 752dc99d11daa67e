package srp

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

// What is wrong with a field, for errors.Is. All of these are found before
// anything is raised to a power, so that a junk request stays cheap.
var (
	// ErrEmpty means a field that must hold something is empty.
	ErrEmpty = errors.New("is empty")
	// ErrTooLong means more hexadecimal digits than N has (768), or a text
	// longer than any valid one.
	ErrTooLong = errors.New("is too long")
	// ErrMalformed means a character that does not belong: in hexadecimal
	// text everything but digits, which includes signs, "0x" and spaces.
	ErrMalformed = errors.New("is malformed")
	// ErrOutOfRange means a number outside of what the protocol allows: A or B
	// above N, a salt of 0, a stored verifier that is 0, 1, N−1 or above.
	ErrOutOfRange = errors.New("is out of range")
	// ErrZeroA means A ≡ 0 mod N, with which anybody would sign in as anyone
	// (RFC 5054, section 2.5.4).
	ErrZeroA = errors.New("is zero modulo N")
	// ErrZeroB means B ≡ 0 mod N (RFC 5054, section 2.5.3).
	ErrZeroB = errors.New("is zero modulo N")
	// ErrZeroU means u = H(PAD(A) ‖ PAD(B)) is 0.
	ErrZeroU = errors.New("srp: the scrambling parameter u is zero; start a new handshake")
)

// Why a handshake failed, for errors.Is.
var (
	// ErrMismatch means that the proof does not fit: a wrong password, or a
	// pool, user, SECRET_BLOCK or TIMESTAMP other than what was signed.
	ErrMismatch = errors.New("srp: the signature does not match")
	// ErrUsed means that the handshake has been completed or tried once.
	ErrUsed = errors.New("srp: the handshake was used before; start a new one")
	// ErrState means that RestoreServer was given something that Secret never made.
	ErrState = errors.New("srp: the handshake's secret is damaged")
)

// maxDigits is how many hexadecimal digits a number may have: those of N.
const maxDigits = 2 * elementSize

// fieldError names the field; its value stays out of the message.
func fieldError(name string, err error) error { return fmt.Errorf("srp: %s %w", name, err) }

// decodeHex reads a positive number as Cognito writes it: hexadecimal digits
// without sign, prefix or even-length rule. Capitals and leading zeros are
// accepted, as Java's BigInteger accepts them.
func decodeHex(name, text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, fieldError(name, ErrEmpty)
	case len(text) > maxDigits:
		return nil, fieldError(name, ErrTooLong)
	}
	if len(text)%2 == 1 {
		text = "0" + text
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, fieldError(name, ErrMalformed) // err would quote the text
	}
	return b, nil
}

// encodeHex is the opposite of decodeHex: lower case, no leading zeros, since
// some clients hash the text as they find it.
func encodeHex(b []byte) string {
	return strings.TrimLeft(hex.EncodeToString(b), "0")
}

// decodeBase64 reads standard base64 of 1 to limit bytes.
func decodeBase64(name, text string, limit int) ([]byte, error) {
	switch {
	case text == "":
		return nil, fieldError(name, ErrEmpty)
	case len(text) > base64.StdEncoding.EncodedLen(limit):
		return nil, fieldError(name, ErrTooLong)
	}
	b, err := strictbase64.Decode(text)
	if err != nil {
		return nil, fieldError(name, ErrMalformed)
	}
	if len(b) > limit {
		return nil, fieldError(name, ErrTooLong)
	}
	return b, nil
}

// required refuses the first empty text; arguments are names and texts by turns.
func required(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fieldError(pairs[i], ErrEmpty)
		}
	}
	return nil
}

// trimZeros returns the minimal big-endian form.
func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// pad is Cognito's PAD, Java's BigInteger.toByteArray of a positive number:
// minimal big-endian bytes, after a zero byte where the top bit is set.
func pad(b []byte) []byte {
	b = trimZeros(b)
	if len(b) > 0 && b[0] < 0x80 {
		return append(make([]byte, 0, len(b)+1), b...)
	}
	return append(make([]byte, 1, len(b)+2), b...)
}

// PoolName returns the part of a user pool id that is hashed with the
// password: all after the first underscore.
func PoolName(userPoolID string) (string, error) {
	_, name, found := strings.Cut(userPoolID, "_")
	if !found || name == "" {
		return "", fieldError("user pool id", ErrMalformed)
	}
	return name, nil
}
