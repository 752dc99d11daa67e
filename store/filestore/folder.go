package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
)

const (
	folderMode fs.FileMode = 0o700

	// staleAge is the age from which a temporary file of any account has no
	// living writer: a write takes milliseconds.
	staleAge = time.Minute
)

// temporaries are the patterns of the temporary files of this package.
var temporaries = []string{
	atomicfile.TempPattern("*" + recordSuffix),
	atomicfile.TempPattern("*" + backupSuffix),
	atomicfile.TempPattern("*" + activeSuffix),
}

// findFolder checks the folder before the first read. No folder means that
// nothing is kept: [store.ErrNotFound].
func (s *Store) findFolder() error {
	if s.ready.Load() {
		return nil
	}
	err := s.checkFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return store.ErrNotFound
	}
	return err
}

// checkFolder refuses a folder that is not this user's, and repairs its mode.
// The folder may be reached through a symbolic link if the link is this user's
// own, as dotfile managers make them.
func (s *Store) checkFolder() error {
	link, err := os.Lstat(s.dir)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	info, err := os.Stat(s.dir)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("filestore: %s is not a directory; move it away or choose another folder", s.dir)
	}
	if err := errors.Join(atomicfile.CheckOwner(link), atomicfile.CheckOwner(info)); err != nil {
		return fmt.Errorf("filestore: folder %s: %w", s.dir, err)
	}
	s.tighten(info, folderMode, s.dir, func(mode fs.FileMode) error { return os.Chmod(s.dir, mode) })
	s.ready.Store(true)
	return nil
}

// writable makes the folder if need be, takes the lock and, once per Store,
// removes what killed writers left behind.
func (s *Store) writable(ctx context.Context, lock string) (unlock func(), err error) {
	if err := s.makeFolder(); err != nil {
		return nil, err
	}
	unlock, err = s.acquire(ctx, lock)
	if err != nil {
		return nil, err
	}
	if s.swept.CompareAndSwap(false, true) {
		s.sweep(ctx)
	}
	return unlock, nil
}

// makeFolder checks again before every write, at the price of two calls of stat,
// so that a folder that was removed under a running program is made anew.
func (s *Store) makeFolder() error {
	err := s.checkFolder()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDurably(s.dir); err != nil {
		return fmt.Errorf("filestore: make folder: %w", err)
	}
	return s.checkFolder()
}

// makeDurably is os.MkdirAll that forces each new entry to disk, so that a
// durable file does not vanish with its folder.
func makeDurably(dir string) error {
	err := os.Mkdir(dir, folderMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDurably(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, folderMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // another program made it; checkFolder looks at it
	}
	if err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}

// removeRemains removes the account's own temporary files of any age: they are written only
// under the lock that the caller holds.
func (s *Store) removeRemains(ctx context.Context, account store.Account) {
	pattern := atomicfile.TempPattern(accountName(account) + recordSuffix + "*")
	if err := atomicfile.RemoveStale(s.dir, pattern, 0); err != nil {
		s.logger.WarnContext(ctx, "remains of an interrupted write could not be removed", "error", err)
	}
}

// sweep removes the remains of writes for any account. That it fails is no
// reason not to write.
func (s *Store) sweep(ctx context.Context) {
	for _, pattern := range temporaries {
		if err := atomicfile.RemoveStale(s.dir, pattern, staleAge); err != nil {
			s.logger.WarnContext(ctx, "remains of an interrupted write could not be removed", "error", err)
		}
	}
}
