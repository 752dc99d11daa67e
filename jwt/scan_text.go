package jwt

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// plain marks the bytes that stand for themselves in a string: printable ASCII
// without the quote and the backslash.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// special8 looks at eight bytes at once. The result is zero when all are plain;
// otherwise its lowest set bit is the top bit of the first byte that is not: one below
// ' ', a quote, a backslash or one outside ASCII. (A borrow in one of the subtractions
// starts at such a byte, so it can only mislead above it.)
func special8(x uint64) uint64 {
	const each = 0x0101010101010101
	return ((x - each*' ') | ((x ^ each*'"') - each) | ((x ^ each*'\\') - each) | x) & (each * 0x80)
}

// load8 returns the first eight bytes of s as a number; the compiler makes one load of it.
func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// skipPlain returns the position of the first byte from i on that is not plain, or
// the length of src.
func skipPlain(src string, i int) int {
	for ; i+8 <= len(src); i += 8 {
		if special := special8(load8(src[i : i+8])); special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(src) && plain[src[i]] {
		i++
	}
	return i
}

// text reads a string and returns where it stands between its quotes.
func (s *scanner) text() (from, to uint32, escaped, ok bool) {
	start := s.pos + 1
	for i := skipPlain(s.src, start); i < len(s.src); i = skipPlain(s.src, s.pos) {
		c := s.src[i]
		if c == '"' {
			s.pos = i + 1
			return uint32(start), uint32(i), escaped, true
		}
		s.pos = i
		switch {
		case c == '\\':
			escaped, ok = true, s.escape()
		case c >= utf8.RuneSelf:
			ok = s.rune()
		default:
			ok = s.fail("a control character stands in a string")
		}
		if !ok {
			return 0, 0, false, false
		}
	}
	s.pos = len(s.src)
	return 0, 0, false, s.fail("a string does not end")
}

// rune passes the UTF-8 sequence at the position.
func (s *scanner) rune() bool {
	r, size := utf8.DecodeRuneInString(s.src[s.pos:])
	if r == utf8.RuneError && size == 1 {
		return s.fail("the text is not UTF-8")
	}
	s.pos += size
	return true
}

// escape passes the escape sequence at the position.
func (s *scanner) escape() bool {
	if s.pos+1 < len(s.src) {
		switch s.src[s.pos+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.pos += 2
			return true
		case 'u':
			return s.unicodeEscape()
		}
	}
	return s.fail("not a JSON escape")
}

// unicodeEscape passes \uXXXX; a surrogate must be the first of a pair, unless the
// scanner is loose here.
func (s *scanner) unicodeEscape() bool {
	r, ok := hex4(s.src, s.pos+2)
	if !ok {
		return s.fail("not a JSON escape")
	}
	if !utf16.IsSurrogate(r) || s.loose() {
		s.pos += 6
		return true
	}
	low, ok := hex4(s.src, s.pos+8)
	if !ok || s.src[s.pos+6:s.pos+8] != `\u` || utf16.DecodeRune(r, low) == utf8.RuneError {
		return s.fail("half of a surrogate pair")
	}
	s.pos += 12
	return true
}
