package jwt

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// nameSet finds duplicate names in one object. Most objects have few names, and
// for them one bit per name is nearly always enough to see that a name is new. Long objects,
// which an attacker may send, use a map, so that the work stays linear.
type nameSet struct {
	start int       // where this object's members start on the scanner's stack
	seen  [4]uint64 // a bit for the fingerprint of each name
	large map[string]struct{}
}

// smallObject is the number of names up to which a linear search is fastest.
const smallObject = 40

// add reports whether m's name is already in the set, and adds it.
func (n *nameSet) add(s *scanner, m *member) (duplicate bool) {
	name := m.nameIn(s.src)
	count := len(s.members) - n.start
	if count >= smallObject {
		return n.addLarge(s, name)
	}
	word, bit := fingerprint(name)
	if n.seen[word]&bit == 0 {
		n.seen[word] |= bit
		return false
	}
	return stands(s.src, s.members[n.start:], name)
}

// fingerprint chooses a bit by the name's length and three of its bytes.
func fingerprint(name string) (word int, bit uint64) {
	l := len(name)
	if l == 0 {
		return 0, 1
	}
	h := (uint32(l)<<24 ^ uint32(name[0])<<16 ^ uint32(name[l/2])<<8 ^ uint32(name[l-1])) * 0x9E3779B1
	return int(h >> 30), 1 << (h >> 24 & 63)
}

func stands(src string, members []member, name string) bool {
	for i := range members {
		if members[i].nameIn(src) == name {
			return true
		}
	}
	return false
}

func (n *nameSet) addLarge(s *scanner, name string) (duplicate bool) {
	if n.large == nil {
		n.large = make(map[string]struct{}, 2*smallObject)
		for _, other := range s.members[n.start:] {
			n.large[other.nameIn(s.src)] = struct{}{}
		}
	}
	before := len(n.large)
	n.large[name] = struct{}{}
	return len(n.large) == before
}

// nameIn returns the member's name, unescaped, out of the text it was found in.
func (m *member) nameIn(src string) (name string) {
	name = src[m.name:][:m.nameLen]
	if m.escapes&inName != 0 {
		name = unescape(name)
	}
	return name
}

// textIn returns the member's value when it is a string.
func (m *member) textIn(src string) (string, bool) {
	if m.kind != kindString {
		return "", false
	}
	text := src[m.value:m.valueEnd]
	if m.escapes&inValue != 0 {
		return unescape(text), true
	}
	return text, true
}

// rawIn returns the member's value as it stands in src, strings with quotes.
func (m *member) rawIn(src string) string {
	if m.kind == kindString {
		return src[m.value-1 : m.valueEnd+1]
	}
	return src[m.value:m.valueEnd]
}

// maxSeconds is the last second of the year 9999, the last that time.Time can
// write as RFC 3339. It refuses milliseconds, which would never expire.
const maxSeconds = 253402300799

// secondsIn returns the member's value when it is a NumericDate as Cognito
// writes it: a whole number of seconds without fraction or exponent.
func (m *member) secondsIn(src string) (int64, bool) {
	if m.kind != kindNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(src[m.value:m.valueEnd], 10, 64)
	if err != nil || n < 0 || n > maxSeconds {
		return 0, false
	}
	return n, true
}

// find returns the member with exactly this name.
func find(src string, members []member, name string) (member, bool) {
	for i := range members {
		m := &members[i]
		if m.nameIn(src) == name {
			return *m, true
		}
	}
	return member{}, false
}

// unescape resolves the escapes of a string that the scanner has accepted.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		plainEnd := strings.IndexByte(s, '\\')
		if plainEnd < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:plainEnd])
		s = s[plainEnd:]
		if s[1] != 'u' {
			b.WriteByte(unescapeByte(s[1]))
			s = s[2:]
			continue
		}
		r, _ := hex4(s, 2)
		s = s[6:]
		if utf16.IsSurrogate(r) {
			low, _ := hex4(s, 2)
			r = utf16.DecodeRune(r, low)
			s = s[6:]
		}
		b.WriteRune(r)
	}
}

func unescapeByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hex4 reads the four hexadecimal digits at s[at:].
func hex4(s string, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[at : at+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
