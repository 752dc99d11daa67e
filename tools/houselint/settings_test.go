package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettingsHaveOneCodec: stored settings are read and written in one room.
func TestSettingsHaveOneCodec(t *testing.T) {
	t.Parallel()
	const (
		read  = "package a\nfunc f() { err := wire.Unmarshal(row.Settings, &set); _ = err }\n"
		write = "package a\nfunc f() { row.Settings, err = wire.Marshal(&set) }\n"
		other = "package a\nfunc f() { row.Details, err = wire.Marshal(&set); wire.Unmarshal(row.Details, &set) }\n"
		codec = "package a\nfunc f() { row.Settings, err = settings.Encode(&set) }\n"
	)
	for _, test := range []struct{ name, path, source, want string }{
		{"read", "server/internal/userpool/a.go", read, "are read by server/internal/settings"},
		{"written", "server/internal/userpool/a.go", write, "are written by server/internal/settings"},
		{"another member", "server/internal/userpool/a.go", other, ""},
		{"the codec", "server/internal/userpool/a.go", codec, ""},
		{"the room itself", "server/internal/settings/a.go", read, ""},
		{"a test", "server/internal/userpool/a_test.go", read, ""},
		{"another part", "internal/a/a.go", read, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			path := filepath.Join(root, test.path)
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
