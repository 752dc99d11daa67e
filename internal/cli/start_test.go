package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/userdirs"
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

// TestShortcut keeps `latchkey credentials` and `latchkey token` quicker still: once
// one of them has run, hardly anything of the program is even set up.
func TestShortcut(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	for _, command := range [][]string{{"login", s.Username, "--password-stdin"}, {"credentials", "--json"}} {
		if _, stderr, code := p.run(t, s.Password+"\n", command...); code != exitDone {
			t.Fatalf("%v: %s", command, stderr)
		}
	}
	noted := p.note(t)
	for _, test := range []struct{ short, whole []string }{
		{[]string{"credentials", "--format=process"}, []string{"credentials", "--json", "--format", "process"}},
		{[]string{"token"}, []string{"--config", "", "token"}},
		{[]string{"token", "id"}, []string{"--config", "", "token", "id"}},
	} {
		want, late := p.traced(t, test.whole...)
		if want == "" || !late {
			t.Errorf("%v: %q; by way of the whole program: %t", test.whole, want, late)
		}
		if got, late := p.traced(t, test.short...); got != want || late {
			t.Errorf("%v: %q, want %q; by way of the whole program: %t", test.short, got, want, late)
		}
	}
	if now := p.note(t); now != noted {
		t.Errorf("a note that held was\n%s\nand is\n%s", noted, now)
	}
}

// note reads the only note that is there.
func (p place) note(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(userdirs.Notes(string(p)), "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("notes: %q, %v", found, err)
	}
	note, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(note)
}

// traced runs the command and reports whether what takes longest was set up.
func (p place) traced(t *testing.T, args ...string) (stdout string, late bool) {
	t.Helper()
	cmd := p.command(args...)
	cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
	var trace syncBuffer
	cmd.Stderr = &trace
	out, err := cmd.Output()
	if err != nil || !strings.Contains(trace.String(), "init runtime ") {
		t.Fatalf("%v: %v: %s", args, err, trace.String())
	}
	for _, name := range []string{"modernc.org/sqlite ", "net/http ", "html/template ", "crypto/sha256 ", "encoding/json "} {
		late = late || strings.Contains(trace.String(), "init "+name)
	}
	return string(out), late
}
