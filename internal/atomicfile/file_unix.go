//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// NoFollow is the flag of [os.OpenFile] that refuses a symbolic link at the
// end of the path. It is 0 where the system has none.
const NoFollow = syscall.O_NOFOLLOW

// Loose reports whether group or others may do anything with a file.
func Loose(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// checkOwner refuses files of other users, who can change them at any time, and
// files with a second name, which may be somebody's way to read or to overwrite
// another file.
func checkOwner(info fs.FileInfo) error {
	if err := checkUser(info); err != nil {
		return err
	}
	if stat := info.Sys().(*syscall.Stat_t); uint64(stat.Nlink) > 1 {
		return fmt.Errorf("%w: it has %d names (hard links)", ErrNotPlain, stat.Nlink)
	}
	return nil
}

func checkUser(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%w: its owner is unknown", ErrNotPlain)
	}
	if user := os.Geteuid(); int(stat.Uid) != user {
		return fmt.Errorf("%w: it belongs to user id %d, and this program runs as %d", ErrNotPlain, stat.Uid, user)
	}
	return nil
}

// openNoFollow opens path for reading. O_NONBLOCK keeps it from waiting for a
// writer if path is a FIFO; it means nothing for a regular file.
func openNoFollow(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	// FreeBSD says EMLINK where POSIX says ELOOP.
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) {
		return nil, fmt.Errorf("%w: it is a symbolic link", ErrNotPlain)
	}
	return file, err
}

func rename(from, to string) error { return os.Rename(from, to) }

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = file.Sync()
	return errors.Join(err, file.Close())
}
