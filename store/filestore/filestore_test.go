package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

var (
	_ store.Store   = (*filestore.Store)(nil)
	_ store.Locker  = (*filestore.Store)(nil)
	_ store.Watcher = (*filestore.Store)(nil)

	_ store.ServiceLister = (*filestore.Store)(nil)
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir()) })
}

func open(t testing.TB, dir string, options ...filestore.Option) *filestore.Store {
	t.Helper()
	s, err := filestore.New(dir, options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t testing.TB, s store.Store, record store.Record, previous uint64) {
	t.Helper()
	if err := s.Save(t.Context(), record, previous); err != nil {
		t.Fatalf("Save(generation %d, previous %d): %v", record.Generation, previous, err)
	}
}

func load(t testing.TB, s store.Store) store.Record {
	t.Helper()
	record, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return record
}

// files returns the names in dir that end in suffix, in order.
func files(t testing.TB, dir, suffix string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), suffix) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// recordPath returns the path of the only record in dir.
func recordPath(t testing.TB, dir string) string {
	t.Helper()
	names := files(t, dir, ".json")
	if len(names) != 1 {
		t.Fatalf("records in the folder: %v, want one", names)
	}
	return filepath.Join(dir, names[0])
}

func TestNewTouchesNothing(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b", "c")
	s := open(t, dir)
	if _, err := s.Load(t.Context(), account); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load: %v, want ErrNotFound", err)
	}
	if _, err := s.Active(t.Context(), account.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Active: %v, want ErrNotFound", err)
	}
	if accounts, err := s.List(t.Context(), account.Scope); err != nil || len(accounts) != 0 {
		t.Errorf("List: %v, %v", accounts, err)
	}
	if err := s.Delete(t.Context(), account); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if names := files(t, parent, ""); len(names) != 0 {
		t.Errorf("reading made %v", names)
	}
	save(t, s, sized(1), 0)
	if got := load(t, s); got.Generation != 1 {
		t.Errorf("generation %d", got.Generation)
	}
	if _, err := filestore.New(""); err == nil {
		t.Error("New took an empty name")
	}
}

func TestRelativeFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, "sessions")
	save(t, s, sized(1), 0)
	t.Chdir(t.TempDir()) // a program that changes its folder keeps its store
	load(t, s)
	if want := filepath.Join(dir, "sessions"); s.Dir() != want {
		t.Errorf("Dir is %s, want %s", s.Dir(), want)
	}
}

