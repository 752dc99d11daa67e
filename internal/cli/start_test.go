package cli

import (
	"strings"
	"testing"
)

// TestNothingIsComputedAtStart keeps `latchkey token` quick: these packages have
// no variable that is computed when the program starts.
func TestNothingIsComputedAtStart(t *testing.T) {
	t.Parallel()
	if testing.CoverMode() != "" {
		t.Skip("counting coverage is itself computed when the program starts")
	}
	cmd := newPlace(t).command("version")
	cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
	var trace syncBuffer
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	seen := false
	for line := range strings.Lines(trace.String()) {
		seen = seen || strings.HasPrefix(line, "init runtime ")
		if strings.HasPrefix(line, "init github.com/latchkey-auth/latchkey/internal/cli") {
			t.Errorf("computed at the start: %s", line)
		}
	}
	if !seen {
		t.Errorf("there is no trace: %s", trace.String())
	}
}
