package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
)

var (
	errOtherAccount = errors.New("it holds the record of another account")
	errTooLarge     = errors.New("it is larger than 1 MiB, which no record is")
)

// asideTime is the form of a time in a file name; it has no colon, which
// Windows refuses.
const asideTime = "20060102T150405.000000000Z"

// readRecord reads and decodes the account's file and returns its bytes too.
// Errors: [store.ErrNotFound], [store.DamagedError] (nothing set aside yet),
// [store.SchemaError], and what the system says, with the file's name.
func (s *Store) readRecord(account store.Account) (store.Record, []byte, error) {
	path := s.accountPath(account, recordSuffix)
	data, err := s.readFile(path)
	if err == nil {
		var record store.Record
		record, err = store.Decode(data)
		if err == nil && record.Account != account {
			err = errOtherAccount
		}
		if err == nil {
			return record, data, nil
		}
		if newer, ok := errors.AsType[*store.SchemaError](err); ok {
			return store.Record{}, nil, fmt.Errorf("filestore: %s: %w", path, newer)
		}
		return store.Record{}, nil, s.damaged(account, path, err)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return store.Record{}, nil, store.ErrNotFound
	case errors.Is(err, errTooLarge):
		return store.Record{}, nil, s.damaged(account, path, err)
	}
	return store.Record{}, nil, fmt.Errorf("filestore: read session: %w", err)
}

// damaged makes the error for a file that was read and means nothing. Whether
// there is a backup is looked up now, as the next Save may replace it.
func (s *Store) damaged(account store.Account, path string, cause error) *store.DamagedError {
	damage := &store.DamagedError{Account: account, Path: path, Err: cause}
	backup := s.accountPath(account, backupSuffix)
	if _, err := os.Lstat(backup); err == nil {
		damage.Backup = backup
	}
	return damage
}

// readFile reads a plain file of at most store.MaxSize bytes, and takes rights
// from it that group and others should not have.
func (s *Store) readFile(path string) ([]byte, error) {
	file, info, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// Before reading: a sparse file has any size and costs its maker nothing.
	if info.Size() > store.MaxSize {
		return nil, errTooLarge
	}
	s.tighten(info, atomicfile.Mode, path, file.Chmod)
	// One byte more than the size shows that a file has grown, and saves the
	// read call that would only return EOF.
	data := make([]byte, info.Size()+1)
	n, err := io.ReadFull(file, data)
	switch {
	case err == nil:
		return nil, fmt.Errorf("%s grew while it was read; only this store may write it", path)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return data[:n], nil
	}
	return nil, err
}

// tighten repairs a mode that gives group or others access, and logs it: they may have
// read the tokens.
func (s *Store) tighten(info fs.FileInfo, mode fs.FileMode, path string, chmod func(fs.FileMode) error) {
	if !atomicfile.Loose(info) {
		return
	}
	err := chmod(mode)
	s.logger.Warn("session store was open to other users of this machine",
		"path", path, "mode", info.Mode().Perm().String(), "repaired", err == nil, "error", err)
}

// setDamagedAside renames the file of a DamagedError and notes the new name in
// it. Other errors pass through. The caller holds the lock.
func (s *Store) setDamagedAside(ctx context.Context, err error) error {
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok {
		return err
	}
	aside, renameErr := setAside(damage.Path, ".corrupt-")
	if renameErr != nil {
		damage.Err = errors.Join(damage.Err, renameErr)
		return damage
	}
	damage.Aside = aside
	s.logger.WarnContext(ctx, "damaged session set aside", "path", damage.Path, "aside", aside, "error", damage.Err)
	return damage
}

// setNewerAside makes room for a sign-in where a newer program's record is.
// It returns nil, or why there is no room.
func (s *Store) setNewerAside(ctx context.Context, account store.Account, err error) error {
	newer, ok := errors.AsType[*store.SchemaError](err)
	if !ok {
		return err
	}
	path := s.accountPath(account, recordSuffix)
	aside, renameErr := setAside(path, fmt.Sprintf(".schema-%d-", newer.Found))
	if renameErr != nil {
		return errors.Join(err, renameErr)
	}
	s.logger.WarnContext(ctx, "session of a newer program set aside", "path", path, "aside", aside)
	return nil
}

// setAside renames path. Nanoseconds in the name keep two damages of one file
// apart; the caller holds the file's lock.
func setAside(path, kind string) (aside string, err error) {
	aside = path + kind + time.Now().UTC().Format(asideTime)
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("filestore: set aside: %w", err)
	}
	return aside, nil
}