// TestLayout holds the names in place: a program of another version must find
// the same files.
func TestLayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, sized(1), 0)
	save(t, s, sized(2), 1)
	if err := s.SetActive(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	const scope = "us-east-1_abcdef123-kl5ekypsxbt4uywk"
	const name = scope + ".alice_example_com-jnymn4nnl2kxv4a523s2jweabm"
	want := []string{
		scope + ".active", scope + ".active.lock",
		name + ".json", name + ".json.bak", name + ".lock", name + ".refresh.lock",
	}
	slices.Sort(want)
	if got := files(t, dir, ""); !slices.Equal(got, want) {
		t.Errorf("files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestServiceNames gives one account at two services files of its own at each.
func TestServiceNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	here := account
	here.Service = "http://localhost:9229"
	save(t, s, storetest.Sample(here, 1), 0)
	if err := s.SetActive(t.Context(), here); err != nil {
		t.Fatal(err)
	}
	const scope = "us-east-1_abcdef123-qfhqwae5pgnnojgk"
	const name = scope + ".alice_example_com-47jolvn3eoz2lsp3ez6qsxcize"
	want := []string{scope + ".active", scope + ".active.lock", name + ".json", name + ".lock"}
	if got := files(t, dir, ""); !slices.Equal(got, want) {
		t.Errorf("files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	usernames := []string{"", "..", "../../x", "/etc/passwd", `C:\x`, "NUL", "-rf", "a\x00b", "日本語", "x.json", strings.Repeat("Q", 128), strings.Repeat("語", 128)}
	for _, username := range usernames {
		odd := store.Account{Scope: store.Scope{PoolID: username, ClientID: username}, Username: username}
		save(t, s, storetest.Sample(odd, 1), 0)
		if err := s.SetActive(t.Context(), odd); err != nil {
			t.Fatal(err)
		}
	}
	safe := regexp.MustCompile(`^[a-z0-9_][a-z0-9_.-]*$`)
	names := files(t, dir, "")
	for _, name := range names {
		if !safe.MatchString(name) || len(name) > 120 || strings.Contains(name, "..") {
			t.Errorf("file name %q", name)
		}
	}
	if want := 4 * len(usernames); len(names) != want {
		t.Errorf("%d files, want %d", len(names), want)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, sized(1), 0)
	if names := files(t, dir, ".bak"); len(names) != 0 {
		t.Errorf("the first generation has a backup: %v", names)
	}
	for generation := uint64(2); generation < 5; generation++ {
		save(t, s, sized(generation), generation-1)
		data, err := os.ReadFile(recordPath(t, dir) + ".bak")
		if err != nil {
			t.Fatal(err)
		}
		backup, err := store.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := storetest.Diff(sized(generation-1), backup); diff != "" {
			t.Errorf("backup of generation %d:\n%s", generation, diff)
		}
	}
	if err := os.Remove(recordPath(t, dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), account); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load beside a backup: %v; a backup must not come back by itself", err)
	}
}

// leave puts a file of each kind that may hold an old token beside the record.
func leave(t *testing.T, dir string) {
	t.Helper()
	for _, suffix := range []string{".bak", ".corrupt-x", ".schema-2-x", ".0123456789abcdef.tmp", ".bak.0123456789abcdef.tmp"} {
		if err := os.WriteFile(recordPath(t, dir)+suffix, []byte("token"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignOutLeavesNoToken(t *testing.T) {
	t.Parallel()
	ends := map[string]func(t *testing.T, s store.Store){
		"Delete": func(t *testing.T, s store.Store) {
			if err := s.Delete(t.Context(), account); err != nil {
				t.Fatal(err)
			}
		},
		"Save of an ended session": func(t *testing.T, s store.Store) {
			save(t, s, store.Record{Generation: 3, Account: account, Ended: &store.Ended{Reason: "signed-out"}}, 2)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			other := storetest.Sample(storetest.Account("bob"), 1)
			save(t, s, sized(1), 0)
			save(t, s, sized(2), 1)
			leave(t, dir)
			save(t, s, other, 0)
			end(t, s)
			for _, file := range files(t, dir, "") {
				data, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(data, []byte("refresh")) && !bytes.Contains(data, []byte(`"bob"`)) || bytes.Equal(data, []byte("token")) {
					t.Errorf("%s still holds a token", file)
				}
			}
			if _, err := s.Load(t.Context(), other.Account); err != nil {
				t.Errorf("another account suffered: %v", err)
			}
		})
	}
}

func TestListPassesOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	s := open(t, dir, filestore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	save(t, s, sized(1), 0)
	damaged := recordPath(t, dir)
	save(t, s, storetest.Sample(storetest.Account("bob"), 1), 0)
	data, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, data[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	// A copy of a good record under a name that is not its own.
	misnamed := filepath.Join(dir, strings.TrimSuffix(filepath.Base(damaged), "a.json")+"b.json")
	if err := os.WriteFile(misnamed, data, 0o600); err != nil {
		t.Fatal(err)
	}
	accounts, err := s.List(t.Context(), account.Scope)
	if err != nil || !slices.Equal(accounts, []store.Account{storetest.Account("bob")}) {
		t.Errorf("List: %v, %v; want bob", accounts, err)
	}
	for _, path := range []string{damaged, misnamed} {
		if !strings.Contains(log.String(), filepath.Base(path)) {
			t.Errorf("the log does not name %s:\n%s", filepath.Base(path), log.String())
		}
	}
}

func TestStaleTemporaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, sized(1), 0)
	record := recordPath(t, dir)
	const temporary = ".0123456789abcdef.tmp"
	own := []string{record + temporary, record + ".bak" + temporary}
	elsewhere := strings.Replace(record, "alice", "bob", 1)
	old := []string{elsewhere + temporary, strings.Replace(record, ".json", ".active", 1) + temporary}
	young := elsewhere + ".fedcba9876543210.tmp" // somebody may be writing it
	for _, path := range slices.Concat(own, old, []string{young}) {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(t, old...)
	load(t, open(t, dir))
	if got := files(t, dir, ".tmp"); len(got) != 5 {
		t.Errorf("Load removed files: %v", got)
	}
	save(t, open(t, dir), sized(2), 1)
	if got := files(t, dir, ".tmp"); !slices.Equal(got, []string{filepath.Base(young)}) {
		t.Errorf("left after the first write: %v, want the young one of another account", got)
	}
}

func BenchmarkLoad(b *testing.B) {
	s := open(b, b.TempDir())
	save(b, s, storetest.Sample(account, 1), 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Load(b.Context(), account); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	s := open(b, b.TempDir())
	generation := uint64(0)
	for b.Loop() {
		save(b, s, storetest.Sample(account, generation+1), generation)
		generation++
	}
}

func BenchmarkLock(b *testing.B) {
	s := open(b, b.TempDir())
	for b.Loop() {
		unlock, err := s.Lock(b.Context(), account)
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	sessions, err := filestore.New(dir)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	alice := store.Account{Scope: store.Scope{PoolID: "us-east-1_AbCdEf123", ClientID: "client"}, Username: "alice"}
	if err := sessions.Save(ctx, store.Record{Generation: 1, Account: alice, Sub: "2f1b6c4e"}, 0); err != nil {
		panic(err)
	}
	record, err := sessions.Load(ctx, alice)
	if err != nil {
		panic(err)
	}
	fmt.Println(record.Sub)
	// Output: 2f1b6c4e
}
