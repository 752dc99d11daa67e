//go:build unix

package notes_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/shortcut"
)

// TestPipe: a configuration that comes through a pipe is not consumed, nor waited for.
func TestPipe(t *testing.T) {
	d := home(t)
	d.put(t, d.record)
	d.config = filepath.Join(t.TempDir(), "pipe")
	check(t, syscall.Mkfifo(d.config, 0o600))
	d.leave(t)
	if got, ok := d.ask(t, shortcut.Credentials); ok {
		t.Errorf("answered %q", got)
	}
}
