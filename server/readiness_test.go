package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// fullStore is a Store whose commits can be made to fail, as on a full disk.
type fullStore struct {
	storage.Store
	full    atomic.Bool
	updates atomic.Int64
}

var errFull = errors.New("database or disk is full")

func (s *fullStore) Update(ctx context.Context, change func(storage.Tx) error) error {
	s.updates.Add(1)
	return s.Store.Update(ctx, func(tx storage.Tx) error {
		if err := change(tx); err != nil || !s.full.Load() {
			return err
		}
		return errFull
	})
}

// TestReadyzNeedsWrites fills the disk and frees it again: readiness follows, and
// health does not.
func TestReadyzNeedsWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fullStore{Store: memory.New()}
		defer store.Close()
		s, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{sealingKey(0)}, PublicURL: "http://127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		wants := func(path string, want int) {
			t.Helper()
			answer := httptest.NewRecorder()
			s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			if answer.Code != want {
				t.Errorf("%s: %d %s, want %d", path, answer.Code, answer.Body, want)
			}
		}
		wants("/readyz", http.StatusOK)
		store.full.Store(true)
		time.Sleep(time.Second)
		wants("/readyz", http.StatusServiceUnavailable)
		wants("/healthz", http.StatusOK)
		// One commit fails, and the probe's write finds room again.
		store.full.Store(false)
		time.Sleep(2 * time.Second)
		wants("/readyz", http.StatusServiceUnavailable)
		time.Sleep(10 * time.Second)
		wants("/readyz", http.StatusOK)
		store.full.Store(true)
		if err := s.Call(t.Context(), "CreateUserPool", &wire.CreateUserPoolRequest{PoolName: "test"}, nil); !errors.Is(err, errFull) {
			t.Fatal(err)
		}
		store.full.Store(false)
		wants("/readyz", http.StatusServiceUnavailable)
		time.Sleep(11 * time.Second)
		wants("/readyz", http.StatusOK)
		// A refusal is no failure of storage.
		if err := s.Call(t.Context(), "DeleteUserPool", &wire.DeleteUserPoolRequest{UserPoolId: "us-east-1_None00000"}, nil); err == nil {
			t.Fatal("a pool that does not exist was deleted")
		}
		wants("/readyz", http.StatusOK)
		time.Sleep(time.Second)
		wants("/readyz", http.StatusOK)
		before := store.updates.Load()
		for range 100 { // who asks often causes no more writes
			wants("/readyz", http.StatusOK)
		}
		if n := store.updates.Load() - before; n != 0 {
			t.Errorf("%d writes within a second", n)
		}
	})
}
