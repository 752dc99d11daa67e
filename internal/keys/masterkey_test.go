package keys_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// boxOf makes a Box of master keys that each repeat one byte.
func boxOf(t *testing.T, fills ...byte) *seal.Box {
	t.Helper()
	var secrets [][]byte
	for _, fill := range fills {
		secrets = append(secrets, bytes.Repeat([]byte{fill}, seal.KeySize))
	}
	box, err := seal.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func checkMasterKey(t *testing.T, store storage.Store, want error, fills ...byte) {
	t.Helper()
	if err := keys.CheckMasterKey(t.Context(), store, boxOf(t, fills...)); !errors.Is(err, want) {
		t.Errorf("master keys %v: error %v, want %v", fills, err, want)
	}
}

// TestMasterKeyIsChecked follows a database from its first start over a change
// of the master key: every key that ever sealed something must be given.
func TestMasterKeyIsChecked(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	checkMasterKey(t, store, nil, 1) // the first start
	checkMasterKey(t, store, nil, 1)
	checkMasterKey(t, store, keys.ErrMasterKey, 2)
	checkMasterKey(t, store, nil, 2, 1) // a new key in front of the old one
	checkMasterKey(t, store, nil, 2, 1)
	checkMasterKey(t, store, keys.ErrMasterKey, 2)
	checkMasterKey(t, store, keys.ErrMasterKey, 1)
	checkMasterKey(t, store, keys.ErrMasterKey, 3, 1)
	checkMasterKey(t, store, nil, 1, 2)
}

// TestMasterKeyOfOlderDatabase checks databases without stored key ids, as an
// earlier release left them, by the signing keys of their pools.
func TestMasterKeyOfOlderDatabase(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(*testing.T, storage.Store, *keys.Ring){
		"user pool": func(t *testing.T, store storage.Store, ring *keys.Ring) { createPool(t, store, ring, poolID) },
		"identity pool": func(t *testing.T, store storage.Store, ring *keys.Ring) {
			const id = "us-east-1:0aaaaaaa-0000-4000-8000-000000000000"
			made, err := ring.Create(t.Context(), id, keys.ID)
			if err != nil {
				t.Fatal(err)
			}
			err = store.Update(t.Context(), func(tx storage.Tx) error {
				return errors.Join(tx.IdentityPools.Insert(storage.IdentityPool{ID: id}), tx.Keys.Insert(made[0]))
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			inUse(t, store, false)
			create(t, store, newRing(t, store, keys.Options{}))
			inUse(t, store, true)
			checkMasterKey(t, store, keys.ErrMasterKey, 2)
			checkMasterKey(t, store, nil, 2, 1)
			checkMasterKey(t, store, keys.ErrMasterKey, 2) // what key 1 sealed is still there
			checkMasterKey(t, store, keys.ErrMasterKey, 1)
		})
	}
}

func inUse(t *testing.T, store storage.Store, want bool) {
	t.Helper()
	if got, err := keys.InUse(t.Context(), store); err != nil || got != want {
		t.Errorf("InUse is %v (%v), want %v", got, err, want)
	}
}

// TestMasterKeyFirstOfMany starts several services on one new database at once:
// those with one key pass, and a process with another key does not.
func TestMasterKeyFirstOfMany(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	var group sync.WaitGroup
	results := make([]error, 10)
	for i := range results {
		box := boxOf(t, byte(1+i%2))
		group.Go(func() { results[i] = keys.CheckMasterKey(context.Background(), store, box) })
	}
	group.Wait()
	first := results[0] == nil
	for i, err := range results {
		if want := (i%2 == 0) == first; (err == nil) != want || err != nil && !errors.Is(err, keys.ErrMasterKey) {
			t.Errorf("service %d: %v", i, err)
		}
	}
}

// TestMasterKeyErrorNamesIDs checks that the error identifies the keys and shows none.
func TestMasterKeyErrorNamesIDs(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	checkMasterKey(t, store, nil, 1)
	err := keys.CheckMasterKey(t.Context(), store, boxOf(t, 2))
	for _, box := range []*seal.Box{boxOf(t, 1), boxOf(t, 2)} {
		if err == nil || !strings.Contains(err.Error(), box.KeyIDs()[0]) {
			t.Errorf("error %v lacks %s", err, box.KeyIDs()[0])
		}
	}
	if strings.Contains(err.Error(), "0101010101") || strings.Contains(err.Error(), "0202020202") {
		t.Errorf("error shows a key: %v", err)
	}
}
