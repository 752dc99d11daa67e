package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/storagetest"
)

// openAt opens a Store that is closed with the test.
func openAt(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	db, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func openNew(t testing.TB, opts Options) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.db"), opts)
}

func TestStore(t *testing.T) {
	for name, opts := range map[string]Options{
		"Default": {},
		"NoCache": {CacheRows: -1},
		"Tight":   {CacheRows: 2, ReadConns: 2},
	} {
		t.Run(name, func(t *testing.T) {
			storagetest.Run(t, func(t *testing.T) storage.Store { return openNew(t, opts) })
		})
	}
}
