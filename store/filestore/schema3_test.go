package filestore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// TestFolderOfSchema3 goes on with a folder that a program of schema 3 made: alice is
// signed in and active, and the guest has an identity.
func TestFolderOfSchema3(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "schema3"))); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	before := files(t, dir, "")
	guest := store.Account{Scope: account.Scope}
	if got, err := s.Active(t.Context(), account.Scope); err != nil || got != account {
		t.Fatalf("Active: %+v, %v", got, err)
	}
	if got, err := s.List(t.Context(), account.Scope); err != nil || !slices.Equal(got, []store.Account{guest, account}) {
		t.Errorf("List: %+v, %v", got, err)
	}
	if got, err := s.Services(t.Context(), account.PoolID, account.ClientID); err != nil || !slices.Equal(got, []string{""}) {
		t.Errorf("Services: %q, %v", got, err)
	}
	record := load(t, s)
	identity := record.IdentityAt("us-east-1:pool", "", "")
	if record.Generation != 2 || record.Tokens.Refresh.Reveal() != "refresh-2" || identity.ID == "" {
		t.Errorf("the record is %+v", record)
	}
	// A refresh and a new pointer go to the same files; the pointer keeps its bytes.
	record.Generation, record.Issuer = 3, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"
	save(t, s, record, 2)
	if err := s.SetActive(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if after := files(t, dir, ""); !slices.Equal(after, before) {
		t.Errorf("files are now %v, before %v", after, before)
	}
	pointer := files(t, dir, ".active")[0]
	got, errGot := os.ReadFile(filepath.Join(dir, pointer))
	want, errWant := os.ReadFile(filepath.Join("testdata", "schema3", pointer))
	if err := errors.Join(errGot, errWant); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the pointer changed: %v, %s", err, got)
	}
	// The same ids at a service are another scope, with nothing in it.
	there := account
	there.Service = "http://localhost:9229"
	if _, err := s.Load(t.Context(), there); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load at a service: %v, want ErrNotFound", err)
	}
	if _, err := s.Active(t.Context(), there.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Active at a service: %v, want ErrNotFound", err)
	}
}
