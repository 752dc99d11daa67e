package amplifystore_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

var (
	_ store.Store  = (*amplifystore.Store)(nil)
	_ store.Locker = (*amplifystore.Store)(nil)
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return amplifystore.New(amplifystore.NewMap()) }, storetest.SharedServices())
}

func TestMapClear(t *testing.T) {
	t.Parallel()
	kv := amplifystore.NewMap()
	for _, key := range []string{"a", "b"} {
		if err := kv.SetItem(t.Context(), key, "1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if value, ok, err := kv.Item(t.Context(), "a"); ok || err != nil {
		t.Errorf("Item after Clear: %q, %t, %v", value, ok, err)
	}
}
