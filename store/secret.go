package store

import (
	"fmt"
	"log/slog"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// Secret is a token, password or key. It prints as "[redacted]" with fmt, log/slog, JSON and
// text encoding, also inside other values; [Secret.Reveal] is the only way to the value. The
// zero value is the empty secret. It may be copied and used by many goroutines at once.
// Compare with [Secret.Equal]: the operator == does not compare the texts.
type Secret secret.String

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret(secret.New(value)) }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return secret.String(s).Reveal() }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return secret.String(s).IsZero() }

// Equal compares in constant time, so that the time taken does not tell how much of a guess
// was right. The length is not hidden.
func (s Secret) Equal(other Secret) bool { return secret.String(s).Equal(secret.String(other)) }

// String returns "[redacted]".
func (s Secret) String() string { return secret.Redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return secret.Redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, verb rune) { secret.String(s).Format(f, verb) }

// LogValue returns "[redacted]" for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalText returns "[redacted]": a secret is stored only by code that reveals it.
func (s Secret) MarshalText() ([]byte, error) { return secret.String(s).MarshalText() }

// UnmarshalText takes the secret from text, such as the member of a JSON answer. It refuses
// "[redacted]", which is what a secret was encoded as.
func (s *Secret) UnmarshalText(text []byte) error { return (*secret.String)(s).UnmarshalText(text) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return secret.String(s).MarshalJSON() }
