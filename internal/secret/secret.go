// Package secret holds values that must not be printed.
//
// A [String] carries a token, password or key through the program and shows
// "[redacted]" wherever Go would print it: fmt verbs, log/slog, JSON and text
// encoding. [String.Reveal] is the one way to the value, so that a search for
// "Reveal" lists every place where a secret leaves its wrapper.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a secret prints as.
const Redacted = "[redacted]"

// String is a secret text. The zero value is the empty secret.
// Compare with [String.Equal]; the operator == compares identities.
//
// The text is kept behind a pointer because fmt prints unexported fields
// without asking their methods: what it finds then is an address.
type String struct{ value *string }

// New wraps value.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{value: &value}
}

// Reveal returns the secret itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.value == nil }

// Equal compares in constant time, so that the time taken does not tell how
// much of a guess was right. The length is not hidden.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns [Redacted].
func (s String) String() string { return Redacted }

// GoString returns [Redacted].
func (s String) GoString() string { return Redacted }

// Format writes [Redacted] for every verb, so that %x and %q show nothing either.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns [Redacted] for log/slog.
func (s String) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted]: a secret is stored only by code that reveals it.
func (s String) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// UnmarshalText takes the secret from an answer. It refuses [Redacted], which is what a
// secret was encoded as, and no secret.
func (s *String) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("secret: the text is the placeholder of a secret that was redacted")
	}
	*s = New(string(text))
	return nil
}

// MarshalJSON returns [Redacted] as a JSON string.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }
