package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
)

func TestPeek(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sessions")
	s := open(t, dir)
	if _, err := s.Peek(t.Context(), account.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("without a folder: %v", err)
	}
	record := sized(1)
	save(t, s, record, 0)
	if _, err := s.Peek(t.Context(), account.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with nobody active: %v", err)
	}
	if err := s.SetActive(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	got, err := s.Peek(t.Context(), account.Scope)
	if err != nil || cmp.Diff(load(t, s).Account, got.Account) != "" || got.Generation != record.Generation {
		t.Errorf("%+v, %v", got.Account, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Peek(gone, account.Scope); !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller has gone: %v", err)
	}
}

// TestPeekLeavesDamage: what Peek cannot read, Load deals with afterwards.
func TestPeekLeavesDamage(t *testing.T) {
	t.Parallel()
	for suffix, meet := range map[string]func(store.Store) error{
		".json": func(s store.Store) error {
			_, err := s.Load(context.Background(), account)
			return err
		},
		".active": func(s store.Store) error {
			_, err := s.Active(context.Background(), account.Scope)
			return err
		},
	} {
		dir := filepath.Join(t.TempDir(), "sessions")
		s := open(t, dir)
		save(t, s, sized(1), 0)
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, files(t, dir, suffix)[0]), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := files(t, dir, "")
		for range 2 {
			if _, err := s.Peek(t.Context(), account.Scope); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s: %v", suffix, err)
			}
		}
		if diff := cmp.Diff(before, files(t, dir, "")); diff != "" {
			t.Errorf("%s: the folder's files changed: %s", suffix, diff)
		}
		damage, ok := errors.AsType[*store.DamagedError](meet(s))
		if !ok || damage.Aside == "" {
			t.Errorf("%s: afterwards %+v", suffix, damage)
		}
	}
}
