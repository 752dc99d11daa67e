package architecture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublicPackagesHaveExamples checks that go doc shows a reader how each public package is
// used.
func TestPublicPackagesHaveExamples(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if strings.Contains(p.ImportPath, "internal/") || strings.HasPrefix(p.ImportPath, "cmd/") || strings.HasPrefix(p.ImportPath, "internal") {
			continue
		}
		tests, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(p.ImportPath), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, test := range tests {
			text, err := os.ReadFile(test)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "\nfunc Example")
		}
		if !found {
			t.Errorf("package %q has no Example", p.ImportPath)
		}
	}
}
