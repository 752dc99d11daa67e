package storetest_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// The test of a store; here of the one in memory.
func ExampleRun() {
	TestStore := func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory() })
	}
	_ = TestStore
}
