package sessionpage

import (
	"regexp"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/contrast"
)

// colors are a stylesheet's, light and dark, by name.
func colors(t *testing.T, css string) map[string][2]string {
	t.Helper()
	all := contrast.Palette(css)
	if len(all) < 10 {
		t.Fatalf("%d colors", len(all))
	}
	return all
}

// TestContrast: text is readable on what it stands on (4.5 to 1), and bars, edges
// and the ring around what has the focus can be seen (3 to 1), light and dark.
func TestContrast(t *testing.T) {
	t.Parallel()
	all := colors(t, style())
	// Every color that a rule gives to text must be in here.
	on := map[string][]string{
		"ink": {"paper", "card", "track"}, "soft": {"paper", "card"}, "link": {"card", "paper"}, "on-accent": {"accent", "accent-hover"},
		"bad": {"card", "bad-paper"}, "good": {"good-paper"}, "low": {"card"},
	}
	for _, match := range regexp.MustCompile(`[{;]\s*color: var\(--([a-z-]+)\)`).FindAllStringSubmatch(style(), -1) {
		if on[match[1]] == nil {
			t.Errorf("text in %s: on what?", match[1])
		}
	}
	edges := map[string][]string{"edge": {"card"}, "accent": {"card", "paper", "track"}, "low": {"track", "paper"}, "bad": {"track", "card"}}
	check := func(pairs map[string][]string, least float64) {
		for front, backs := range pairs {
			for _, back := range backs {
				for scheme, name := range []string{"light", "dark"} {
					if got, err := contrast.Ratio(all[front][scheme], all[back][scheme]); err != nil || got < least {
						t.Errorf("%s: %s on %s is %.2f to 1, want %.1f; %v", name, front, back, got, least, err)
					}
				}
			}
		}
	}
	check(on, 4.5)
	check(edges, 3)
}
