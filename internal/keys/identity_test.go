package keys_test

import (
	"crypto/rsa"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestIdentityPool: an identity pool has one key, which signs, is published and
// comes of age as those of user pools do.
func TestIdentityPool(t *testing.T) {
	t.Parallel()
	reserved := reserve(t, 4)
	const id, day = "us-east-1:0aaaaaaa-0000-4000-8000-000000000000", 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		ring := newRing(t, store, keys.Options{MaxAge: 30 * day, Generate: func() (*rsa.PrivateKey, error) { return reserved() }})
		made, err := ring.Create(t.Context(), id, keys.ID)
		if err != nil || len(made) != 1 {
			t.Fatalf("%d keys made, %v", len(made), err)
		}
		insert := func(tx storage.Tx) error { return tx.Keys.Insert(made[0]) }
		if err := store.Update(t.Context(), insert); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a key without its pool: %v", err)
		}
		err = store.Update(t.Context(), func(tx storage.Tx) error {
			return errors.Join(tx.IdentityPools.Insert(storage.IdentityPool{ID: id}), insert(tx))
		})
		if err != nil {
			t.Fatal(err)
		}
		if set, _ := fetch(t, ring, id); len(set) != 1 {
			t.Errorf("%d keys in the JWKS, want 1", len(set))
		}
		first, err := ring.Signer(t.Context(), id, keys.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Signer(t.Context(), id, keys.Access); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("signer of access tokens: %v, want none", err)
		}
		time.Sleep(31 * day)
		if err := ring.RotateDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := storedKeys(t, store, id); len(rows) != 2 {
			t.Errorf("%d keys after a rotation, want 2", len(rows))
		}
		time.Sleep(2 * time.Hour)
		if next, err := ring.Signer(t.Context(), id, keys.ID); err != nil || next.KeyID == first.KeyID {
			t.Errorf("the old key still signs, %v", err)
		}
	})
}
