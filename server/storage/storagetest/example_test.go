package storagetest_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
	"github.com/latchkey-auth/latchkey/server/storage/storagetest"
)

// The test of a backend; here of the one in memory.
func ExampleRun() {
	TestStore := func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			db := memory.New()
			t.Cleanup(func() { _ = db.Close() })
			return db
		})
	}
	_ = TestStore
}
