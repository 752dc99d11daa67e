package atomicfile

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// errorSharingViolation is ERROR_SHARING_VIOLATION of winerror.h.
const errorSharingViolation = syscall.Errno(32)

// A reader, an indexer or a virus scanner holds a file for milliseconds.
const (
	firstRetry = time.Millisecond
	lastRetry  = 256 * time.Millisecond // half a second in all
)

func rename(from, to string) error {
	return retry(func() error { return os.Rename(from, to) })
}

// openShared opens path although a writer may be replacing it at the moment.
func openShared(path string) (file *os.File, err error) {
	err = retry(func() error {
		file, err = os.Open(path)
		return err
	})
	return file, err
}

// retry calls attempt again while another program holds the file: Windows
// refuses to replace or open it then, where other systems do not.
func retry(attempt func() error) error {
	for delay := firstRetry; ; delay *= 2 {
		err := attempt()
		busy := errors.Is(err, errorSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !busy || delay > lastRetry {
			return err
		}
		time.Sleep(delay)
	}
}
