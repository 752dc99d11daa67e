package fault

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestSanitize checks the texts of a service as errors show them.
func TestSanitize(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", maxText)
	for text, want := range map[string]string{
		"":                                "",
		"Incorrect username or password.": "Incorrect username or password.",
		"two\r\nlines\tand  spaces ":      "two lines and spaces",
		"1 validation error detected: Value 'hunter2' at 'password' failed to satisfy constraint":        "1 validation error detected: Value '[redacted]' at 'password' failed to satisfy constraint",
		"Value 'a' at 'b' failed; Value 'c\nd' at 'e' failed":                                            "Value '[redacted]' at 'b' failed; Value '[redacted]' at 'e' failed",
		"Value 'it's' at 'password' failed":                                                              "Value '[redacted]' at 'password' failed",
		"Value '' at 'password' failed":                                                                  "Value '[redacted]' at 'password' failed",
		"Value 'a' at 'S3CRET' at 'password' failed to satisfy constraint: Member must":                  "Value '[redacted]' at 'password' failed to satisfy constraint: Member must",
		"Value 'a' at 'b' failed to satisfy constraint; Value 'c' at 'd.e' failed to satisfy constraint": "Value '[redacted]' at 'b' failed to satisfy constraint; Value '[redacted]' at 'd.e' failed to satisfy constraint",
		"Value of 'x' is wrong":            "Value of 'x' is wrong",
		"a\x1b[31mred\x1b[0m \x07bell":     "a[31mred[0m bell",
		"right \u202eto left\u2066 \u200b": "right to left",
		"C1 \u009b2J":                      "C1 2J",
		long:                               strings.Repeat("ä", maxText/2) + "…",
	} {
		if got := Sanitize(text); got != want {
			t.Errorf("%.80q: %.120q, want %.120q", text, got, want)
		}
	}
}

// TestSanitizeBounds checks any text: it is on one line, bounded, does not change when it
// is sanitized again, and repeats no value.
func TestSanitizeBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"S3CRET", "' at '", "'", "Value '", " at ", "\n", "a", "' at 'password'"}
		secret := strings.Join(rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "secret"), "") + "S3CRET"
		text := rapid.String().Draw(t, "before") + "Value '" + secret + "' at 'password' failed to satisfy constraint" + rapid.String().Draw(t, "after")
		got := Sanitize(text)
		if strings.Contains(got, "S3CRET") {
			t.Fatalf("%q repeats the value", got)
		}
		if len(got) > maxText+len("…") || strings.ContainsFunc(got, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) || !utf8.ValidString(got) && utf8.ValidString(text) {
			t.Fatalf("%q is not one bounded line", got)
		}
		if again := Sanitize(got); len(got) <= maxText && again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}
