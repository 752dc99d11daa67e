package hosted_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/contrast"
	"github.com/latchkey-auth/latchkey/internal/pagestyle"
)

// TestContrast: text is readable on what it stands on (4.5 to 1), and the edges of
// fields and the ring around what has the focus can be seen (3 to 1), light and dark.
func TestContrast(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	css := pagestyle.Base() + pagestyle.Forms() + string(data)
	colors := contrast.Palette(css)
	// What is written in which color, on which one. Every color that a rule gives
	// to text must be in here.
	on := map[string][]string{
		"ink": {"paper", "card"}, "soft": {"paper", "card"}, "link": {"card", "paper"}, "on-accent": {"accent", "accent-hover"},
		"accent": {"card"}, "bad": {"card", "bad-paper"}, "good": {"good-paper"},
	}
	for _, match := range regexp.MustCompile(`[{;]\s*color: var\(--([a-z-]+)\)`).FindAllStringSubmatch(css, -1) {
		if on[match[1]] == nil {
			t.Errorf("text in %s: on what?", match[1])
		}
	}
	edges := map[string][]string{"edge": {"card"}, "accent": {"card", "paper"}, "bad": {"card"}}
	check := func(pairs map[string][]string, least float64) {
		for front, backs := range pairs {
			for _, back := range backs {
				for scheme, name := range []string{"light", "dark"} {
					if got, err := contrast.Ratio(colors[front][scheme], colors[back][scheme]); err != nil || got < least {
						t.Errorf("%s: %s on %s is %.2f to 1, want %.1f; %v", name, front, back, got, least, err)
					}
				}
			}
		}
	}
	check(on, 4.5)
	check(edges, 3)
}
