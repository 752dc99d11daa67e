package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxShownValue   = 128 // bytes of a value that a text repeats
	maxShownEntries = 8   // of a list that a text repeats
)

// rule is a constraint with its pattern compiled.
type rule struct {
	constraint
	matcher *matcher
}

func ruleFor(field reflect.StructField, tag string) *rule {
	name, ok := field.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	c, ok := constraints()[name]
	if !ok {
		panic(fmt.Sprintf("wire: %s names %s, which is not in the constraint table", field.Name, name))
	}
	c.sensitive = c.sensitive || isSecret(field.Type)
	r := &rule{constraint: c}
	if c.pattern != "" {
		r.matcher = matcherFor(c.pattern)
	}
	return r
}

func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[Sensitive]() || t == reflect.TypeFor[Parameters]()
}

func (r *rule) checkText(found *report, path, name string, value reflect.Value) {
	if r == nil || r.holds(value.String()) {
		return
	}
	text, shown := value.String(), r.show(value)
	for _, part := range r.parts() {
		if !part.holds(text) {
			found.add(path+name, shown, part.text)
		}
	}
}

func (r *rule) checkNumber(found *report, path, name string, n int64) {
	switch {
	case r == nil:
	case r.hasMin && n < r.min:
		found.add(path+name, strconv.FormatInt(n, 10), fmt.Sprintf("Member must have value greater than or equal to %d", r.min))
	case r.max > 0 && n > r.max:
		found.add(path+name, strconv.FormatInt(n, 10), fmt.Sprintf("Member must have value less than or equal to %d", r.max))
	}
}

func (r *rule) checkCount(found *report, path, name string, value reflect.Value) {
	n := int64(value.Len())
	switch {
	case r == nil:
	case r.hasMin && n < r.min:
		found.add(path+name, r.show(value), lengthAtLeast(r.min))
	case r.max > 0 && n > r.max:
		found.add(path+name, r.show(value), lengthAtMost(r.max))
	}
}

// holds is the fast answer for one text.
func (r *rule) holds(text string) bool {
	return r.holdsMax(text) && r.holdsMin(text) &&
		(r.matcher == nil || r.matcher.matches(text)) && (r.enum == nil || slices.Contains(r.enum, text))
}

func (r *rule) holdsForAll(n int, text func(int) string) bool {
	for i := range n {
		if !r.holds(text(i)) {
			return false
		}
	}
	return true
}

// holdsMax counts characters only where the bytes are too many: a text never
// has more characters than bytes.
func (r *rule) holdsMax(text string) bool {
	return r.max == 0 || int64(len(text)) <= r.max || int64(utf8.RuneCountInString(text)) <= r.max
}

func (r *rule) holdsMin(text string) bool {
	return !r.hasMin || int64(len(text)) >= r.min && int64(utf8.RuneCountInString(text)) >= r.min
}

// part is one demand of a rule with the words that Cognito has for it.
type part struct {
	text  string
	holds func(string) bool
}

func (r *rule) parts() []part {
	var parts []part
	if r.matcher != nil {
		parts = append(parts, part{"Member must satisfy regular expression pattern: " + r.pattern, r.matcher.matches})
	}
	if r.max > 0 {
		parts = append(parts, part{lengthAtMost(r.max), r.holdsMax})
	}
	if r.hasMin {
		parts = append(parts, part{lengthAtLeast(r.min), r.holdsMin})
	}
	if r.enum != nil {
		in := func(text string) bool { return slices.Contains(r.enum, text) }
		parts = append(parts, part{"Member must satisfy enum value set: [" + strings.Join(r.enum, ", ") + "]", in})
	}
	return parts
}

// describe lists all demands of a rule, as Cognito does for elements.
func (r *rule) describe() string {
	var texts []string
	for _, p := range r.parts() {
		texts = append(texts, p.text)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// show is the value as a text repeats it; empty for one that must not be.
func (r *rule) show(value reflect.Value) string {
	switch {
	case r.sensitive:
		return ""
	case value.Kind() == reflect.String:
		return shorten(value.String())
	case value.Kind() != reflect.Slice || value.Type().Elem().Kind() != reflect.String:
		return ""
	}
	var entries []string
	for i := range min(value.Len(), maxShownEntries) {
		entries = append(entries, shorten(value.Index(i).String()))
	}
	if value.Len() > maxShownEntries {
		entries = append(entries, "...")
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

func shorten(text string) string {
	if len(text) <= maxShownValue {
		return text
	}
	return cut(text, maxShownValue) + "..."
}

func lengthAtLeast(n int64) string {
	return fmt.Sprintf("Member must have length greater than or equal to %d", n)
}

func lengthAtMost(n int64) string {
	return fmt.Sprintf("Member must have length less than or equal to %d", n)
}
