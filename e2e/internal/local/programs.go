package local

import (
	"os"
	"path/filepath"
	"testing"
)

// Need asks for a program that the tests run. Where it is missing the test is
// skipped, aloud; under CI=true it fails.
func Need(t *testing.T, program string) {
	t.Helper()
	if _, err := os.Stat(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing; e2e/run installs or builds it", program)
	}
	t.Skipf("%s is missing; e2e/run installs or builds it", program)
}

// Built finds a program that e2e/run builds into the user's cache folder, under its name
// and version, as [Need] does.
func Built(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "latchkey-e2e", name)
	Need(t, program)
	return program
}
