//go:build unix

package notes_test

import (
	"os"
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

// TestRecordOfAnotherKind: a record that is a link, or open to other users, is for the
// store to judge.
func TestRecordOfAnotherKind(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"a link": func(t *testing.T, path string) {
			check(t, os.Rename(path, path+".moved"))
			check(t, os.Symlink(path+".moved", path))
		},
		"open to the group":  func(t *testing.T, path string) { check(t, os.Chmod(path, 0o640)) },
		"open to all others": func(t *testing.T, path string) { check(t, os.Chmod(path, 0o604)) },
	} {
		t.Run(name, func(t *testing.T) {
			endsTheNote(t, func(t *testing.T, d *desk) { change(t, d.files.RecordPath(d.record.Account)) })
		})
	}
}
