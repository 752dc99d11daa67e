//go:build unix

package localservice

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// someoneElse is a user id that this test does not run as.
const someoneElse = 54321

// TestPlantedFilesAreRefused changes each file that the service trusts into one
// that another user can read, change or exchange. The service refuses to start,
// names the file, and starts again once the file is as it was.
func TestPlantedFilesAreRefused(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	_, stop := start(t, o)
	stop()
	for _, name := range []string{
		databaseFile, databaseFile + ".lock", stateFile, runningFile, masterKeyFile, "credentials.key", "tls/ca.pem", "tls/ca-key.pem", "tls/server.pem",
	} {
		path := filepath.Join(o.Dir, name)
		info, err := os.Stat(path)
		must(t, err)
		for what, plant := range map[string]func() (undo func()){
			"open mode": func() func() {
				must(t, os.Chmod(path, info.Mode().Perm()|0o022))
				return func() { must(t, os.Chmod(path, info.Mode().Perm())) }
			},
			"symbolic link": func() func() {
				away := filepath.Join(t.TempDir(), "away")
				must(t, os.Rename(path, away))
				must(t, os.Symlink(away, path))
				return func() { must(t, os.Rename(away, path)) }
			},
			"other owner": func() func() {
				if os.Geteuid() != 0 {
					return nil // only root can give files away
				}
				must(t, os.Chown(path, someoneElse, -1))
				return func() { must(t, os.Chown(path, os.Geteuid(), -1)) }
			},
		} {
			undo := plant()
			if undo == nil {
				continue
			}
			s, err := Open(context.Background(), o)
			if err == nil {
				_ = s.Close()
				t.Errorf("%s, %s: it opened", name, what)
			} else if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: error %q, want one line with the path", name, what, err)
			}
			undo()
		}
	}
	ready, stop := start(t, o)
	defer stop()
	signsIn(t, o, ready)
}

// TestReadableFilesAreRefused covers modes that let others read secrets.
func TestReadableFilesAreRefused(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	_, stop := start(t, o)
	stop()
	for _, name := range []string{databaseFile, stateFile} {
		must(t, os.Chmod(filepath.Join(o.Dir, name), 0o644))
	}
	refuses(t, o, "chmod 600 "+filepath.Join(o.Dir, databaseFile)+" "+filepath.Join(o.Dir, stateFile))
	if _, err := Status(t.Context(), o.Dir); err == nil || !strings.Contains(err.Error(), "run chmod 600") {
		t.Errorf("status of a folder that others can read: %v", err)
	}
	for _, name := range []string{databaseFile, stateFile} {
		must(t, os.Chmod(filepath.Join(o.Dir, name), 0o600))
	}
	_, stop = start(t, o)
	stop()
}

// TestOpenFoldersAreRefused covers data folders and tls folders that others may
// write, and those that they may not.
func TestOpenFoldersAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode, parent fs.FileMode
		want         string // "" if it is taken
	}{
		"private":                   {0o700, 0o755, ""},
		"readable":                  {0o755, 0o755, ""},
		"below a sticky folder":     {0o700, 0o777 | fs.ModeSticky, ""},
		"below the group's folder":  {0o700, 0o775, ""},
		"writable by the group":     {0o770, 0o755, "chmod go-w"},
		"writable by all":           {0o777, 0o755, "chmod go-w"},
		"writable by all, sticky":   {0o777 | fs.ModeSticky, 0o755, "chmod go-w"},
		"below one writable by all": {0o700, 0o777, "above it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := filepath.Join(t.TempDir(), "parent")
			o := options(filepath.Join(parent, "data"))
			must(t, os.MkdirAll(o.Dir, 0o700))
			must(t, os.Chmod(o.Dir, test.mode))
			must(t, os.Chmod(parent, test.parent))
			if test.want != "" {
				refuses(t, o, test.want, "choose another with --data")
				return
			}
			_, stop := start(t, o)
			stop()
		})
	}
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		o := options(t.TempDir())
		tls := filepath.Join(o.Dir, "tls")
		must(t, os.Mkdir(tls, 0o700))
		must(t, os.Chmod(tls, 0o777))
		refuses(t, o, tls, "chmod go-w")
		must(t, os.Remove(tls))
		must(t, os.Symlink(t.TempDir(), tls))
		refuses(t, o, tls, "not a folder")
	})
	t.Run("another owner", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			t.Skip("only root can give folders away")
		}
		o := options(t.TempDir())
		must(t, os.Chown(o.Dir, someoneElse, -1))
		refuses(t, o, "belongs to user id")
	})
	t.Run("link", func(t *testing.T) {
		t.Parallel()
		link := filepath.Join(t.TempDir(), "link")
		must(t, os.Symlink(t.TempDir(), link))
		_, stop := start(t, options(link))
		stop()
	})
}
