package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestScriptsCompileOnce refuses build flags that differ between the targets of the Makefile
// and the scripts that it starts: Go would compile each package once per set of flags.
func TestScriptsCompileOnce(t *testing.T) {
	t.Parallel()
	flags := regexp.MustCompile(`(?m)^.*\s-(trimpath|ldflags|gcflags|asmflags)\b.*$`)
	for _, name := range []string{"Makefile", "tools/test", "tools/lint", "e2e/run", "torture/run"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range flags.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", name, line)
		}
	}
}
