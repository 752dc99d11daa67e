//go:build unix

package shortcut

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipe: a configuration that comes through a pipe is not consumed, nor waited for.
func TestPipe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.put(t, d.record)
	d.config = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(d.config, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.ask(); ok {
		t.Errorf("answered %q", got)
	}
}
