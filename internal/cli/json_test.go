package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

func written(value any) string {
	var out bytes.Buffer
	console{out: ui.NewOutput(&out)}.writeJSON(value)
	return out.String()
}

// TestWriteJSONEscapesUnprintable: what a terminal obeys or reorders is escaped, wherever
// the text comes from.
func TestWriteJSONEscapesUnprintable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"C1":          {json.RawMessage("{\"a\":\"\u009b31m\"}"), `{"a":"\u009b31m"}`},
		"bidi":        {json.RawMessage("{\"\u202eb\":\"a\u2066b\u2069\"}"), `{"\u202eb":"a\u2066b\u2069"}`},
		"delete":      {"a\x7fb", `"a\u007fb"`},
		"tag":         {"a\U000e0041", `"a\udb40\udc41"`},
		"soft hyphen": {map[string]string{"k": "a\u00adb"}, `{"k":"a\u00adb"}`},
		"printable":   {"ünïcode ✓ 😀 <&>", `"ünïcode ✓ 😀 <&>"`},
		"escaped":     {json.RawMessage(`{"a":"\u009b\u202e\\"}`), `{"a":"\u009b\u202e\\"}`},
	} {
		if got := written(test.value); got != test.want+"\n" {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestWriteJSONKeepsTheValue: escapes change how a value is written, and not the value.
func TestWriteJSONKeepsTheValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "value")
		line := written(value)
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", line)
		}
		got := map[string]string{}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(value, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
