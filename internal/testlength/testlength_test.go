package testlength

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestRounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, test, value string
		want              int
		err               string
	}{
		{"short form", "TestTortureKill", "", 20, ""},
		{"long form", "TestTortureKill", "1000", 1000, ""},
		{"subtest", "TestTortureKill/sqlite", "1000", 1000, ""},
		{"wrong name", "TestKill", "1000", 0, "TestTorture"},
		{"wrong name in the short form", "TestKill", "", 0, "TestTorture"},
		{"prefix of a subtest alone", "TestKill/TestTorture", "", 0, "TestTorture"},
		{"no number", "TestTortureKill", "yes", 0, `"yes"`},
		{"no round", "TestTortureKill", "0", 0, `"0"`},
		{"negative", "TestTortureKill", "-1", 0, `"-1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := rounds(test.test, test.value, 20)
			if got != test.want || (err == nil) != (test.err == "") {
				t.Fatalf("rounds: %d, %v, want %d", got, err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %q does not mention %s", err, test.err)
			}
		})
	}
}

// TestMakefileSelectsByName: `make torture` runs every test with the prefix, in every
// package of the module.
func TestMakefileSelectsByName(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(?m)^\t` + Variable + `=\d+ \$\(GO\) test .*-run '\^` + Prefix + `' .*\./\.\.\.$`)
	if !call.Match(makefile) {
		t.Errorf("the Makefile has no line that matches %s", call)
	}
}
