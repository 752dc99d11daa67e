package sqlite

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	lib "modernc.org/sqlite/lib"
)

// driverOf is the driver that modernc.org/sqlite registered.
var driverOf = sync.OnceValue(func() driver.Driver {
	db, err := sql.Open("sqlite", ":memory:") // opens no connection
	if err != nil {
		panic("sqlite: driver not registered: " + err.Error())
	}
	defer db.Close()
	return db.Driver()
})

// locate makes path absolute and follows symbolic links, so that two names of
// one file share one lock. The folder must exist, the file need not.
func locate(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %s: %w", path, err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("sqlite: %s: its folder does not exist: create it first: %w", path, err)
	}
	if err != nil {
		return "", fmt.Errorf("sqlite: %s: %w", path, err)
	}
	abs = filepath.Join(folder, filepath.Base(abs))
	if file, err := filepath.EvalSymlinks(abs); err == nil {
		abs = file
	}
	return abs, nil
}

// lockFile takes the lock beside the database for as long as the Store is open.
// The lock file stays: deleting it would let two processes lock two files of
// one name. The database itself must not be locked that way, since SQLite puts
// its own locks on it and closing any descriptor of a file drops those.
func lockFile(path string) (*flock.Flock, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: cannot lock it with %s.lock: make the folder writable: %w", path, path, err)
	}
	if !held {
		return nil, fmt.Errorf("sqlite: %s: %w: stop the process that has it open, or name another file", path, ErrInUse)
	}
	return lock, nil
}

var magic = []byte("SQLite format 3\x00")

// prepareFile creates the database file, or checks that one is there which can
// be written and begins as a SQLite database does.
func prepareFile(path string) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: %s: cannot be written: check the permissions of the file and its folder: %w", path, err)
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	head := make([]byte, len(magic))
	switch n, err := io.ReadFull(file, head); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("sqlite: %s: %w", path, err)
	case !bytes.Equal(head, magic):
		return fmt.Errorf("sqlite: %s: is not a SQLite database: name another file", path)
	}
	return nil
}

// dsn names the file to the driver; a URI may hold every character.
func dsn(path, mode string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // a drive letter
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode}
	return u.String()
}

// advice says what to do about SQLite's kinds of failure.
var advice = map[int]string{
	lib.SQLITE_FULL:     "the disk is full: free some space",
	lib.SQLITE_READONLY: "cannot be written: check the permissions of the file and its folder, and that the disk is not mounted read-only",
	lib.SQLITE_CANTOPEN: "cannot be opened: check the permissions of the file and its folder",
	lib.SQLITE_CORRUPT:  "is damaged: stop the service and restore it from a backup",
	lib.SQLITE_NOTADB:   "is not a SQLite database, or is damaged: name another file or restore it from a backup",
	lib.SQLITE_IOERR:    "the disk failed to read or write: check it",
	lib.SQLITE_BUSY:     "is locked by another program: close what has it open",
}

// explain names the file and what to do about err.
func explain(path string, err error) error {
	if what, ok := advice[code(err)&0xff]; ok {
		return fmt.Errorf("sqlite: %s: %s: %w", path, what, err)
	}
	return fmt.Errorf("sqlite: %s: %w", path, err)
}
