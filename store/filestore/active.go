package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/store"
)

// Active reads the scope's pointer. A damaged pointer is set aside like a
// record; the [store.DamagedError] then has an account without a username.
func (s *Store) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if err := s.usable(ctx); err != nil {
		return store.Account{}, err
	}
	if err := s.findFolder(); err != nil {
		return store.Account{}, err
	}
	account, err := s.readActive(scope)
	if !errors.Is(err, store.ErrDamaged) {
		return account, err
	}
	unlock, lockErr := s.acquire(ctx, s.activePath(scope)+lockSuffix)
	if lockErr != nil {
		return store.Account{}, err
	}
	defer unlock()
	account, err = s.readActive(scope)
	return account, s.setDamagedAside(ctx, err)
}

// readActive is to the pointer what readRecord is to a record. A pointer to
// another scope's account is damage too: it would activate a user without a session
// in this scope.
func (s *Store) readActive(scope store.Scope) (store.Account, error) {
	path := s.activePath(scope)
	data, err := s.readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Account{}, store.ErrNotFound
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		return store.Account{}, fmt.Errorf("filestore: read active account: %w", err)
	}
	var account store.Account
	if err == nil {
		account, err = store.DecodeAccount(data)
	}
	if err == nil && account.Scope != scope {
		err = errOtherAccount
	}
	if newer, ok := errors.AsType[*store.SchemaError](err); ok {
		return store.Account{}, fmt.Errorf("filestore: %s: %w", path, newer)
	}
	if err != nil {
		return store.Account{}, &store.DamagedError{Account: store.Account{Scope: scope}, Path: path, Err: err}
	}
	return account, nil
}

// SetActive replaces the pointer of the account's scope, whatever it held: also a
// damaged pointer, or one of a newer schema, since there is nothing in it that
// the user did not just decide anew.
func (s *Store) SetActive(ctx context.Context, account store.Account) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	data, err := store.EncodeAccount(account)
	if err != nil {
		return err
	}
	path := s.activePath(account.Scope)
	unlock, err := s.writable(ctx, path+lockSuffix)
	if err != nil {
		return err
	}
	defer unlock()
	if err := atomicfile.Write(path, data); err != nil {
		return fmt.Errorf("filestore: save active account: %w", err)
	}
	return nil
}

// deactivate removes the pointer if it names account. The pointer has a
// separate lock, because it belongs to all accounts of the scope. No method holds two
// locks at once, so there is no deadlock.
func (s *Store) deactivate(ctx context.Context, account store.Account) error {
	path := s.activePath(account.Scope)
	// Most accounts are not active: look before taking the lock.
	if active, err := s.readActive(account.Scope); err == nil && active != account || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	unlock, err := s.acquire(ctx, path+lockSuffix)
	if err != nil {
		return err
	}
	defer unlock()
	active, err := s.readActive(account.Scope)
	if errors.Is(err, store.ErrDamaged) {
		// It may have named the account, and cannot be followed any more.
		_, err = setAside(path, ".corrupt-")
		return err
	}
	if err != nil || active != account {
		return unlessNotFound(err)
	}
	if err := errors.Join(remove(path), atomicfile.SyncDir(s.dir)); err != nil {
		return fmt.Errorf("filestore: delete active account: %w", err)
	}
	return nil
}
