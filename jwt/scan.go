package jwt

import "strconv"

// maxDepth is how many objects and arrays may stand inside one another.
// Cognito's tokens nest three deep.
const maxDepth = 32

// kind is the type of a JSON value.
type kind uint8

const (
	kindNull kind = iota + 1
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// member is one name and value of a JSON object, as positions in its text.
// Names and strings are positions between the quotes. It is kept small, because
// every token carries two dozen.
type member struct {
	name, value, valueEnd uint32
	nameLen               uint16
	kind                  kind
	escapes               escapes
}

// escapes says which of a member's texts contain a backslash.
type escapes uint8

const (
	inName escapes = 1 << iota
	inValue
)

// maxName is the longest name in bytes that a member can hold.
const maxName = 1<<16 - 1

// scanner reads one JSON text in one pass and keeps where the members of the
// outermost object stand; values are parsed when they are asked for.
//
// It is stricter than encoding/json, because a lenient reader lets a token say
// two things at once: names are compared byte for byte after unescaping, a name
// may stand once in an object (RFC 8259 section 4, RFC 7519 section 4), text is
// valid UTF-8 without lone surrogates (RFC 7493 section 2.1), nesting is bounded
// and nothing follows the value.
type scanner struct {
	src   string
	pos   int
	depth int
	// members is a stack: an inner object puts its names on top while it is
	// open, so that duplicates are found, and takes them off at its end.
	members []member
	problem string
	// innerLoose accepts repeated names and lone surrogates in inner values, for a
	// caller that scans those on their own and passes over what is not strict.
	innerLoose bool
}

// scanObject reads src, which must be one object, and returns its members.
// The members are appended to buf. A problem names the byte where it stands.
func scanObject(src string, buf []member) (members []member, problem string) {
	s := scanner{src: src, members: buf[:0]}
	return s.outermost()
}

// outermost is scanObject on a scanner.
func (s *scanner) outermost() (members []member, problem string) {
	s.space()
	if s.peek() != '{' {
		s.fail("not a JSON object")
	} else if s.object() {
		s.space()
		if s.pos != len(s.src) {
			s.fail("data after the JSON object")
		}
	}
	if s.problem != "" {
		return nil, s.problem
	}
	return s.members, ""
}

// scanArray calls yield for each element of src, which must be one array, until
// yield returns false. It reports whether src is such an array.
func scanArray(src string, yield func(value string, k kind, escaped bool) bool) bool {
	s := scanner{src: src}
	return s.elements(yield)
}

// elements is scanArray on a scanner.
func (s *scanner) elements(yield func(value string, k kind, escaped bool) bool) bool {
	if s.peek() != '[' {
		return false
	}
	stopped := false
	ok := s.array(func(m member) bool {
		stopped = !yield(s.src[m.value:m.valueEnd], m.kind, m.escapes&inValue != 0)
		return !stopped
	})
	return ok || stopped
}

// loose reports whether the position is inside a value that is scanned again.
func (s *scanner) loose() bool { return s.innerLoose && s.depth > 1 }

// fail notes the first problem with its position and returns false, to be returned.
func (s *scanner) fail(problem string) bool {
	if s.problem == "" {
		s.problem = problem + " at byte " + strconv.Itoa(s.pos)
	}
	return false
}

// peek returns the next byte, or 0 at the end: no JSON token starts with it.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// space passes white space (RFC 8259 section 2).
func (s *scanner) space() {
	// Tokens are compact JSON: mostly there is nothing to skip.
	if s.pos < len(s.src) && s.src[s.pos] <= ' ' {
		s.skip()
	}
}

func (s *scanner) skip() {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return
		}
		s.pos++
	}
}

// object reads from '{' to '}' and leaves the members on the stack.
func (s *scanner) object() bool {
	if !s.enter() {
		return false
	}
	names := nameSet{start: len(s.members)}
	for first := true; ; first = false {
		s.space()
		if first && s.peek() == '}' {
			break
		}
		if !s.member(&names) {
			return false
		}
		s.space()
		c := s.peek()
		if c == '}' {
			break
		}
		if c != ',' {
			return s.fail("expected ',' or '}'")
		}
		s.pos++
	}
	s.leave()
	return true
}

// member reads a name, a colon and a value.
func (s *scanner) member(names *nameSet) bool {
	if s.peek() != '"' {
		return s.fail("expected a name in quotes")
	}
	from, to, escaped, ok := s.text()
	if !ok {
		return false
	}
	if to-from > maxName && !s.loose() {
		return s.fail("a name is too long")
	}
	m := member{name: from, nameLen: uint16(to - from)}
	if escaped {
		m.escapes = inName
	}
	if !s.loose() && names.add(s, &m) {
		return s.fail("the name " + quote(m.nameIn(s.src)) + " stands twice in one object")
	}
	if s.peek() != ':' {
		if s.space(); s.peek() != ':' {
			return s.fail("expected ':'")
		}
	}
	s.pos++
	s.space()
	if !s.value(&m) {
		return false
	}
	s.members = append(s.members, m)
	return true
}

// array reads from '[' to ']'. With each it also reports the elements.
func (s *scanner) array(each func(member) bool) bool {
	if !s.enter() {
		return false
	}
	for first := true; ; first = false {
		s.space()
		if first && s.peek() == ']' {
			break
		}
		var m member
		if !s.value(&m) {
			return false
		}
		if each != nil && !each(m) {
			return false
		}
		s.space()
		c := s.peek()
		if c == ']' {
			break
		}
		if c != ',' {
			return s.fail("expected ',' or ']'")
		}
		s.pos++
	}
	s.leave()
	return true
}

// enter passes an opening bracket. The depth is bounded, because each level uses a few
// stack frames.
func (s *scanner) enter() bool {
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested deeper than " + strconv.Itoa(maxDepth))
	}
	s.pos++
	return true
}

func (s *scanner) leave() {
	s.depth--
	s.pos++
}

// value reads any value and notes in m where it stands and what it is.
func (s *scanner) value(m *member) bool {
	m.value = uint32(s.pos)
	ok := false
	switch c := s.peek(); c {
	case '"':
		m.kind = kindString
		var escaped bool
		if m.value, m.valueEnd, escaped, ok = s.text(); escaped {
			m.escapes |= inValue
		}
		return ok
	case '{':
		m.kind = kindObject
		below := len(s.members)
		ok = s.object()
		s.members = s.members[:below]
	case '[':
		m.kind = kindArray
		ok = s.array(nil)
	case 't':
		m.kind, ok = kindBool, s.literal("true")
	case 'f':
		m.kind, ok = kindBool, s.literal("false")
	case 'n':
		m.kind, ok = kindNull, s.literal("null")
	default:
		m.kind, ok = kindNumber, s.number()
	}
	m.valueEnd = uint32(s.pos)
	return ok
}

func (s *scanner) literal(want string) bool {
	if len(s.src)-s.pos < len(want) || s.src[s.pos:s.pos+len(want)] != want {
		return s.fail("not a JSON value")
	}
	s.pos += len(want)
	return true
}

// number reads a number by the grammar of RFC 8259 section 6.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		return s.fail("not a JSON value")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("a number lacks its fraction")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("a number lacks its exponent")
		}
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > from
}
