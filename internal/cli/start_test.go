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

// TestCredentialsComeFirst keeps `latchkey credentials` quicker still: where they
// lie in the store, most of the program is not even set up.
func TestCredentialsComeFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	for _, command := range [][]string{{"login", s.Username, "--password-stdin"}, {"credentials", "--json"}} {
		if _, stderr, code := p.run(t, s.Password+"\n", command...); code != exitDone {
			t.Fatalf("%v: %s", command, stderr)
		}
	}
	want, _, _ := p.run(t, "", "credentials", "--json", "--format", "process") // by way of the whole program
	cmd := p.command("credentials", "--format=process")
	cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
	var trace syncBuffer
	cmd.Stderr = &trace
	got, err := cmd.Output()
	if err != nil || string(got) != want || want == "" {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if !strings.Contains(trace.String(), "init runtime ") {
		t.Errorf("there is no trace: %s", trace.String())
	}
	for _, late := range []string{"modernc.org/libc ", "modernc.org/sqlite ", "net/http ", "html/template ", "crypto/x509 "} {
		if strings.Contains(trace.String(), "init "+late) {
			t.Errorf("%swas set up before the answer", late)
		}
	}
}
