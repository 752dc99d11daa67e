package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindConfig(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", folder)
	t.Setenv("HOME", folder)
	t.Setenv("AppData", folder)
	t.Setenv("LATCHKEY_CONFIG", "")
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(home, "latchkey", "amplify_outputs.json")
	if _, err := findConfig(""); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), users) {
		t.Errorf("nothing there: %v", err)
	}
	named, explicit := filepath.Join(folder, "named.json"), filepath.Join(folder, "explicit.json")
	for _, path := range []string{users, named, explicit} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(given, want string) {
		t.Helper()
		if got, err := findConfig(given); got != want || err != nil {
			t.Errorf("findConfig(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
	check("", users)
	t.Setenv("LATCHKEY_CONFIG", named)
	check("", named)
	check(explicit, explicit)
	for _, missing := range []string{filepath.Join(folder, "missing.json"), folder} {
		if _, err := findConfig(missing); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("findConfig(%q): %v", missing, err)
		}
	}
}
