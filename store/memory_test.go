package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ store.Store   = (*store.Memory)(nil)
	_ store.Locker  = (*store.Memory)(nil)
	_ store.Watcher = (*store.Memory)(nil)

	_ store.ServiceLister = (*store.Memory)(nil)
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

func TestZeroMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return new(store.Memory) })
}

func TestNilMemory(t *testing.T) {
	t.Parallel()
	storetest.CheckUnusable(t, (*store.Memory)(nil))
}
