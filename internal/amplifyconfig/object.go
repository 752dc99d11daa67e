package amplifyconfig

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Object returns the JSON object of a file that [Parse] accepts, without what surrounds it.
func Object(data []byte) ([]byte, error) {
	text, _, err := objectIn(data)
	return bytes.TrimSpace(text), err
}

// objectIn finds the JSON object of a file and the names of its members. Around it there
// may be what Amplify generates: comments, "const awsmobile = ", and ";" with an export.
// What is left out becomes spaces, so that lines keep their numbers.
func objectIn(data []byte) (text []byte, names []string, err error) {
	// Editors on Windows put a byte order mark before the text.
	text = bytes.Clone(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	blankComments(text)
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil, nil, faultf("it holds no JSON object")
	}
	before := strings.Join(strings.Fields(string(text[:start])), " ")
	if !introduces(before) {
		return nil, nil, faultf("%q stands before the object", clip(before))
	}
	if before != "" {
		blankTrailingCommas(text[start:])
	}
	blank(text[:start])
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	if names, err = memberNames(decoder); err != nil {
		return nil, nil, located(text, err)
	}
	end := decoder.InputOffset()
	after := strings.Join(strings.Fields(string(text[end:])), " ")
	if after = strings.Trim(after, "; "); after != "" && !strings.HasPrefix(after, "export default ") {
		return nil, nil, faultf("line %d: %q follows the object", lineOf(text, end), clip(after))
	}
	return text[:end], names, nil
}

// memberNames reads an object and returns the names of its members.
func memberNames(decoder *jsontext.Decoder) ([]string, error) {
	if _, err := decoder.ReadToken(); err != nil { // its "{"
		return nil, err
	}
	var names []string
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		names = append(names, name.String())
		if err := decoder.SkipValue(); err != nil {
			return nil, err
		}
	}
	_, err := decoder.ReadToken() // its "}"
	return names, err
}

// introduces reports whether JavaScript may stand before the object.
func introduces(before string) bool {
	fields := strings.Fields(strings.TrimSuffix(before, "="))
	switch {
	case before == "", before == "export default":
		return true
	case len(fields) > 0 && fields[0] == "export":
		fields = fields[1:]
	}
	return strings.HasSuffix(before, "=") && len(fields) == 2 && (fields[0] == "const" || fields[0] == "let" || fields[0] == "var")
}

// blankComments overwrites the comments before the object. A comment without an
// end is left alone: what follows will not be accepted.
func blankComments(text []byte) {
	for i := 0; i < len(text) && text[i] != '{'; i++ {
		end := 0
		switch {
		case bytes.HasPrefix(text[i:], []byte("/*")):
			end = bytes.Index(text[i+2:], []byte("*/")) + 4
			if end < 4 {
				return
			}
		case bytes.HasPrefix(text[i:], []byte("//")):
			if end = bytes.IndexByte(text[i:], '\n'); end < 0 {
				return
			}
		}
		blank(text[i : i+end])
		i += max(end-1, 0)
	}
}

// blankTrailingCommas overwrites the comma after the last member or element of each object
// and array. JavaScript permits one, and formatters add it; JSON does not.
func blankTrailingCommas(text []byte) {
	inString, escaped := false, false
	comma := -1       // the last token, if it was a comma after a value
	last := byte('{') // the last byte of the last token
	for i, b := range text {
		switch {
		case inString:
			inString, escaped = escaped || b != '"', !escaped && b == '\\'
			continue
		case strings.IndexByte(" \t\r\n", b) >= 0:
			continue
		case b == '"':
			inString = true
		case (b == '}' || b == ']') && comma >= 0:
			text[comma] = ' '
		}
		comma = -1
		if b == ',' && strings.IndexByte("{[,:", last) < 0 {
			comma = i
		}
		last = b
	}
}

// blank overwrites text with spaces and keeps its lines.
func blank(text []byte) {
	for i, b := range text {
		if b != '\n' {
			text[i] = ' '
		}
	}
}

// clip shortens what an error quotes of a file.
func clip(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// memberOf writes a JSON pointer (RFC 6901) as people write members: auth.oauth.domain.
func memberOf(pointer jsontext.Pointer) string {
	if pointer == "" {
		return "the file"
	}
	return strings.ReplaceAll(strings.TrimPrefix(string(pointer), "/"), "/", ".")
}

// lineOf counts lines up to the value that begins at or after offset.
func lineOf(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	for offset < int64(len(text)) && strings.IndexByte(" \t\r\n:,", text[offset]) >= 0 {
		offset++
	}
	return 1 + bytes.Count(text[:offset], []byte{'\n'})
}
