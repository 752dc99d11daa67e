package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// watchPause is how often Watch looks: twice in the time that [store.Watcher]
// allows. One look reads the folder's names and the metadata of the scope's
// records, some 10 to 30 µs for one to ten accounts.
const watchPause = 250 * time.Millisecond

// Watch polls the folder for files that were replaced, made or removed; see
// [store.Watcher]. Polling works on every system and file system, and needs no
// descriptor while it waits. A folder that is not there yet is an empty one. An
// error that keeps Watch from looking, such as a folder that is not this user's,
// ends it.
func (s *Store) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	before, err := s.look(scope)
	if err != nil {
		return err
	}
	changed()
	ticker := time.NewTicker(watchPause)
	defer ticker.Stop()
	again := true // see below
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now, err := s.look(scope)
		if err != nil {
			return err
		}
		different := !maps.EqualFunc(before, now, sameFile)
		// A file that is replaced twice within one tick of the file system's clock
		// may look the same both times, including its inode number. So a recent
		// change is reported once more, when that tick is over.
		if different || again {
			changed()
		}
		before, again = now, different
	}
}

// look notes what the files of the scope look like from outside. Files that hold
// neither records nor the pointer do not count.
func (s *Store) look(scope store.Scope) (map[string]fs.FileInfo, error) {
	seen := make(map[string]fs.FileInfo)
	if err := s.findFolder(); err != nil {
		return seen, unlessNotFound(err)
	}
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return seen, nil // removed under the program; the next Save makes it anew
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: watch sessions: %w", err)
	}
	prefix := scopeName(scope)
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), prefix)
		if !ok || rest != activeSuffix && !(strings.HasPrefix(rest, ".") && strings.HasSuffix(rest, recordSuffix)) {
			continue
		}
		if info, err := entry.Info(); err == nil { // else it was removed meanwhile
			seen[entry.Name()] = info
		}
	}
	return seen, nil
}

// sameFile reports whether a name still stands for the same file, unchanged.
// Records are replaced by rename, so a new one is another file.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
