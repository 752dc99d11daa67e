package srp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

const (
	saltSize           = 16
	devicePasswordSize = 40
	redacted           = "[redacted]"
)

// Verifier is what a service keeps of a password. Who holds it can test
// guesses offline at the price of a hash and one power each, so it is to be
// sealed with a key outside the database. It prints as "[redacted]".
//
// Both fields are positive integers in minimal big-endian form; the salt has
// up to 16 bytes. A verifier fits one pool and one user (USER_ID_FOR_SRP):
// renaming either makes it useless.
type Verifier struct {
	Salt []byte
	V    []byte // g^x mod N
}

// NewVerifier makes a verifier with a random salt. pool is the part of the
// user pool id after the first underscore, see [PoolName]. Texts are hashed as
// they are, without Unicode normalization. The error is [ErrEmpty].
func NewVerifier(pool, user, password string) (Verifier, error) {
	return DeviceVerifier(pool, user, password, nil)
}

// DeviceVerifier makes the verifier of a remembered device for ConfirmDevice;
// the password is one of [NewDevicePassword]. salt is a big-endian integer of
// 1 to 384 bytes; nil draws 16 random bytes.
func DeviceVerifier(groupKey, deviceKey, password string, salt []byte) (Verifier, error) {
	if err := required("pool", groupKey, "user", deviceKey, "password", password); err != nil {
		return Verifier{}, err
	}
	if salt == nil {
		salt = make([]byte, saltSize)
		rand.Read(salt) // never fails
	}
	salt, err := checkSalt(salt)
	if err != nil {
		return Verifier{}, err
	}
	v := powerOfPassword(groupKey, deviceKey, password, salt)
	return Verifier{Salt: salt, V: v.bytes()}, nil
}

// NewDevicePassword returns the password a client makes for a remembered
// device: base64 of 40 random bytes.
func NewDevicePassword() string {
	b := make([]byte, devicePasswordSize)
	defer clear(b)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// ParseDevice reads Salt and PasswordVerifier of ConfirmDevice's
// DeviceSecretVerifierConfig. The sign byte of Java's form may be missing.
// Errors: [ErrEmpty], [ErrTooLong], [ErrMalformed], [ErrOutOfRange].
func ParseDevice(salt, passwordVerifier string) (Verifier, error) {
	s, err := decodeBase64("Salt", salt, elementSize+1)
	if err != nil {
		return Verifier{}, err
	}
	if s, err = checkSalt(s); err != nil {
		return Verifier{}, err
	}
	p, err := decodeBase64("PasswordVerifier", passwordVerifier, elementSize+1)
	if err != nil {
		return Verifier{}, err
	}
	v := Verifier{Salt: s, V: trimZeros(p)}
	_, err = v.element()
	return v, err
}

// Device returns the verifier as ConfirmDevice carries it: base64 of the
// integers in Java's form.
func (v Verifier) Device() (salt, passwordVerifier string) {
	encode := base64.StdEncoding.EncodeToString
	return encode(pad(v.Salt)), encode(pad(v.V))
}

// Matches reports whether password is the verifier's, by making g^x again and
// comparing in constant time. A damaged verifier matches nothing.
func (v Verifier) Matches(pool, user, password string) bool {
	want, err := v.element()
	if err != nil || required("pool", pool, "user", user, "password", password) != nil {
		return false
	}
	got := powerOfPassword(pool, user, password, v.Salt)
	defer got.wipe()
	return subtle.ConstantTimeCompare(got.fixed(), want.fixed()) == 1
}

// element returns g^x, checked. 0, 1 and N−1 would let anybody in; they can
// come from ConfirmDevice, where the client chooses the verifier.
func (v Verifier) element() (element, error) {
	if len(v.V) > elementSize {
		return element{}, fieldError("verifier", ErrTooLong)
	}
	e, err := newElement(v.V, ErrOutOfRange)
	if err == nil && e.trivial() {
		err = ErrOutOfRange
	}
	if err != nil {
		return element{}, fieldError("verifier", err)
	}
	if _, err = checkSalt(v.Salt); err != nil {
		return element{}, err
	}
	return e, nil
}

// checkSalt returns the minimal form of a salt that is not zero.
func checkSalt(salt []byte) ([]byte, error) {
	salt = trimZeros(salt)
	switch {
	case len(salt) == 0:
		return nil, fieldError("salt", ErrOutOfRange)
	case len(salt) > elementSize:
		return nil, fieldError("salt", ErrTooLong)
	}
	return salt, nil
}

// powerOfPassword returns v = g^x.
func powerOfPassword(pool, user, password string, salt []byte) element {
	x := privateKey(pool, user, password, salt)
	defer clear(x)
	return powerSecretElement(x)
}

// Format writes "[redacted]" for every verb.
func (v Verifier) Format(f fmt.State, _ rune) { redact(f) }

// LogValue returns "[redacted]" for log/slog.
func (v Verifier) LogValue() slog.Value { return slog.StringValue(redacted) }

func redact(w io.Writer) { _, _ = io.WriteString(w, redacted) }
