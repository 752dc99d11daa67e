package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// writeJSON writes one value on one line of standard output.
func (c console) writeJSON(value any) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	// The types that come here cannot fail to encode; a stream that cannot be
	// written is remembered by the Output.
	_ = encoder.Encode(value)
	_, _ = c.out.Write(escapeUnprintable(line.Bytes()))
}

// escapeUnprintable writes what is not printed, such as C1 and bidirectional controls, as
// \u escapes: values may come from outside, and terminals obey such characters. Invalid
// UTF-8 becomes U+FFFD. The value of the JSON text stays the same, because outside strings
// it has none of them but the newline at the end.
func escapeUnprintable(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case unicode.IsPrint(r) || r == '\n':
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
