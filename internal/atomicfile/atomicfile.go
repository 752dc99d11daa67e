// Package atomicfile replaces small private files whole: a reader, or a program
// that starts after a crash, sees the old content or the new, never a mixture.
//
// [Write] makes a temporary file beside the target, forces it to disk and
// renames it over the target. A process that is killed in between leaves the
// temporary file behind; [RemoveStale] clears those away. [Open] is the reading
// side. All of them handle plain files of this user only: a symbolic link, a
// FIFO, a device, a directory, a file with a second name or with another owner
// is refused and not touched, because somebody else may have put it there.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Mode is the mode of every file that this package makes, whatever the umask.
const Mode fs.FileMode = 0o600

// ErrNotPlain means that a path names something that is not a plain file with
// one name that this user owns.
var ErrNotPlain = errors.New("not a plain file of this user")

// ErrOpenFolder means that other users can exchange the files of a folder.
var ErrOpenFolder = errors.New("others can change the folder")

// tempRandomBytes makes temporary names unguessable, so that nothing can be
// planted where one is about to be.
const tempRandomBytes = 8

// Write puts data in the place of path's content, or makes the file. When it
// returns nil, the content survives a crash of the machine. When it returns an
// error, the old content is still there, with one exception that the error
// names: the directory could not be forced to disk after the change.
//
// Writers of one path must take turns; the last rename wins.
func Write(path string, data []byte) error {
	if err := replace(path, data, true); err != nil {
		return fmt.Errorf("atomicfile: write %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("atomicfile: %s is written but may not survive a crash of the machine: %w", path, err)
	}
	return nil
}

// WriteLazy is Write without forcing anything to disk. A crash of the process
// leaves the old content or the new; a crash of the machine may leave neither.
func WriteLazy(path string, data []byte) error {
	if err := replace(path, data, false); err != nil {
		return fmt.Errorf("atomicfile: write %s: %w", path, err)
	}
	return nil
}

// SyncDir forces a directory's entries to disk, so that a file made or removed
// in it stays so. It does nothing where the system has no such call.
func SyncDir(dir string) error {
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("atomicfile: sync %s: %w", dir, err)
	}
	return nil
}

// CheckPlain returns an error that is [ErrNotPlain] unless info is that of a
// regular file with one name that this user owns.
func CheckPlain(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is a %s", ErrNotPlain, kind(info.Mode()))
	}
	return checkOwner(info)
}

// CheckOwner is CheckPlain for things that need not be regular files, such as
// directories: it looks at the owner alone.
func CheckOwner(info fs.FileInfo) error { return checkUser(info) }

// kind names what is not a regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "FIFO"
	case mode&fs.ModeSocket != 0:
		return "socket"
	default:
		return "device or other special file"
	}
}

// CheckTarget returns an error that is [ErrNotPlain] if path names something
// that must not be replaced or opened. It is no error if there is nothing.
func CheckTarget(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return CheckPlain(info)
}

func replace(path string, data []byte, durable bool) error {
	if err := CheckTarget(path); err != nil {
		return err
	}
	var random [tempRandomBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	temp := tempName(path, random)
	if err := writeTemp(temp, data, durable); err != nil {
		return err
	}
	return moveInto(temp, path)
}

func tempName(path string, random [tempRandomBytes]byte) string {
	return path + "." + hex.EncodeToString(random[:]) + ".tmp"
}

// moveInto renames temp, or removes it.
func moveInto(temp, path string) error {
	if err := rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// writeTemp makes the file temp, which must not exist in any form, and removes
// it again if it cannot be completed.
func writeTemp(temp string, data []byte, durable bool) error {
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|NoFollow, Mode)
	if err != nil {
		return err
	}
	err = fill(file, data, durable)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

func fill(file *os.File, data []byte, durable bool) error {
	// The umask may have taken the owner's own bits.
	if err := file.Chmod(Mode); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	return file.Sync()
}

// Open opens a plain file of this user for reading and returns what it is. It
// does not follow a symbolic link at the end of path and does not wait for the
// other end of a FIFO. Errors: [fs.ErrNotExist], [ErrNotPlain].
func Open(path string) (*os.File, fs.FileInfo, error) {
	file, info, err := open(path)
	if _, named := errors.AsType[*fs.PathError](err); named {
		return nil, nil, fmt.Errorf("atomicfile: %w", err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("atomicfile: open %s: %w", path, err)
	}
	return file, info, nil
}

func open(path string) (*os.File, fs.FileInfo, error) {
	file, err := openNoFollow(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = CheckPlain(info)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, nil, err
	}
	return file, info, nil
}

// TempPattern returns the pattern, in the language of [filepath.Match], of the
// temporary files of targets whose names match base.
func TempPattern(base string) string {
	return base + "." + strings.Repeat("[0-9a-f]", 2*tempRandomBytes) + ".tmp"
}

// RemoveStale removes this user's plain files in dir whose names match pattern
// and that were last written more than age ago: what killed writers left
// behind. A file that a living writer is still about to rename must be younger
// than age. It goes on after an error and returns all of them joined.
func RemoveStale(dir, pattern string, age time.Duration) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("atomicfile: remove stale files: %w", err)
	}
	limit := time.Now().Add(-age)
	var failed []error
	for _, entry := range entries {
		matched, err := filepath.Match(pattern, entry.Name())
		if err != nil {
			return fmt.Errorf("atomicfile: remove stale files: pattern %q: %w", pattern, err)
		}
		if matched {
			failed = append(failed, removeOlder(filepath.Join(dir, entry.Name()), limit))
		}
	}
	return errors.Join(failed...)
}

func removeOlder(path string, limit time.Time) error {
	info, err := os.Lstat(path)
	if err == nil && (CheckPlain(info) != nil || info.ModTime().After(limit)) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("atomicfile: remove stale file: %w", err)
	}
	return nil
}
