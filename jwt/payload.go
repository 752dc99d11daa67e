package jwt

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// customPrefix starts the names of a pool's own attributes in ID tokens.
const customPrefix = "custom:"

// Custom returns the custom attribute with this name, given without its "custom:"
// prefix. Cognito writes all of them as strings, numbers included.
func (c Claims) Custom(name string) (value string, ok bool) {
	m, ok := c.find(customPrefix + name)
	if !ok {
		return "", false
	}
	return m.textIn(c.body().payload)
}

// CustomAttributes returns all custom attributes by their names without the
// "custom:" prefix. It is empty, not nil, when there are none.
func (c Claims) CustomAttributes() map[string]string {
	attributes := map[string]string{}
	if c.body() == nil {
		return attributes
	}
	for _, m := range c.body().members {
		name, ok := strings.CutPrefix(m.nameIn(c.body().payload), customPrefix)
		if !ok {
			continue
		}
		if value, ok := m.textIn(c.body().payload); ok {
			attributes[name] = value
		}
	}
	return attributes
}

// Lookup returns the JSON value of any claim, as it stands in the token.
func (c Claims) Lookup(name string) (value json.RawMessage, ok bool) {
	m, ok := c.find(name)
	if !ok {
		return nil, false
	}
	return json.RawMessage(m.rawIn(c.body().payload)), true
}

// Payload returns a copy of the decoded payload, byte for byte as it was signed.
func (c Claims) Payload() []byte {
	if c.body() == nil {
		return nil
	}
	return []byte(c.body().payload)
}

// All returns every claim. Numbers are [json.Number], so that none loses digits.
func (c Claims) All() (map[string]any, error) {
	all := map[string]any{}
	if c.body() == nil {
		return all, nil
	}
	d := json.NewDecoder(strings.NewReader(c.body().payload))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("jwt: reading the claims: %w", err)
	}
	return all, nil
}

// Decode stores the payload in the value v points to, as [json.Unmarshal] does,
// with one difference: a claim is stored in a struct field only if the name in
// the field's tag (or the field's name, when it has no tag) is the same byte for
// byte. encoding/json also takes a claim "SUB" for a field "sub", so that
// a user who may choose a claim's name could override another claim.
func (c Claims) Decode(v any) error {
	payload := "{}"
	if c.body() != nil {
		payload = c.body().payload
	}
	exact := []byte(payload)
	if target := targetType(v); target != nil {
		exact = appendExact(nil, payload, target)
	}
	if err := json.Unmarshal(exact, v); err != nil {
		return fmt.Errorf("jwt: reading the claims: %w", err)
	}
	return nil
}

// targetType returns the type that json.Unmarshal will fill for v: it goes
// through pointers and through interfaces that hold pointers.
func targetType(v any) reflect.Type {
	target := reflect.ValueOf(v)
	for target.IsValid() {
		k := target.Kind()
		if (k != reflect.Pointer && k != reflect.Interface) || target.IsNil() {
			return target.Type()
		}
		if unmarshals(target.Type()) {
			return target.Type()
		}
		target = target.Elem()
	}
	return nil
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// unmarshals reports whether t reads its JSON itself.
func unmarshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) ||
		t.Implements(jsonUnmarshaler) || t.Implements(textUnmarshaler)
}

// appendExact appends the JSON value raw to dst without the members that no field
// of a struct in t names exactly.
func appendExact(dst []byte, raw string, t reflect.Type) []byte {
	for t.Kind() == reflect.Pointer && !unmarshals(t) {
		t = t.Elem()
	}
	if unmarshals(t) {
		return append(dst, raw...)
	}
	switch k := t.Kind(); {
	case k == reflect.Struct && raw[0] == '{':
		fields := fieldTypes(t)
		return appendMembers(dst, raw, func(name string) reflect.Type { return fields[name] })
	case k == reflect.Map && raw[0] == '{':
		return appendMembers(dst, raw, func(string) reflect.Type { return t.Elem() })
	case (k == reflect.Slice || k == reflect.Array) && raw[0] == '[':
		return appendElements(dst, raw, t.Elem())
	}
	return append(dst, raw...)
}

// appendMembers appends the members of an object for which typeOf knows a type.
func appendMembers(dst []byte, raw string, typeOf func(name string) reflect.Type) []byte {
	members, _ := scanObject(raw, nil)
	dst = append(dst, '{')
	for _, m := range members {
		t := typeOf(m.nameIn(raw))
		if t == nil {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), raw[m.name:m.name+uint32(m.nameLen)]...), '"', ':')
		dst = appendExact(dst, m.rawIn(raw), t)
	}
	return append(dst, '}')
}

// appendElements appends an array, each element cut down to what t names.
func appendElements(dst []byte, raw string, t reflect.Type) []byte {
	dst = append(dst, '[')
	scanArray(raw, func(value string, k kind, _ bool) bool {
		if !bytes.HasSuffix(dst, []byte{'['}) {
			dst = append(dst, ',')
		}
		if k == kindString {
			dst = append(append(append(dst, '"'), value...), '"')
		} else {
			dst = appendExact(dst, value, t)
		}
		return true
	})
	return append(dst, ']')
}

// fieldTypes returns the JSON names of a struct's fields, promoted ones included.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || f.Tag.Get("json") == "-":
			continue
		case name != "":
			types[name] = f.Type
		default:
			types[f.Name] = f.Type
		}
	}
	return types
}
