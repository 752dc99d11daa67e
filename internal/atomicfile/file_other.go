//go:build !unix

package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
)

// NoFollow is the flag of [os.OpenFile] that refuses a symbolic link at the
// end of the path. It is 0 where the system has none.
const NoFollow = 0

// Loose reports whether group or others may do anything with a file. Modes say
// nothing about that here: on Windows a user's profile folder is private by its
// access control list, which new files inherit.
func Loose(fs.FileInfo) bool { return false }

func checkOwner(fs.FileInfo) error { return nil }

func checkUser(fs.FileInfo) error { return nil }

// openNoFollow looks before it opens, and checks afterwards that it opened what
// it looked at.
func openNoFollow(path string) (*os.File, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := CheckPlain(before); err != nil {
		return nil, err
	}
	file, err := openShared(path)
	if err != nil {
		return nil, err
	}
	after, err := file.Stat()
	if err == nil && !os.SameFile(before, after) && isLink(path) {
		err = fmt.Errorf("%w: it became a symbolic link", ErrNotPlain)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return file, nil
}

// isLink tells a file that a writer replaced meanwhile from a link.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && !info.Mode().IsRegular()
}

// syncDir does nothing: there is no way to force a directory to disk here.
// Windows journals renames in NTFS itself.
func syncDir(string) error { return nil }
