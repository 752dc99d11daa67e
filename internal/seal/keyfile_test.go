package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/seal"
)

func TestLoadKeyCreates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "master.key")
	first, err := seal.LoadKey(path)
	if err != nil || len(first) != seal.KeySize {
		t.Fatalf("LoadKey = %d bytes, %v", len(first), err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.LoadKey(path)
	if err != nil || !bytes.Equal(again, first) {
		t.Errorf("second LoadKey gives another key, %v", err)
	}
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}
	if !strings.HasPrefix(string(before), "# ") || !strings.HasSuffix(string(before), "\n"+hex.EncodeToString(first)+"\n") {
		t.Error("the file is not a comment and a line of hexadecimal digits")
	}
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 1 {
		t.Errorf("the folder holds %v, want the key file alone", entries)
	}
	other, err := seal.LoadKey(filepath.Join(folder, "other.key"))
	if err != nil || bytes.Equal(other, first) {
		t.Errorf("two new files hold the same key, %v", err)
	}
}

// TestReadKeyMakesNothing: an API that lacks the key must not go on with a new one.
func TestReadKeyMakesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials.key")
	if _, err := seal.ReadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadKey of no file: %v", err)
	}
	made, err := seal.LoadKeyFor(path, seal.AboutCredentialsKey)
	if err != nil {
		t.Fatal(err)
	}
	read, err := seal.ReadKey(path)
	if err != nil || !bytes.Equal(read, made) {
		t.Errorf("ReadKey gives another key, %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), seal.AboutCredentialsKey) {
		t.Errorf("the file does not say what it is: %v", err)
	}
}

func TestLoadKeyFirstOfMany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	var group sync.WaitGroup
	keys := make([][]byte, 20)
	for i := range keys {
		group.Go(func() {
			key, err := seal.LoadKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	group.Wait()
	for _, key := range keys {
		if !bytes.Equal(key, keys[0]) {
			t.Fatal("callers that started together have different keys")
		}
	}
}

func TestLoadKeyReads(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0a", seal.KeySize)
	for name, test := range map[string]struct{ text, problem string }{
		"digits alone":        {digits, ""},
		"Windows line ends":   {"# comment\r\n\r\n" + digits + "\r\n", ""},
		"capitals and spaces": {" " + strings.ToUpper(digits) + " \n# comment\n", ""},
		"empty":               {"", "no key"},
		"comment alone":       {"# " + digits + "\n", "no key"},
		"one digit less":      {digits[1:], "a line of 63 characters"},
		"one byte more":       {digits + "00", "a line of 66 characters"},
		"no hex":              {strings.Replace(digits, "0", "g", 1), "a line of 64 characters"},
		"two keys":            {digits + "\n" + digits, "more than one line"},
		"binary":              {string(masterKey(200)), "a line of 32 characters"},
		"too long":            {strings.Repeat("#\n", 3000) + digits, "longer than"},
	} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := seal.LoadKey(path)
		switch {
		case test.problem == "":
			if err != nil || !bytes.Equal(key, masterKey(0x0a)) {
				t.Errorf("%s: LoadKey = %x, %v", name, key, err)
			}
		case err == nil || key != nil || !strings.Contains(err.Error(), test.problem) || !strings.Contains(err.Error(), path):
			t.Errorf("%s: LoadKey = %x, %v; want an error with the path and %q", name, key, err, test.problem)
		case strings.Contains(err.Error(), digits[:20]):
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != test.text {
			t.Errorf("%s: LoadKey changed the file", name)
		}
	}
}

func TestLoadKeyRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links and modes are those of Unix")
	}
	folder := t.TempDir()
	good := filepath.Join(folder, "good")
	if _, err := seal.LoadKey(good); err != nil {
		t.Fatal(err)
	}
	link, dangling, open := filepath.Join(folder, "link"), filepath.Join(folder, "dangling"), filepath.Join(folder, "open")
	text, err := os.ReadFile(good)
	if err := errors.Join(err, os.Symlink(good, link), os.Symlink(filepath.Join(folder, "gone"), dangling),
		os.WriteFile(open, text, 0o600), os.Chmod(open, 0o640)); err != nil {
		t.Fatal(err)
	}
	for path, problem := range map[string]string{
		link:     "not a regular file",
		dangling: "not a regular file",
		folder:   "not a regular file",
		open:     "mode 0640",
	} {
		if key, err := seal.LoadKey(path); err == nil || key != nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("LoadKey(%s) = %v, want an error with %q", path, err, problem)
		}
	}
	if _, err := os.Lstat(filepath.Join(folder, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a key was written through a dangling link")
	}
	missing := filepath.Join(folder, "no", "folder")
	if _, err := seal.LoadKey(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("LoadKey in a missing folder: %v", err)
	}
}
