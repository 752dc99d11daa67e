package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
)

// Store is a [store.Store], a [store.Locker], a [store.Watcher] and a
// [store.ServiceLister] over one folder. Any number of Stores, in one process or
// many, may use the same folder at once. Make it with [New]; methods of a nil *Store
// and of the zero value return an error.
type Store struct {
	dir    string // absolute
	logger *slog.Logger
	ready  atomic.Bool // the folder was found, checked and repaired
	swept  atomic.Bool // remains of killed writers were removed
}

// Option changes how a Store works.
type Option struct{ apply func(*Store) }

// WithLogger makes the store report what it repaired or had to pass over:
// modes that were too wide, records set aside, a backup that could not be
// written. No line holds a token. The default, and a nil logger, report nothing.
func WithLogger(logger *slog.Logger) Option {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return Option{func(s *Store) { s.logger = logger }}
}

// New returns a store over the folder dir. It touches nothing: the folder is
// made, with mode 0700, by the first method that must write.
func New(dir string, options ...Option) (*Store, error) {
	if dir == "" {
		return nil, errors.New("filestore: the folder's name is empty")
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	s := &Store{dir: absolute, logger: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		if option.apply != nil {
			option.apply(s)
		}
	}
	return s, nil
}

var errNotMade = errors.New("filestore: the Store was not made with New")

// usable returns an error if s has no folder or ctx has ended.
func (s *Store) usable(ctx context.Context) error {
	if s == nil || s.dir == "" {
		return errNotMade
	}
	return ctx.Err()
}

// Dir returns the folder's absolute path. It is empty if s was not made with New.
func (s *Store) Dir() string {
	if s == nil {
		return ""
	}
	return s.dir
}

// Load reads the account's record, without a lock. A damaged record is set
// aside and reported as a [store.DamagedError]; one of a newer schema is left
// where it is and reported as a [store.SchemaError].
func (s *Store) Load(ctx context.Context, account store.Account) (store.Record, error) {
	if err := s.usable(ctx); err != nil {
		return store.Record{}, err
	}
	if err := s.findFolder(); err != nil {
		return store.Record{}, err
	}
	record, _, err := s.readRecord(account)
	if errors.Is(err, store.ErrDamaged) {
		return s.loadDamaged(ctx, account, err)
	}
	return record, err
}

// loadDamaged reads again under the lock, so that what it sets aside is not
// what another program has just put in the damaged record's place.
func (s *Store) loadDamaged(ctx context.Context, account store.Account, damage error) (store.Record, error) {
	unlock, err := s.acquire(ctx, s.accountPath(account, lockSuffix))
	if err != nil {
		s.logger.WarnContext(ctx, "damaged session could not be set aside", "error", err)
		return store.Record{}, damage
	}
	defer unlock()
	record, _, err := s.readRecord(account)
	return record, s.setDamagedAside(ctx, err)
}

// Save replaces the account's record by compare-and-swap; see [store.Store].
//
// A damaged record is set aside. Save then goes on if previous is 0, as for a
// new sign-in, and otherwise returns the [store.DamagedError] without writing:
// the account is free, and Save with previous 0 works. A record of a newer
// schema is treated likewise, but is set aside only if previous is 0.
//
// When Save fails, the old record is still there.
func (s *Store) Save(ctx context.Context, record store.Record, previous uint64) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	// Before the lock: a failure is the caller's mistake, and must not delay other
	// callers.
	data, err := store.Encode(record)
	if err != nil {
		return err
	}
	account := record.Account
	unlock, err := s.writable(ctx, s.accountPath(account, lockSuffix))
	if err != nil {
		return err
	}
	defer unlock()
	kept, old, err := s.keptGeneration(ctx, account, previous)
	if err != nil {
		return err
	}
	if err := store.Admit(record.Generation, previous, kept); err != nil {
		return err
	}
	s.backUp(ctx, record, old)
	s.removeRemains(ctx, account)
	if err := atomicfile.Write(s.accountPath(account, recordSuffix), data); err != nil {
		return fmt.Errorf("filestore: save session: %w", err)
	}
	return nil
}

