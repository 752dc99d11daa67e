package awsprofile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/plaintext"
)

func profileNamed(name string) Profile {
	return Profile{Name: name, Command: "/bin/latchkey credentials --format process", Region: "us-east-1"}
}

// TestInstallTogether checks that profiles which are written at the same time are all there.
func TestInstallTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aws", "config")
	const writers = 20
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			if err := Install(t.Context(), path, profileNamed(fmt.Sprint("p", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range writers {
		if !strings.Contains(string(data), fmt.Sprintf("[profile p%d]\n", i)) {
			t.Errorf("p%d is missing", i)
		}
	}
}

// TestUnchanged checks that a change by a program without the lock is noticed.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"none":     nil,
		"written":  func(path string) error { return os.WriteFile(path, []byte("[other]\n"), 0o600) },
		"appended": func(path string) error { return os.WriteFile(path, []byte("[a]\nregion = x\n[b]\n"), 0o600) },
		"touched":  func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
		"removed":  os.Remove,
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("[a]\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte("[a]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		was, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			if err := change(path); err != nil {
				t.Fatal(err)
			}
		}
		if got := was.unchanged(path); got != (change == nil) {
			t.Errorf("%s: unchanged %t", name, got)
		}
	}
	path := filepath.Join(t.TempDir(), "config")
	none, err := read(path)
	if err != nil || !none.unchanged(path) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if none.unchanged(path) {
		t.Error("a file that another program has made was not noticed")
	}
}

// TestInstallKeepsEncoding checks files of other editors: a byte order mark is kept and does
// not hide the first section, and what is no UTF-8 text is refused and left as it is.
func TestInstallKeepsEncoding(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after string
		err           error
	}{
		"mark":   {"\ufeff[profile work]\n" + marker + "\n", "\ufeff[profile work]\n" + profileNamed("work").settings(true, "\n"), nil},
		"UTF-16": {"\xff\xfe[\x00a\x00]\x00", "", plaintext.ErrUTF16},
		"NUL":    {"[a]\n\x00", "", plaintext.ErrNUL},
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(test.before), 0o640); err != nil {
			t.Fatal(err)
		}
		err := Install(t.Context(), path, profileNamed("work"))
		got, readErr := os.ReadFile(path)
		want := test.after
		if test.err != nil {
			want = test.before
		}
		if !errors.Is(err, test.err) || readErr != nil || string(got) != want || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v\n%q\nwant %q", name, err, readErr, got, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

// TestFiles checks where the files are: a "~" in a variable is the home folder.
func TestFiles(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for _, test := range []struct{ config, credentials, wantConfig, wantCredentials string }{
		{"", "", ".aws/config", ".aws/credentials"},
		{"~/a/config", "~/b", "a/config", "b"},
		{filepath.Join(home, "c"), filepath.Join(home, "d"), "c", "d"},
	} {
		t.Setenv(configVariable, test.config)
		t.Setenv(credentialsVariable, test.credentials)
		config, err := ConfigFile()
		credentials, err2 := CredentialsFile()
		if err != nil || err2 != nil || config != filepath.Join(home, test.wantConfig) || credentials != filepath.Join(home, test.wantCredentials) {
			t.Errorf("%q, %q: %s, %s, %v, %v", test.config, test.credentials, config, credentials, err, err2)
		}
	}
}

func TestHasKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials")
	if HasKeys(path, "work") {
		t.Error("a file that does not exist has keys")
	}
	if err := os.WriteFile(path, []byte("\ufeff[work]\naws_access_key_id = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !HasKeys(path, "work") || HasKeys(path, "other") {
		t.Error("HasKeys is wrong")
	}
}
