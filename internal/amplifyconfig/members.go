package amplifyconfig

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// members says where the values of an object's members go, by the members' names: to a
// *string, *bool, *int or *[]string, to the members of an object, or to a reader. null
// leaves a value as it is, except that a nested object or a reader sees nothing of it.
type members map[string]any

// reader reads one value that is not null.
type reader func(*jsontext.Decoder) error

// mismatch is a value that its member cannot have.
type mismatch struct {
	offset  int64
	pointer jsontext.Pointer
	text    string // what was expected
}

func (e *mismatch) Error() string { return memberOf(e.pointer) + ": " + e.text }

// mismatched is the error of the value that d read last, which begins at offset.
func mismatched(d *jsontext.Decoder, offset int64, text string) error {
	return &mismatch{offset, d.StackPointer(), text}
}

// kindName is JSON's name of a kind of value.
func kindName(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	}
	return kind.String() // null, and the ends of objects and arrays
}

// parseObject reads a text that is one object.
func parseObject(text []byte, m members) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	if err := readValue(decoder, m); err != nil {
		return located(text, err)
	}
	return nil
}

// readValue reads the next value into target.
func readValue(d *jsontext.Decoder, target any) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	switch target := target.(type) {
	case *string:
		return readToken(d, func(t jsontext.Token) { *target = t.String() }, '"')
	case *bool:
		return readToken(d, func(t jsontext.Token) { *target = t.Bool() }, 't', 'f')
	case *int:
		return readInt(d, target)
	case *[]string:
		return readTexts(d, target)
	case members:
		return target.read(d)
	case reader:
		return target(d)
	}
	panic(fmt.Sprintf("amplifyconfig: no reader for a %T", target))
}

// read reads an object. Members that are not known must be well-formed, no more.
func (m members) read(d *jsontext.Decoder) error {
	return readObject(d, func(name string) error {
		target, known := m[name]
		if !known {
			return d.SkipValue()
		}
		return readValue(d, target)
	})
}

// readObject calls member for each member of an object; it reads the value.
func readObject(d *jsontext.Decoder, member func(name string) error) error {
	if err := readToken(d, nil, '{'); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	return readToken(d, nil, '}')
}

// readList calls element for each element of an array; it reads the value.
func readList(d *jsontext.Decoder, element func() error) error {
	if err := readToken(d, nil, '['); err != nil {
		return err
	}
	for kind := d.PeekKind(); kind != ']' && kind != jsontext.KindInvalid; kind = d.PeekKind() {
		if err := element(); err != nil {
			return err
		}
	}
	return readToken(d, nil, ']')
}

// readTexts reads an array of strings. An empty array is not nil.
func readTexts(d *jsontext.Decoder, list *[]string) error {
	*list = []string{}
	return readList(d, func() error {
		var text string
		if err := readValue(d, &text); err != nil {
			return err
		}
		*list = append(*list, text)
		return nil
	})
}

// readInt reads a whole number.
func readInt(d *jsontext.Decoder, number *int) error {
	var text string
	if err := readToken(d, func(t jsontext.Token) { text = t.String() }, '0'); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return mismatched(d, d.InputOffset()-int64(len(text)), "expected a whole number")
	}
	*number = n
	return nil
}

// choice reads a string that is one of words into what the word stands for. say names the
// words that are documented.
func choice(target *string, words map[string]string, say string) reader {
	return func(d *jsontext.Decoder) error {
		before := d.InputOffset()
		var word string
		if err := readToken(d, func(t jsontext.Token) { word = t.String() }, '"'); err != nil {
			return err
		}
		meaning, known := words[word]
		if !known {
			return mismatched(d, before, fmt.Sprintf("unknown value %q: use %s", clip(word), say))
		}
		*target = meaning
		return nil
	}
}

// readToken reads a token of one of these kinds and hands it to use, which may be nil.
func readToken(d *jsontext.Decoder, use func(jsontext.Token), kinds ...jsontext.Kind) error {
	before := d.InputOffset()
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if token.Kind() == kind {
			if use != nil {
				use(token)
			}
			return nil
		}
	}
	found := kindName(token.Kind())
	if token.Kind() == 't' || token.Kind() == 'f' {
		found = token.Kind().String()
	}
	return mismatched(d, before, "expected "+kindName(kinds[0])+", found "+found)
}

// located says where in a file a JSON error is, without quoting the file.
func located(text []byte, err error) *Error {
	if e, ok := errors.AsType[*mismatch](err); ok {
		return faultf("line %d: %v", lineOf(text, e.offset), e)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return faultf("line %d: %s: duplicate member", lineOf(text, e.ByteOffset), memberOf(e.JSONPointer))
		}
		return faultf("line %d: %s: not well-formed JSON: %v", lineOf(text, e.ByteOffset), memberOf(e.JSONPointer), errors.Unwrap(e))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return faultf("not well-formed JSON")
}
