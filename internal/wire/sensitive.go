package wire

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// redacted stands wherever a secret would be printed.
const redacted = "[redacted]"

// Sensitive is a member that must not be printed: a password, a token, a
// session, a code. [Marshal] writes it as a plain JSON string, because the
// other side needs it. fmt, log/slog and encoding/json show [redacted].
//
// Convert with string(s) where the value itself is needed.
type Sensitive string

// String returns "[redacted]".
func (Sensitive) String() string { return redacted }

// GoString returns "[redacted]".
func (Sensitive) GoString() string { return redacted }

// Format writes "[redacted]" for every verb, so that %x and %q show nothing either.
func (Sensitive) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]" for log/slog.
func (Sensitive) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]". Every JSON library calls it, and with it
// slog's JSON handler; [Marshal] does not.
func (Sensitive) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Parameters is a map of texts of which some are secret: AuthParameters,
// ChallengeResponses, ChallengeParameters, Logins. Printing one shows its keys only.
//
// On the wire it is a JSON object. A member that is null is left out, as AWS
// JSON 1.1 treats null as absent, and a nil map is written as {}.
type Parameters map[string]string

// String lists the keys in order and no value.
func (p Parameters) String() string {
	return "map[" + strings.Join(p.keys(), ":"+redacted+" ") + suffix(len(p) > 0) + "]"
}

// GoString is the same as String.
func (p Parameters) GoString() string { return p.String() }

// Format writes String for every verb.
func (p Parameters) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue is String for log/slog.
func (p Parameters) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON writes the keys with redacted values. Every JSON library calls
// it; [Marshal] does not.
func (p Parameters) MarshalJSON() ([]byte, error) {
	shown := make(map[string]Sensitive, len(p))
	for key := range p {
		shown[key] = ""
	}
	return json.Marshal(shown, json.Deterministic(true))
}

// reveal writes the keys in order with their values.
func reveal(enc *jsontext.Encoder, p Parameters) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, key := range p.keys() {
		if err := enc.WriteToken(jsontext.String(key)); err != nil {
			return err
		}
		if err := enc.WriteToken(jsontext.String(p[key])); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// revealing makes Marshal, and nothing else, write what the methods redact.
// Were it methods of the types, encoding/json would find them as soon as it is
// built on the same interfaces (GOEXPERIMENT=jsonv2), and with it every logger.
var revealing = sync.OnceValue(func() json.Options { return json.WithMarshalers(revealers()) })

func revealers() *json.Marshalers {
	return json.JoinMarshalers(
		json.MarshalToFunc(func(enc *jsontext.Encoder, s Sensitive) error {
			return enc.WriteToken(jsontext.String(string(s)))
		}),
		json.MarshalToFunc(reveal),
	)
}

// UnmarshalJSONFrom reads a JSON object of strings. It replaces the map.
func (p *Parameters) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*p = nil
	start, err := dec.ReadToken()
	if err != nil || start.Kind() == 'n' {
		return err
	}
	if start.Kind() != '{' {
		return &json.SemanticError{JSONKind: start.Kind()}
	}
	*p = make(Parameters, 4)
	for dec.PeekKind() != '}' {
		if err := p.readMember(dec); err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}

func (p Parameters) readMember(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	// The decoder reuses the token's buffer: take the name before reading on.
	name := token.String()
	value, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch value.Kind() {
	case '"':
		p[name] = value.String()
	case 'n':
	default:
		return &json.SemanticError{JSONKind: value.Kind()}
	}
	return nil
}

func (p Parameters) keys() []string { return slices.Sorted(maps.Keys(p)) }

func suffix(present bool) string {
	if present {
		return ":" + redacted
	}
	return ""
}

// Document is a JSON object that is stored and given back as it came: a
// setting whose inside this module does not act on. The zero value is absent.
type Document string

// MarshalJSONTo writes the object.
func (d Document) MarshalJSONTo(enc *jsontext.Encoder) error {
	if d == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteValue(jsontext.Value(d))
}

// UnmarshalJSONFrom keeps an object without its white space; null is absent.
func (d *Document) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*d = ""
	value, err := dec.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return err
	}
	if value.Kind() != '{' {
		return &json.SemanticError{JSONKind: value.Kind()}
	}
	value = bytes.Clone(value)
	if err := value.Compact(); err != nil {
		return err
	}
	*d = Document(value)
	return nil
}
