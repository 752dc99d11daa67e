// Package filelock locks files between processes. A lock file is never removed: a program
// that waits on the removed file and one that makes a new file would both hold the lock.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

const (
	patience = 5 * time.Second      // the longest wait; holders have milliseconds of work
	pause    = 5 * time.Millisecond // between two attempts
)

// Acquire waits for the lock file at path, and makes it if there is none. The lock is
// released by unlock, and when the process ends. It fails when ctx ends or after five seconds.
func Acquire(ctx context.Context, path string) (unlock func(), err error) {
	if err := atomicfile.CheckTarget(path); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	file := flock.New(path, flock.SetFlag(os.O_RDWR|os.O_CREATE|atomicfile.NoFollow), flock.SetPermissions(atomicfile.Mode))
	if _, err := file.TryLockContext(ctx, pause); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, errors.Join(err, file.Close()))
	}
	return func() { _ = file.Close() }, nil // closing releases the lock in any case
}
