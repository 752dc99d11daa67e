package torture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/testlength"
)

// Programs that TestMain builds.
var refresher, command string

// roleVariable makes the test binary play a part of a test in another process.
const roleVariable = "LATCHKEY_TORTURE_ROLE"

// roles are the parts; a file that needs one adds it.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "latchkey-torture-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if refresher, err = build(dir, "refresher", ".", "./refresher"); err == nil {
		command, err = build(dir, "latchkey", "..", "./cmd/latchkey")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds a program without cgo, as it is released.
func build(target, name, dir, source string) (string, error) {
	path := filepath.Join(target, name)
	cmd := exec.Command("go", "build", "-o", path, source)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", source, err, out)
	}
	return path, nil
}

// form picks the figure of the short form or the long one.
func form(short, long int) int {
	if testlength.Long() {
		return long
	}
	return short
}

// figure prints what a test found as a row of a table: what was done, what came
// of it, and what others do under the same.
func figure(t *testing.T, done, found, elsewhere string) {
	t.Helper()
	if t.Failed() {
		found = "FAILED; " + found
	}
	fmt.Printf("figure| %s | %s | %s |\n", done, found, elsewhere)
}

// skip skips a test aloud: the reason stands among the figures too.
func skip(t *testing.T, done, reason string) {
	t.Helper()
	fmt.Printf("figure| %s | skipped: %s on this %s machine | |\n", done, reason, runtime.GOOS)
	t.Skip(reason)
}

// leftovers counts the files in dir that a write which did not end, or damage,
// leaves behind.
func leftovers(t *testing.T, dir string) (temporary, damaged int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".tmp") {
			temporary++
		}
		if strings.Contains(entry.Name(), ".corrupt-") {
			damaged++
		}
	}
	return temporary, damaged
}