// keptGeneration reads, under the lock, what Save is about to replace: its
// generation and its bytes, 0 and nil if there is nothing any more.
func (s *Store) keptGeneration(ctx context.Context, account store.Account, previous uint64) (uint64, []byte, error) {
	record, data, err := s.readRecord(account)
	_, newer := errors.AsType[*store.SchemaError](err)
	switch {
	case err == nil:
		return record.Generation, data, nil
	case errors.Is(err, store.ErrNotFound):
		return 0, nil, nil
	case errors.Is(err, store.ErrDamaged):
		err = s.setDamagedAside(ctx, err)
	case newer && previous == 0:
		err = s.setNewerAside(ctx, account, err)
	default:
		return 0, nil, err
	}
	if damage, ok := errors.AsType[*store.DamagedError](err); ok && damage.Aside != "" && previous == 0 {
		return 0, nil, nil
	}
	return 0, nil, err
}

// backUp keeps the generation that is about to be replaced. When the session
// ends it removes every older trace instead, so that a sign-out leaves no token
// behind. That the new record is kept matters more than either: a rotated
// refresh token exists nowhere else. So a failure is only reported, and nothing
// waits for the disk.
func (s *Store) backUp(ctx context.Context, record store.Record, old []byte) {
	var err error
	switch {
	case record.Ended != nil:
		err = s.removeTraces(record.Account)
	case old != nil:
		err = atomicfile.WriteLazy(s.accountPath(record.Account, backupSuffix), old)
	}
	if err != nil {
		s.logger.WarnContext(ctx, "previous session could not be backed up or removed", "error", err)
	}
}

// removeTraces removes what lies beside the account's record: its backup, what
// was set aside, and what killed writers left, for the caller holds the lock.
func (s *Store) removeTraces(account store.Account) error {
	prefix := accountName(account) + recordSuffix + "."
	entries, err := os.ReadDir(s.dir)
	failed := []error{err}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			failed = append(failed, remove(filepath.Join(s.dir, entry.Name())))
		}
	}
	return errors.Join(failed...)
}

// Delete removes the account's record, its backup and what was set aside, and
// the scope's pointer if it names the account. What stands in a file's place
// without being one, such as a link, is removed too; its target is not touched.
func (s *Store) Delete(ctx context.Context, account store.Account) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := s.findFolder(); err != nil {
		return unlessNotFound(err)
	}
	if err := s.deleteRecord(ctx, account); err != nil {
		return err
	}
	return s.deactivate(ctx, account)
}

// deleteRecord does not decode what it deletes: a sign-out must work on damaged
// records and on those of newer programs alike.
func (s *Store) deleteRecord(ctx context.Context, account store.Account) error {
	unlock, err := s.writable(ctx, s.accountPath(account, lockSuffix))
	if err != nil {
		return err
	}
	defer unlock()
	// The record goes first: from then on the account is signed out.
	err = errors.Join(
		remove(s.accountPath(account, recordSuffix)),
		s.removeTraces(account),
		atomicfile.SyncDir(s.dir),
	)
	if err != nil {
		return fmt.Errorf("filestore: delete session: %w", err)
	}
	return nil
}

// remove is os.Remove without an error for a missing file. It does not remove directories:
// this package never makes one there, so its content is not ours. Of a link it removes the
// link itself.
func remove(path string) error {
	info, err := os.Lstat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory; move it away", path)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unlessNotFound is for methods that have nothing to do where there is nothing.
func unlessNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// List reads every record of the scope. One that cannot be read is skipped
// and logged; Load returns its error.
func (s *Store) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if err := s.findFolder(); err != nil {
		return nil, unlessNotFound(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: list sessions: %w", err)
	}
	var accounts []store.Account
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), scopeName(scope)+".") || filepath.Ext(entry.Name()) != recordSuffix {
			continue
		}
		account, err := s.accountIn(entry.Name())
		if err != nil {
			s.passOver(ctx, entry.Name(), err)
			continue
		}
		accounts = append(accounts, account)
	}
	store.SortAccounts(accounts)
	return accounts, nil
}

// accountIn says whose record the file name holds. The username is only in the
// record: names of files are cut, folded and hashed. A record under another
// record's name belongs to no account, as in Load.
func (s *Store) accountIn(name string) (store.Account, error) {
	data, err := s.readFile(filepath.Join(s.dir, name))
	if err != nil {
		return store.Account{}, err
	}
	record, err := store.Decode(data)
	if err == nil && accountName(record.Account)+recordSuffix != name {
		err = errOtherAccount
	}
	return record.Account, err
}
