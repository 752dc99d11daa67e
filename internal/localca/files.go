package localca

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

// maxFile bounds what is read of a file, in bytes.
const maxFile = 64 << 10

// damaged says what is wrong with a file and how to go on.
func damaged(folder, file string, reason error) error {
	path := filepath.Join(folder, file)
	if file == serverFile {
		return fmt.Errorf("localca: %s: %w; remove this file, and a new one is made", path, reason)
	}
	return fmt.Errorf("localca: %s: %w; restore it from a copy, or remove all of %s for a new authority, "+
		"whose certificate clients must then be given again", path, reason, folder)
}

// readFile reads a regular file. One with a private key must be its owner's
// alone.
func readFile(folder, name string, private bool) ([]byte, error) {
	path := filepath.Join(folder, name)
	seen, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) && name == caKeyFile {
		return nil, damaged(folder, name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("localca: %w", err)
	}
	if !seen.Mode().IsRegular() {
		return nil, damaged(folder, name, errors.New("not a regular file"))
	}
	if err := checkReach(path, seen, private); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("localca: %w", err)
	}
	defer file.Close()
	if opened, err := file.Stat(); err != nil || !os.SameFile(seen, opened) && !replaced(path, opened) {
		return nil, fmt.Errorf("localca: %s was exchanged while it was opened; try again", path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("localca: %w", err)
	}
	if len(text) > maxFile {
		return nil, damaged(folder, name, fmt.Errorf("longer than %d bytes", maxFile))
	}
	return text, nil
}

// checkReach refuses files that another user owns or can change, and private ones
// that another user can read.
func checkReach(path string, file fs.FileInfo, private bool) error {
	mode := file.Mode().Perm()
	if err := atomicfile.CheckOwner(file); err != nil {
		return fmt.Errorf("localca: %s: %w", path, err)
	}
	switch {
	case private && atomicfile.Loose(file):
		return fmt.Errorf("localca: %s holds a private key and can be reached by others (mode %04o); "+
			"if nobody has read it, run chmod 600 on it", path, mode)
	case mode&0o022 != 0 && runtime.GOOS != "windows":
		return fmt.Errorf("localca: %s can be changed by others (mode %04o); "+
			"if nobody has changed it, run chmod 644 on it", path, mode)
	}
	return nil
}

// replaced reports whether what was opened is the file that is at path by now,
// as after a renewal by another process.
func replaced(path string, opened fs.FileInfo) bool {
	now, err := os.Lstat(path)
	return err == nil && now.Mode().IsRegular() && os.SameFile(now, opened)
}

// decodePEM returns the content of the one block of a text.
func decodePEM(text []byte, label string) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != label || len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("not one PEM block %q", label)
	}
	return block.Bytes, nil
}

func pemBlock(b block) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: b.label, Bytes: b.der})
}

// writeFile replaces a file, or makes it, as a whole and durably.
func writeFile(folder, name string, text []byte, mode fs.FileMode) error {
	return place(folder, name, text, mode, os.Rename)
}

// writeNew is writeFile for a file that must not exist; else it is an
// fs.ErrExist.
func writeNew(folder, name string, text []byte, mode fs.FileMode) error {
	return place(folder, name, text, mode, moveNew)
}

// moveNew links from to a name that must be free. On a file system without hard
// links it can only look before it moves.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// place writes a temporary file and moves it to its name.
func place(folder, name string, text []byte, mode fs.FileMode, move func(from, to string) error) error {
	temp := filepath.Join(folder, name+".new-"+rand.Text()[:10])
	defer os.Remove(temp) // in vain after a rename
	err := writeTemp(temp, text, mode)
	if err == nil {
		err = move(temp, filepath.Join(folder, name))
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return fmt.Errorf("localca: writing %s: %w", filepath.Join(folder, name), err)
	}
	return nil
}

func writeTemp(path string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Chmod(mode) // the umask may have taken the others' right to read
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder makes new names durable. Windows cannot, and needs not.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
