//go:build unix

package filestore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

const someoneElse = 54321

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func giveAway(t *testing.T, path string) {
	t.Helper()
	if err := os.Lchown(path, someoneElse, -1); err != nil {
		t.Skipf("only root can give files away: %v", err)
	}
}

// plants put something at path that is no plain file of this user.
var plants = map[string]func(t *testing.T, path, victim string){
	"symbolic link": func(t *testing.T, path, victim string) { must(t, os.Symlink(victim, path)) },
	"dangling link": func(t *testing.T, path, victim string) { must(t, os.Symlink(victim+"-missing", path)) },
	"hard link":     func(t *testing.T, path, victim string) { must(t, os.Link(victim, path)) },
	"FIFO":          func(t *testing.T, path, _ string) { must(t, syscall.Mkfifo(path, 0o600)) },
	"directory":     func(t *testing.T, path, _ string) { must(t, os.Mkdir(path, 0o700)) },
	"other owner": func(t *testing.T, path, _ string) {
		must(t, os.WriteFile(path, []byte("theirs"), 0o666))
		giveAway(t, path)
	},
}

// TestPlanted plants each thing at each path, and calls everything that comes
// by there.
func TestPlanted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	places := map[string]map[string]func(s *filestore.Store) error{
		".json": {
			"Load": func(s *filestore.Store) error { _, err := s.Load(ctx, account); return err },
			"Save": func(s *filestore.Store) error { return s.Save(ctx, storetest.Sample(account, 1), 0) },
		},
		".lock": {
			"Save":   func(s *filestore.Store) error { return s.Save(ctx, storetest.Sample(account, 2), 1) },
			"Delete": func(s *filestore.Store) error { return s.Delete(ctx, account) },
		},
		".refresh.lock": {
			"Lock": func(s *filestore.Store) error { _, err := s.Lock(ctx, account); return err },
		},
		".active": {
			"Active":    func(s *filestore.Store) error { _, err := s.Active(ctx, account.Scope); return err },
			"SetActive": func(s *filestore.Store) error { return s.SetActive(ctx, account) },
		},
		".active.lock": {
			"SetActive": func(s *filestore.Store) error { return s.SetActive(ctx, account) },
		},
	}
	for suffix, calls := range places {
		for what, plant := range plants {
			t.Run(what+" at "+suffix, func(t *testing.T) {
				t.Parallel()
				s, path := planted(t, suffix)
				victim := filepath.Join(t.TempDir(), "victim")
				must(t, os.WriteFile(victim, []byte("precious"), 0o600))
				plant(t, path, victim)
				before, err := os.Lstat(path)
				must(t, err)
				for name, call := range calls {
					err := call(s)
					if !errors.Is(err, atomicfile.ErrNotPlain) || !strings.Contains(err.Error(), path) {
						t.Errorf("%s: %v; want ErrNotPlain with the path", name, err)
					}
					if errors.Is(err, store.ErrDamaged) {
						t.Errorf("%s: it was taken for a damaged record: %v", name, err)
					}
				}
				after, err := os.Lstat(path)
				must(t, err)
				if !os.SameFile(before, after) || after.Mode() != before.Mode() {
					t.Errorf("it was changed: %v, before %v", after.Mode(), before.Mode())
				}
				if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
					t.Errorf("the victim holds %q, %v", data, err)
				}
				if _, err := os.Lstat(victim + "-missing"); err == nil {
					t.Error("a dangling link was followed")
				}
			})
		}
	}
}

// planted returns a store that has everything but the file with that suffix,
// and that file's path.
func planted(t *testing.T, suffix string) (*filestore.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, storetest.Sample(account, 1), 0)
	must(t, s.SetActive(t.Context(), account))
	unlock, err := s.Lock(t.Context(), account)
	must(t, err)
	unlock()
	// The account's own ".lock" is not the only name that ends so.
	path := strings.TrimSuffix(recordPath(t, dir), ".json") + suffix
	if strings.HasPrefix(suffix, ".active") {
		path = filepath.Join(dir, files(t, dir, suffix)[0])
	}
	must(t, os.Remove(path))
	return s, path
}

// TestPlantedBackup shows that a backup in whose way something is costs the
// backup and not the session.
func TestPlantedBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	s := open(t, dir, filestore.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	save(t, s, storetest.Sample(account, 1), 0)
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o600))
	must(t, os.Symlink(victim, recordPath(t, dir)+".bak"))
	save(t, s, storetest.Sample(account, 2), 1)
	if got := load(t, s); got.Generation != 2 {
		t.Errorf("generation %d", got.Generation)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
		t.Errorf("the victim holds %q, %v", data, err)
	}
	if !strings.Contains(log.String(), "backed up") {
		t.Errorf("nobody was told: %s", log.String())
	}
}

