package server

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// ErrSealingKey means that Storage was used with a sealing key that Config lacks.
var ErrSealingKey = keys.ErrMasterKey

// SealingKey encrypts the secrets in the database, such as signing keys and password
// verifiers, and derives refresh tokens. Keep it outside the database: without it
// the secrets are lost. It prints as "[redacted]". The zero value is no key.
//
// Make one with [NewKey], store what Reveal returns, and read that with [ParseKey].
type SealingKey struct {
	digits secret.String // kept behind a pointer, which fmt does not follow
}

// NewKey returns a new random key.
func NewKey() SealingKey {
	return SealingKey{secret.New(random.Text("0123456789abcdef", 2*seal.KeySize))}
}

// ParseKey reads a key: 64 hexadecimal digits, on a line that may be preceded by
// comment lines that start with "#". The key file of `latchkey up`, master.key, has
// that form. Errors do not repeat the text.
func ParseKey(text string) (SealingKey, error) {
	key, err := seal.ParseKey([]byte(text))
	if err != nil {
		return SealingKey{}, fmt.Errorf("server: parse sealing key: %w", err)
	}
	return SealingKey{secret.New(hex.EncodeToString(key))}, nil
}

// Reveal returns the 64 hexadecimal digits, for storing a new key.
func (k SealingKey) Reveal() string { return k.digits.Reveal() }

// String returns "[redacted]".
func (SealingKey) String() string { return secret.Redacted }

// GoString returns "[redacted]".
func (SealingKey) GoString() string { return secret.Redacted }

// Format writes "[redacted]" for every verb.
func (SealingKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redacted) }

// LogValue returns "[redacted]" for log/slog.
func (SealingKey) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalText returns "[redacted]".
func (SealingKey) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }

// newBox makes the box of Config.SealingKeys.
func newBox(sealing []SealingKey) (*seal.Box, error) {
	keys := make([][]byte, len(sealing))
	for i, k := range sealing {
		key, err := hex.DecodeString(k.digits.Reveal())
		if err != nil || len(key) != seal.KeySize {
			return nil, fmt.Errorf("server: Config.SealingKeys[%d] is empty: use NewKey or ParseKey", i)
		}
		keys[i] = key
	}
	box, err := seal.New(keys...)
	if err != nil {
		return nil, fmt.Errorf("server: Config.SealingKeys: %w", err)
	}
	return box, nil
}
