package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPermissions opens a database where this process may not write, as a user
// whom permissions bind: for root, a child that gave its rights up.
func TestPermissions(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "latchkey") // unlike t.TempDir's, everybody may enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	closed, open := filepath.Join(folder, "closed"), filepath.Join(folder, "open")
	file := filepath.Join(open, "readonly.db")
	for _, err := range []error{
		os.Chmod(folder, 0o755), os.Mkdir(closed, 0o555), os.Mkdir(open, 0o700), os.Chmod(open, 0o777),
		os.WriteFile(file, nil, 0o444),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	as := func(child *exec.Cmd) {
		if os.Geteuid() == 0 {
			// By its descriptor: the user may not enter the folder it is in.
			child.Path, child.ExtraFiles = "/proc/self/fd/3", []*os.File{self}
			child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			child.Dir = "/"
		}
	}
	for path, want := range map[string]string{
		filepath.Join(closed, "new.db"): "make the folder writable",
		file:                            "check the permissions",
	} {
		if text := openElsewhere(t, path, as); !strings.Contains(text, want) || !strings.Contains(text, path) {
			t.Errorf("%s: %q, want %q", path, text, want)
		}
	}
}
