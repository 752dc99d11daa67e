package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// bench is a store whose one record a test damages again and again.
type bench struct {
	store *filestore.Store
	path  string
	data  []byte // the sound record
}

func newBench(t *testing.T, record store.Record) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{store: open(t, dir)}
	save(t, b.store, record, 0)
	b.path = recordPath(t, dir)
	data, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	b.data = data
	return b
}

func (b *bench) put(t *testing.T, data []byte) {
	t.Helper()
	if err := os.WriteFile(b.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// check loads what put damaged: it must be reported, kept aside as it is, and
// leave the account free.
func (b *bench) check(t *testing.T, what string, data []byte) {
	t.Helper()
	b.put(t, data)
	record, err := b.store.Load(t.Context(), account)
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok || !reflect.ValueOf(record).IsZero() {
		t.Fatalf("%s: Load: %+v, %v; want a DamagedError and nothing else", what, record, err)
	}
	if damage.Account != account || damage.Path != b.path || !strings.HasPrefix(damage.Aside, b.path+".corrupt-") {
		t.Errorf("%s: error has account %v, path %s, aside %s", what, damage.Account, damage.Path, damage.Aside)
	}
	kept, err := os.ReadFile(damage.Aside)
	if err != nil || !bytes.Equal(kept, data) {
		t.Errorf("%s: set aside: %d bytes, %v; want the %d as they were", what, len(kept), err, len(data))
	}
	if _, err := b.store.Load(t.Context(), account); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: second Load: %v, want ErrNotFound", what, err)
	}
	if err := os.Remove(damage.Aside); err != nil {
		t.Error(err)
	}
}

func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Sample(account, 1))
	for n := range b.data {
		b.check(t, fmt.Sprintf("first %d of %d bytes", n, len(b.data)), b.data[:n])
	}
}

func TestEveryBit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record store.Record
		stride int // 61 is prime: every place in a byte gets its turn
	}{
		"small": {store.Record{Generation: 1, Account: account}, 1},
		"large": {storetest.Sample(account, 1), 61},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.record)
			for i := 0; i < 8*len(b.data); i += test.stride {
				data := bytes.Clone(b.data)
				data[i/8] ^= 1 << (i % 8)
				b.check(t, fmt.Sprintf("bit %d of byte %d", i%8, i/8), data)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Sample(account, 1))
	other, err := store.Encode(storetest.Sample(storetest.Account("mallory"), 1))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"zero bytes of the same length": make([]byte, len(b.data)),
		"another user's record":         other,
		"twice":                         append(bytes.Clone(b.data), b.data...),
		"text":                          []byte("hello\n"),
		"the account's pointer":         storetest.Frame(1, "account", `{"pool_id":"","client_id":"","username":""}`),
		"deep":                          storetest.Frame(1, "record", strings.Repeat(`{"account":`, 50_000)),
		"over the limit by one":         make([]byte, store.MaxSize+1),
	}
	for name, data := range tests {
		b.check(t, name, data)
	}
}

func TestDamageNamesBackup(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Sample(account, 1))
	save(t, b.store, storetest.Sample(account, 2), 1)
	b.put(t, nil)
	_, err := b.store.Load(t.Context(), account)
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok || damage.Backup != b.path+".bak" || !strings.Contains(err.Error(), damage.Backup) {
		t.Fatalf("got %v, want a DamagedError that names the backup", err)
	}
	backup, err := os.ReadFile(damage.Backup)
	if err != nil || !bytes.Equal(backup, b.data) {
		t.Errorf("backup: %d bytes, %v", len(backup), err)
	}
}

