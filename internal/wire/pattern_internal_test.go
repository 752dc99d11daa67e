package wire

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMatcherAgreesWithRegexp compares the table with the regular expression
// that it replaces, for every pattern and for texts near its edges.
func TestMatcherAgreesWithRegexp(t *testing.T) {
	t.Parallel()
	fast := 0
	for name, c := range constraints() {
		if c.pattern == "" {
			continue
		}
		m, re := matcherFor(c.pattern), regexp.MustCompile(`\A(?:`+c.pattern+`)\z`)
		if m.re == nil {
			fast++
		}
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(c.pattern), rapid.StringOf(rapid.RuneFrom([]rune("aZ09-_=.+/:é\u00a0\u2028\u0301漢😀 \t\n"))), rapid.Just("")).Draw(t, "text")
			if got, want := m.matches(text), re.MatchString(text); got != want {
				t.Fatalf("%s, %s: %q is %v, want %v", name, c.pattern, text, got, want)
			}
		})
	}
	if fast < 10 {
		t.Errorf("only %d patterns use the table", fast)
	}
}

func TestMatcherEdges(t *testing.T) {
	t.Parallel()
	m := newMatcher(`[b-dα-γ漢]+`)
	for text, want := range map[string]bool{
		"": false, "b": true, "d": true, "bcd": true, "a": false, "e": false,
		"α": true, "β": true, "γ": true, "δ": false, "漢": true, "漣": false, "b漢x": false,
	} {
		if m.matches(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

// BenchmarkMatchToken compares the table with the regular expression on a
// refresh token of ordinary length.
func BenchmarkMatchToken(b *testing.B) {
	const pattern = `[A-Za-z0-9-_=.]+`
	token := strings.Repeat("eyJjdHkiOiJKV1Qi", 110)
	for name, m := range map[string]*matcher{
		"table":  newMatcher(pattern),
		"regexp": {re: regexp.MustCompile(`\A(?:` + pattern + `)\z`)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !m.matches(token) {
					b.Fatal("refused")
				}
			}
		})
	}
}
