package sessionpage

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var palette = regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`)

// colours are a stylesheet's, light and dark, by name.
func colours(t *testing.T, css string) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	for _, match := range palette.FindAllStringSubmatch(css, -1) {
		all[match[1]] = [2]string{match[2], match[3]}
	}
	if len(all) < 10 {
		t.Fatalf("%d colours", len(all))
	}
	return all
}

// luminance is the relative luminance of an sRGB colour (WCAG 2.2, section 6).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	value, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("%q is no colour", hex)
	}
	channel := func(shift uint) float64 {
		c := float64(value>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestContrast: text is readable on what it stands on (4.5 to 1), and bars, edges
// and the ring around what has the focus can be seen (3 to 1), light and dark.
func TestContrast(t *testing.T) {
	t.Parallel()
	all := colours(t, style)
	// Every colour that a rule gives to text must be in here.
	on := map[string][]string{
		"ink": {"paper", "card"}, "soft": {"paper", "card"}, "link": {"card", "paper"}, "on-accent": {"accent", "accent-hover"},
		"bad": {"card", "bad-paper"}, "good": {"good-paper"}, "low": {"card"},
	}
	for _, match := range regexp.MustCompile(`[{;]\s*color: var\(--([a-z-]+)\)`).FindAllStringSubmatch(style, -1) {
		if on[match[1]] == nil {
			t.Errorf("text in %s: on what?", match[1])
		}
	}
	edges := map[string][]string{"edge": {"card"}, "accent": {"card", "paper", "track"}, "low": {"track", "paper"}, "bad": {"track", "card"}}
	check := func(pairs map[string][]string, least float64) {
		for front, backs := range pairs {
			for _, back := range backs {
				for scheme, name := range []string{"light", "dark"} {
					if got := contrast(t, all[front][scheme], all[back][scheme]); got < least {
						t.Errorf("%s: %s on %s is %.2f to 1, want %.1f", name, front, back, got, least)
					}
				}
			}
		}
	}
	check(on, 4.5)
	check(edges, 3)
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 0.01 {
		t.Errorf("black on white is %.2f", got)
	}
}

// TestPalette: the page looks like the sign-in pages that it leads to.
func TestPalette(t *testing.T) {
	t.Parallel()
	pages, err := os.ReadFile("../../server/hosted/page.css")
	if err != nil {
		t.Fatal(err)
	}
	ours := colours(t, style)
	for name, colour := range colours(t, string(pages)) {
		if ours[name] != colour {
			t.Errorf("%s is %v here and %v there", name, ours[name], colour)
		}
	}
}
