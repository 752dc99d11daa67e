package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/store"
)

// Services returns the services with a live session of a pool and client; see
// [store.ServiceLister]. It reads the pointers of the pool's scopes and the records
// that they name. What it cannot read is passed over, reported to the logger and
// not set aside.
func (s *Store) Services(ctx context.Context, poolID, clientID string) ([]string, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if err := s.findFolder(); err != nil {
		return nil, unlessNotFound(err)
	}
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // removed under the program
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: list services: %w", err)
	}
	var services []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), poolPrefix(poolID)) || !strings.HasSuffix(entry.Name(), activeSuffix) {
			continue
		}
		account, err := s.activeIn(entry.Name())
		if err != nil {
			s.passOver(ctx, entry.Name(), err)
			continue
		}
		if account.PoolID != poolID || account.ClientID != clientID {
			continue
		}
		record, _, err := s.readRecord(account)
		if err != nil {
			s.passOver(ctx, accountName(account)+recordSuffix, err)
		} else if record.Live() {
			services = append(services, account.Service)
		}
	}
	slices.Sort(services)
	return services, nil
}

// activeIn reads the pointer of the file name. A pointer to an account of a scope
// that has another file is refused, as in readActive.
func (s *Store) activeIn(name string) (store.Account, error) {
	data, err := s.readFile(filepath.Join(s.dir, name))
	if err != nil {
		return store.Account{}, err
	}
	account, err := store.DecodeAccount(data)
	if err == nil && scopeName(account.Scope)+activeSuffix != name {
		err = errOtherAccount
	}
	return account, err
}

// passOver reports a file that a listing leaves out. A file that does not exist was
// deleted meanwhile, or is the record of an account that never had one.
func (s *Store) passOver(ctx context.Context, name string, err error) {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, store.ErrNotFound) {
		s.logger.WarnContext(ctx, "session passed over", "file", name, "error", err)
	}
}
