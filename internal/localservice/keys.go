package localservice

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// credentialsKeyProperty holds the id of the credentials key that the database
// was last used with.
const credentialsKeyProperty = "credentials-key"

// openStore opens the database and reports in s.used whether the folder's other
// files must exist already.
func (s *Service) openStore(ctx context.Context) (err error) {
	s.store, err = sqlite.Open(ctx, filepath.Join(s.options.Dir, databaseFile), sqlite.Options{Logger: s.options.Logger})
	if err != nil {
		return err
	}
	s.used, err = keys.InUse(ctx, s.store)
	return err
}

// openSealingKey reads the master key, and makes it only for a new database.
func (s *Service) openSealingKey(ctx context.Context) (none server.SealingKey, err error) {
	path := filepath.Join(s.options.Dir, masterKeyFile)
	read := seal.LoadKey
	if s.used {
		read = seal.ReadKey
	}
	key, err := read(path)
	if errors.Is(err, fs.ErrNotExist) && s.used {
		return none, missing(path, "it opens the secrets in the database beside it")
	}
	if err != nil {
		return none, err
	}
	box, err := seal.New(key)
	if err != nil {
		return none, err
	}
	if err := keys.CheckMasterKey(ctx, s.store, box); errors.Is(err, keys.ErrMasterKey) {
		return none, fmt.Errorf("%s is not the master key of the database beside it: %w; restore the right one from a copy, or move the folder away to start anew", path, err)
	} else if err != nil {
		return none, err
	}
	return server.ParseKey(hex.EncodeToString(key))
}

// missing is the error for a file without which the database is useless.
func missing(path, purpose string) error {
	return fmt.Errorf("%s is missing, and %s; restore it from a copy, or move the folder away to start anew", path, purpose)
}

// credentialsKey reads the key of the identity pool's credentials. It makes the
// key only if the database was never used with one: APIs hold copies of it.
func (s *Service) credentialsKey(ctx context.Context) ([]byte, error) {
	path := credentialKeyFile(s.options.Dir)
	known, err := s.property(ctx, credentialsKeyProperty)
	if err != nil {
		return nil, err
	}
	var key []byte
	if known == "" {
		key, err = seal.LoadKeyFor(path, seal.AboutCredentialsKey)
	} else {
		key, err = seal.ReadKey(path)
	}
	if errors.Is(err, fs.ErrNotExist) && known != "" {
		return nil, fmt.Errorf("%s is missing, and APIs verify credentials with copies of it; restore it from a copy, "+
			"or write 64 random hexadecimal digits to it for a new key, of which the APIs then need a copy", path)
	}
	if err != nil {
		return nil, err
	}
	return key, s.noteCredentialsKey(ctx, known, key)
}

// noteCredentialsKey stores which key is in use and warns of another one.
func (s *Service) noteCredentialsKey(ctx context.Context, known string, key []byte) error {
	box, err := seal.New(key)
	if err != nil {
		return err
	}
	id := box.KeyIDs()[0]
	if id == known {
		return nil
	}
	if known != "" {
		s.options.Logger.Warn("the credentials key was replaced; APIs need a copy of the new one", "file", credentialKeyFile(s.options.Dir))
	}
	return s.store.Update(ctx, func(tx storage.Tx) error { return tx.Properties.Put(credentialsKeyProperty, []byte(id)) })
}

// property reads a property of the database; "" if it has none.
func (s *Service) property(ctx context.Context, name string) (string, error) {
	var value []byte
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		value, err = tx.Properties.Property(name)
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return string(value), err
}
