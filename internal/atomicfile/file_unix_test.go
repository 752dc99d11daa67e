//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// someoneElse is a user id that this test does not run as.
const someoneElse = 54321

// plants are things that somebody may put in place of a file. Each is a
// function that makes one at path, and may use victim.
var plants = map[string]func(t *testing.T, path, victim string){
	"symbolic link": func(t *testing.T, path, victim string) { must(t, os.Symlink(victim, path)) },
	"dangling link": func(t *testing.T, path, victim string) { must(t, os.Symlink(victim+"-missing", path)) },
	"hard link":     func(t *testing.T, path, victim string) { must(t, os.Link(victim, path)) },
	"FIFO":          func(t *testing.T, path, _ string) { must(t, syscall.Mkfifo(path, 0o600)) },
	"directory":     func(t *testing.T, path, _ string) { must(t, os.Mkdir(path, 0o700)) },
	"other owner": func(t *testing.T, path, _ string) {
		must(t, os.WriteFile(path, []byte("theirs"), 0o666))
		if err := os.Chown(path, someoneElse, -1); err != nil {
			t.Skipf("only root can give files away: %v", err)
		}
	},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlanted(t *testing.T) {
	t.Parallel()
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, victim := filepath.Join(dir, "file"), filepath.Join(dir, "victim")
			must(t, os.WriteFile(victim, []byte("precious"), 0o600))
			plant(t, path, victim)
			before, err := os.Lstat(path)
			must(t, err)

			for what, err := range map[string]error{
				"Write": Write(path, []byte("secret")), "WriteLazy": WriteLazy(path, nil),
				"CheckTarget": CheckTarget(path), "Open": errorOf(Open(path)),
			} {
				if !errors.Is(err, ErrNotPlain) {
					t.Errorf("%s: %v, want ErrNotPlain", what, err)
				}
				if what != "CheckTarget" && !strings.Contains(err.Error(), path) {
					t.Errorf("%s: error does not name the file: %v", what, err)
				}
			}
			after, err := os.Lstat(path)
			must(t, err)
			if !os.SameFile(before, after) || before.Mode() != after.Mode() {
				t.Errorf("it was changed: %v, before %v", after, before)
			}
			if got := content(t, victim); got != "precious" {
				t.Errorf("the victim holds %q", got)
			}
			if got := names(t, dir); len(got) != 2 {
				t.Errorf("the folder holds %v", got)
			}
		})
	}
}

func errorOf(file *os.File, _ fs.FileInfo, err error) error {
	if file != nil {
		_ = file.Close()
	}
	return err
}

func TestDevice(t *testing.T) {
	t.Parallel()
	if err := CheckTarget(os.DevNull); !errors.Is(err, ErrNotPlain) {
		t.Errorf("CheckTarget(%s): %v, want ErrNotPlain", os.DevNull, err)
	}
	if err := errorOf(Open(os.DevNull)); !errors.Is(err, ErrNotPlain) {
		t.Errorf("Open(%s): %v, want ErrNotPlain", os.DevNull, err)
	}
}

// TestRenameFails puts a directory at the target after the look at it, as a
// race would: the temporary file must go away again.
func TestRenameFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	must(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
	var random [tempRandomBytes]byte
	temp := tempName(path, random)
	must(t, writeTemp(temp, []byte("secret"), false))
	if err := rename(temp, path); err == nil {
		t.Fatal("a directory was replaced")
	}
	if err := moveInto(temp, path); err == nil {
		t.Fatal("a directory was replaced")
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the folder holds %v", got)
	}
}

func TestLoose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	for mode, want := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o700: false, 0o640: true, 0o604: true, 0o601: true, 0o660: true} {
		must(t, os.Chmod(path, mode))
		info, err := os.Lstat(path)
		must(t, err)
		if got := Loose(info); got != want {
			t.Errorf("Loose(%v) is %t", mode, got)
		}
	}
}

func TestSyncDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	missing := filepath.Join(dir, "missing")
	if err := SyncDir(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("no folder: %v; want ErrNotExist with the path", err)
	}
}
