package filestore_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// signedInAt makes account's session at a service the active one there, and returns
// the names of the pointer and the record.
func signedInAt(t *testing.T, s *filestore.Store, service string) (pointer, record string) {
	t.Helper()
	before := files(t, s.Dir(), "")
	there := account
	there.Service = service
	save(t, s, storetest.Sample(there, 1), 0)
	if err := s.SetActive(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, s.Dir(), "") {
		switch {
		case slices.Contains(before, name):
		case strings.HasSuffix(name, ".active"):
			pointer = name
		case strings.HasSuffix(name, ".json"):
			record = name
		}
	}
	return pointer, record
}

// TestServicesPassesOver damages a pointer and a record, makes another record newer
// than this program, and puts a pointer under a name that is not its own. Services
// lists the rest, reports each of them and changes nothing.
func TestServicesPassesOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	s := open(t, dir, filestore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	signedInAt(t, s, "http://good")
	pointer, _ := signedInAt(t, s, "http://bad-pointer")
	_, damaged := signedInAt(t, s, "http://bad-record")
	_, newer := signedInAt(t, s, "http://newer")
	sound, err := os.ReadFile(filepath.Join(dir, pointer))
	if err != nil {
		t.Fatal(err)
	}
	misnamed := "us-east-1_abcdef123-aaaaaaaaaaaaaaaa.active"
	put := map[string][]byte{
		pointer: []byte("nonsense"), damaged: []byte("nonsense"), misnamed: sound,
		newer: storetest.Frame(store.Schema+1, "record", "{}"),
	}
	for name, data := range put {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := files(t, dir, "")
	got, err := s.Services(t.Context(), account.PoolID, account.ClientID)
	if err != nil || !slices.Equal(got, []string{"http://good"}) {
		t.Errorf("Services: %q, %v; want the good one", got, err)
	}
	for name := range put {
		if !strings.Contains(log.String(), name) {
			t.Errorf("the log does not name %s:\n%s", name, log.String())
		}
	}
	if after := files(t, dir, ""); !slices.Equal(after, before) {
		t.Errorf("Services changed the folder from %v to %v", before, after)
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*filestore.Store{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.CheckUnusable(t, s)
			if dir := s.Dir(); dir != "" {
				t.Errorf("Dir is %q", dir)
			}
		})
	}
}

// TestNilLogger loads a record whose mode must be repaired, which is logged.
func TestNilLogger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, filestore.WithLogger(nil))
	save(t, s, sized(1), 0)
	if err := os.Chmod(recordPath(t, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	load(t, s)
}