func TestForeignFolder(t *testing.T) {
	t.Parallel()
	refuse := func(t *testing.T, dir string, want error) {
		t.Helper()
		s := open(t, dir)
		_, loadErr := s.Load(t.Context(), account)
		saveErr := s.Save(t.Context(), storetest.Sample(account, 1), 0)
		for _, err := range []error{loadErr, saveErr} {
			if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v; want %v with the folder's name", err, want)
			}
		}
	}
	t.Run("other owner", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "sessions")
		must(t, os.Mkdir(dir, 0o777))
		giveAway(t, dir)
		refuse(t, dir, atomicfile.ErrNotPlain)
	})
	t.Run("link of another owner", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "sessions")
		must(t, os.Symlink(t.TempDir(), dir))
		giveAway(t, dir)
		refuse(t, dir, atomicfile.ErrNotPlain)
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "sessions")
		must(t, os.WriteFile(dir, nil, 0o600))
		refuse(t, dir, nil)
	})
	t.Run("own link", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "sessions")
		must(t, os.Symlink(t.TempDir(), dir))
		save(t, open(t, dir), storetest.Sample(account, 1), 0)
	})
}

// checkModes wants 0700 for folders and 0600 for files.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return err
	})
	must(t, err)
}

// TestRepair opens everything to everybody and expects it closed and reported.
func TestRepair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	use := func(s *filestore.Store) {
		save(t, s, storetest.Sample(account, load(t, s).Generation+1), load(t, s).Generation)
		must(t, s.SetActive(t.Context(), account))
		_, err := s.Active(t.Context(), account.Scope)
		must(t, err)
		unlock, err := s.Lock(t.Context(), account)
		must(t, err)
		unlock()
	}
	save(t, s, storetest.Sample(account, 1), 0)
	use(s)
	for _, name := range files(t, dir, "") {
		must(t, os.Chmod(filepath.Join(dir, name), 0o666))
	}
	must(t, os.Chmod(dir, 0o777))
	var log bytes.Buffer
	use(open(t, dir, filestore.WithLogger(slog.New(slog.NewJSONHandler(&log, nil)))))
	checkModes(t, dir)
	told := make(map[string]string)
	for line := range strings.Lines(log.String()) {
		var entry struct {
			Path, Mode string
			Repaired   bool
		}
		must(t, json.Unmarshal([]byte(line), &entry))
		if entry.Repaired {
			told[entry.Path] = entry.Mode
		}
	}
	if record := recordPath(t, dir); told[dir] != "-rwxrwxrwx" || told[record] != "-rw-rw-rw-" {
		t.Errorf("the log does not tell of the folder and the record:\n%s", log.String())
	}
	if strings.Contains(log.String(), "ABCDEFGHIJ") {
		t.Errorf("the log holds a token:\n%s", log.String())
	}
}

const umaskVariable = "LATCHKEY_FILESTORE_UMASK"

func init() { roles["umask"] = playUmask }

// playUmask makes every kind of file under a umask, which is the whole
// process's, therefore a process of its own.
func playUmask(s *filestore.Store) error {
	mask, err := strconv.ParseInt(os.Getenv(umaskVariable), 8, 32)
	if err != nil {
		return err
	}
	syscall.Umask(int(mask))
	ctx := context.Background()
	for generation := range uint64(2) {
		if err := s.Save(ctx, sized(generation+1), generation); err != nil {
			return err
		}
	}
	if err := s.SetActive(ctx, account); err != nil {
		return err
	}
	unlock, err := s.Lock(ctx, account)
	if err != nil {
		return err
	}
	unlock()
	if _, err := s.Load(ctx, account); err != nil {
		return err
	}
	return nil
}

func TestUmask(t *testing.T) {
	for _, mask := range []string{"000", "077"} {
		t.Run(mask, func(t *testing.T) {
			t.Setenv(umaskVariable, mask)
			top := filepath.Join(t.TempDir(), "made")
			dir := filepath.Join(top, "sessions")
			c := start(t, "umask", dir)
			if err := c.Wait(); err != nil {
				t.Fatalf("process: %v: %s", err, c.stderr)
			}
			if n := len(files(t, dir, "")); n != 6 {
				t.Errorf("%d files, want 6", n)
			}
			checkModes(t, top)
		})
	}
}

// TestErrorsNameFiles makes sure that an error can be acted on.
func TestErrorsNameFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plain file", "sessions")
	must(t, os.WriteFile(filepath.Dir(dir), nil, 0o600))
	s := open(t, dir)
	err := s.Save(t.Context(), storetest.Sample(account, 1), 0)
	if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(fmt.Sprint(err), dir) {
		t.Errorf("%v; want ENOTDIR with %s", err, dir)
	}
}
