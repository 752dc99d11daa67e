package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongFormsAreFound: a test reads its length where its name is checked, or stands
// in a part that is run as a whole.
func TestLongFormsAreFound(t *testing.T) {
	t.Parallel()
	const (
		variable = "package a\nvar n = os.Getenv(\"LATCHKEY_TORTURE\")\n"
		long     = "package a\nvar n = testlength.Long()\n"
		name     = "package a\nvar n = os.Getenv(testlength.Variable)\n"
		rounds   = "package a\nfunc f(t testing.TB) int { return testlength.Rounds(t, 1) }\n"
	)
	for _, test := range []struct{ name, folder, source, want string }{
		{"variable", "server", variable, "use Rounds"},
		{"variable in another module", "torture", variable, "use Rounds"},
		{"variable of another name", "server", strings.ReplaceAll(variable, "TORTURE", "TORTURE_ROLE"), ""},
		{"the room itself", "internal/testlength", variable, ""},
		{"rounds", "server", rounds, ""},
		{"long form", "server", long, "use Rounds"},
		{"long form in a part of e2e that is not run", "e2e/client", long, "use Rounds"},
		{"long form in a part that is run", "e2e/s3", long, ""},
		{"long form in the module torture", "torture", long, ""},
		{"name of the variable", "store/filestore", name, "use Rounds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			path := filepath.Join(root, test.folder, "a_test.go")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.source), 0o600); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(root, path, newHouse()), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("findings %q, want %q", got, test.want)
			}
		})
	}
}
