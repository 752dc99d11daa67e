package wire

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxRequestBody is how many bytes of a request body the service reads. The
	// largest request that Cognito's own limits allow carries ten login tokens
	// of 50,000 characters; message templates of 20,000 characters come next.
	// One mebibyte holds each of them with every character escaped in JSON's
	// shorter ways, and is little enough to hold in memory many times over.
	MaxRequestBody = 1 << 20

	// MaxResponseBody is how many bytes of an answer the client reads. The
	// largest answer is a page of 60 users with 50 attributes of 2,048 bytes.
	MaxResponseBody = 8 << 20

	// MaxToken is the length in bytes of the longest token that the service issues and
	// the client accepts. Cognito documents no bound for the tokens of a user pool; its
	// identity pools accept login tokens of this length (IdentityProviderToken).
	MaxToken = 50_000

	// maxDepth bounds nesting. The deepest shape of both APIs has six levels.
	maxDepth = 32
)

// Marshal writes a request or a response shape as JSON. This is the one place
// where [Sensitive] and [Parameters] are written out; every other encoder gets
// them redacted.
func Marshal(v any) ([]byte, error) { return json.Marshal(v, revealing()) }

// Unmarshal reads the JSON object data into a pointer to a shape.
//
// It is strict where leniency would let two readers of one request disagree:
// names match exactly, a name that occurs twice is refused, and so are bad
// UTF-8, text after the object, and nesting deeper than 32. Unknown members
// are ignored and null is absent (AWS JSON 1.1). The caller bounds the size by
// [MaxRequestBody] or [MaxResponseBody].
//
// A failure is an [*Exception] of type SerializationException. Its text names
// kinds and never the content.
func Unmarshal(data []byte, into any) error {
	if !isObject(data) {
		return NewException(SerializationException, "Start of structure or map expected.")
	}
	if tooDeep(data) {
		return Exceptionf(SerializationException, "Nested deeper than %d levels.", maxDepth)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return serializationException(err)
	}
	return nil
}

func isObject(data []byte) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// tooDeep reports whether brackets nest deeper than maxDepth. Most bodies have
// fewer brackets than that in all, which two fast counts show.
func tooDeep(data []byte) bool {
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= maxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func serializationException(err error) *Exception {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return NewException(SerializationException, "The request body is not well-formed JSON.")
	}
	text, ok := kindTexts[semantic.JSONKind]
	if !ok {
		text = "A value has the wrong type."
	}
	return NewException(SerializationException, text)
}

// kindTexts say what was found where something else belonged, in the words of
// AWS's JSON reader.
var kindTexts = map[jsontext.Kind]string{
	'{': "Start of structure or map found where not expected.",
	'[': "Start of list found where not expected",
	'"': "STRING_VALUE can not be converted to the member's type",
	'0': "NUMBER_VALUE can not be converted to the member's type",
	't': "TRUE_VALUE can not be converted to the member's type",
	'f': "FALSE_VALUE can not be converted to the member's type",
}
