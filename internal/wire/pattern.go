package wire

import (
	"regexp"
	"regexp/syntax"
	"sort"
	"strings"
	"sync"
)

// matcher tells whether a whole text matches a pattern, as AWS's validation does.
//
// Most patterns are one character class repeated, and the texts that they are
// run over most often are tokens of two thousand characters. For these a table
// replaces the regular expression: some thirty times faster.
type matcher struct {
	ascii  [128]bool
	ranges []rune // pairs of first and last, ascending
	empty  bool   // matches the empty text
	re     *regexp.Regexp
}

var matchers sync.Map // of pattern to *matcher

// matcherFor compiles a pattern of the constraint table, once. A pattern that
// does not compile is a mistake in the table, which the tests walk.
func matcherFor(pattern string) *matcher {
	if m, ok := matchers.Load(pattern); ok {
		return m.(*matcher)
	}
	m, _ := matchers.LoadOrStore(pattern, newMatcher(pattern))
	return m.(*matcher)
}

func newMatcher(pattern string) *matcher {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic("wire: pattern in the constraint table: " + err.Error())
	}
	repeated := parsed.Op == syntax.OpPlus || parsed.Op == syntax.OpStar
	if !repeated || parsed.Sub[0].Op != syntax.OpCharClass {
		return &matcher{re: regexp.MustCompile(`\A(?:` + pattern + `)\z`)}
	}
	m := &matcher{ranges: parsed.Sub[0].Rune, empty: parsed.Op == syntax.OpStar}
	for i := 0; i < len(m.ranges); i += 2 {
		for r := m.ranges[i]; r <= m.ranges[i+1] && r < 128; r++ {
			m.ascii[r] = true
		}
	}
	return m
}

func (m *matcher) matches(text string) bool {
	if m.re != nil {
		return m.re.MatchString(text)
	}
	for i := range len(text) {
		if c := text[i]; c >= 128 {
			return !strings.ContainsFunc(text[i:], m.refuses)
		} else if !m.ascii[c] {
			return false
		}
	}
	return m.empty || text != ""
}

func (m *matcher) refuses(r rune) bool {
	return r < 128 && !m.ascii[r] || r >= 128 && !m.inRanges(r)
}

func (m *matcher) inRanges(r rune) bool {
	// The number of bounds at or below r is odd inside a range, but for r equal
	// to a range's last character.
	after := sort.Search(len(m.ranges), func(i int) bool { return m.ranges[i] > r })
	return after%2 == 1 || after > 0 && m.ranges[after-1] == r
}
