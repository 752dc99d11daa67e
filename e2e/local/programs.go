package local

import (
	"os"
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
		t.Fatalf("%s is missing; e2e/run installs it where there is apt", program)
	}
	t.Skipf("%s is missing; e2e/run installs it where there is apt", program)
}