// TestDamageAtSave is damage that only Save sees.
func TestDamageAtSave(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Sample(account, 5))
	b.put(t, []byte("damage"))
	err := b.store.Save(t.Context(), storetest.Sample(account, 6), 5)
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok || damage.Aside == "" {
		t.Fatalf("refresh: %v, want a DamagedError", err)
	}
	save(t, b.store, storetest.Sample(account, 6), 0) // the account is free
	b.put(t, []byte("damage"))
	save(t, b.store, storetest.Sample(account, 1), 0) // a sign-in goes through at once
	if got := load(t, b.store); got.Generation != 1 {
		t.Errorf("generation %d is kept, want 1", got.Generation)
	}
	if kept := files(t, b.store.Dir(), "Z"); len(kept) != 2 {
		t.Errorf("set aside: %v, want two files", kept)
	}
}

func TestHugeFile(t *testing.T) { // not parallel: it measures memory
	b := newBench(t, storetest.Sample(account, 1))
	const size = 100 << 20
	if err := os.Truncate(b.path, size); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := b.store.Load(t.Context(), account)
	runtime.ReadMemStats(&after)
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok {
		t.Fatalf("Load: %v, want a DamagedError", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("Load took %d bytes of memory", used)
	}
	if info, err := os.Stat(damage.Aside); err != nil || info.Size() != size {
		t.Errorf("set aside: %v, %v", info, err)
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Sample(account, 1))
	newer := storetest.Frame(store.Schema+1, "record", `{"generation":7,"things":{}}`)
	b.put(t, newer)
	_, err := b.store.Load(t.Context(), account)
	if schema, ok := errors.AsType[*store.SchemaError](err); !ok || schema.Found != store.Schema+1 {
		t.Fatalf("Load: %v, want a SchemaError of the next schema", err)
	}
	for _, word := range []string{b.path, fmt.Sprint("schema ", store.Schema+1), "upgrade"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if errors.Is(err, store.ErrDamaged) {
		t.Error("a newer record passes for a damaged one")
	}
	err = b.store.Save(t.Context(), storetest.Sample(account, 8), 7)
	if _, ok := errors.AsType[*store.SchemaError](err); !ok {
		t.Errorf("Save after generation 7: %v, want a SchemaError", err)
	}
	if kept, err := os.ReadFile(b.path); err != nil || !bytes.Equal(kept, newer) {
		t.Fatalf("the newer record was touched: %q, %v", kept, err)
	}
	save(t, b.store, storetest.Sample(account, 1), 0)
	aside := files(t, b.store.Dir(), "Z")
	if len(aside) != 1 || !strings.Contains(aside[0], fmt.Sprintf(".schema-%d-", store.Schema+1)) {
		t.Errorf("set aside by a sign-in: %v", aside)
	}
	b.put(t, newer)
	if err := b.store.Delete(t.Context(), account); err != nil {
		t.Errorf("Delete of a newer record: %v", err)
	}
	if left := files(t, b.store.Dir(), ".json"); len(left) != 0 {
		t.Errorf("left after Delete: %v", left)
	}
}

func TestDamagedPointer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	point := func() {
		t.Helper()
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	point()
	path := dir + "/" + files(t, dir, ".active")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := store.EncodeAccount(store.Account{Scope: store.Scope{PoolID: "other"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"empty": nil, "cut": data[:len(data)-1], "another scope": elsewhere, "large": make([]byte, store.MaxSize+1),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Active(t.Context(), account.Scope)
		if damage, ok := errors.AsType[*store.DamagedError](err); !ok || damage.Aside == "" {
			t.Errorf("%s: Active: %v, want a DamagedError that was set aside", name, err)
		}
		if _, err := s.Active(t.Context(), account.Scope); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: second Active: %v, want ErrNotFound", name, err)
		}
		point()
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), account); err != nil {
			t.Errorf("%s: Delete: %v", name, err)
		}
		point()
	}
	if err := os.WriteFile(path, storetest.Frame(store.Schema+1, "account", `{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Active(t.Context(), account.Scope)
	if _, ok := errors.AsType[*store.SchemaError](err); !ok {
		t.Errorf("newer pointer: %v, want a SchemaError", err)
	}
}
