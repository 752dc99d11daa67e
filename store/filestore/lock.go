package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/internal/keylock"
)

// Waiting for another process is polling: flock(2) cannot wait under a context.
// The pause grows to lastPoll, which bounds how long a free lock stays unused.
const (
	firstPoll = time.Millisecond
	lastPoll  = 20 * time.Millisecond
)

// turns orders the goroutines of this process, whatever Store they use, before
// they ask the system: only one per lock file polls, and the rest get the lock
// handed over in the order of their arrival. Two paths of one file, through a
// link, still exclude each other by flock.
var turns keylock.Group[string]

// Lock waits for the lock that a program holds while it refreshes the account's
// tokens. It is another lock than the one that Save acquires briefly,
// so its holder can call every method. Others can Load, Save and Delete
// meanwhile, which the holder notices by compare-and-swap. The locks of a process
// are released when it ends. Errors: [store.ErrLockHeld], and [store.ErrNoLocks] where the folder
// cannot be written or its file system has no locks.
func (s *Store) Lock(ctx context.Context, account store.Account) (unlock func(), err error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	return s.writable(ctx, s.accountPath(account, refreshSuffix))
}

// acquire waits until it holds the lock file path or ctx ends.
func (s *Store) acquire(ctx context.Context, path string) (unlock func(), err error) {
	leave, err := turns.Lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("filestore: wait for lock %s: %w", path, err)
	}
	file, err := s.poll(ctx, path)
	if err != nil {
		leave()
		return nil, err
	}
	return sync.OnceFunc(func() {
		_ = file.Close() // closing the descriptor lets go in any case
		leave()
	}), nil
}

// poll tries to acquire the lock until it succeeds. It returns the caller's context error,
// so that a deadline is distinguishable from a disk that fails.
func (s *Store) poll(ctx context.Context, path string) (*flock.Flock, error) {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		file, err := s.tryLock(path)
		if file != nil || err != nil {
			return file, err
		}
		// Jitter keeps processes that started together from asking together.
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("filestore: wait for lock %s: %w: %w", path, store.ErrLockHeld, ctx.Err())
		}
	}
}

// tryLock acquires the lock, or returns nil if another holder has it. It opens
// the file anew every time, so that a waiter notices when the whole folder was
// removed and made again under it.
func (s *Store) tryLock(path string) (*flock.Flock, error) {
	if err := atomicfile.CheckTarget(path); err != nil {
		return nil, fmt.Errorf("filestore: lock file %s: %w", path, err)
	}
	file := flock.New(path, flock.SetFlag(os.O_RDWR|os.O_CREATE|atomicfile.NoFollow), flock.SetPermissions(atomicfile.Mode))
	locked, err := file.TryLock()
	if err != nil {
		if cannotLock(err) {
			err = fmt.Errorf("%w: %w", store.ErrNoLocks, err)
		}
		return nil, fmt.Errorf("filestore: lock %s: %w", path, err)
	}
	if !locked {
		return nil, nil
	}
	same, err := s.checkLocked(file)
	if !same || err != nil {
		_ = file.Close() // nothing was protected yet
		return nil, err
	}
	return file, nil
}

// cannotLock reports whether err says that no lock can be taken in this folder, as
// opposed to a failure such as a full disk.
func cannotLock(err error) bool {
	for _, cause := range []error{syscall.EROFS, fs.ErrPermission, syscall.ENOLCK, errors.ErrUnsupported} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// checkLocked looks at the file that was really locked: whether it may be used,
// and whether its path still leads to it.
func (s *Store) checkLocked(file *flock.Flock) (same bool, err error) {
	path := file.Path()
	locked, err := file.Stat()
	if err == nil {
		err = atomicfile.CheckPlain(locked)
	}
	if err != nil {
		return false, fmt.Errorf("filestore: lock file %s: %w", path, err)
	}
	named, err := os.Lstat(path)
	if err != nil || !os.SameFile(locked, named) {
		return false, nil // removed meanwhile: try again with what is there now
	}
	s.tighten(named, atomicfile.Mode, path, func(mode os.FileMode) error { return os.Chmod(path, mode) })
	return true, nil
}
