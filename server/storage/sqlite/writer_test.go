package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

var quiet = Options{Logger: slog.New(slog.DiscardHandler)}

// inOneBatch runs the closures in one transaction: it keeps the writer busy
// until all of them are queued.
func inOneBatch(t *testing.T, db *Store, changes ...func(storage.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(changes))
	running, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		if err := db.Update(t.Context(), func(storage.Tx) error { close(running); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-running
	for i, change := range changes {
		group.Go(func() { errs[i] = db.Update(t.Context(), change) })
		for len(db.writer.queue) <= i {
			runtime.Gosched()
		}
	}
	close(release)
	group.Wait()
	return errs
}

func insertPool(id string) func(storage.Tx) error {
	return func(tx storage.Tx) error { return tx.Pools.Insert(storage.Pool{ID: id}) }
}

func poolIDs(t *testing.T, db *Store) string {
	t.Helper()
	var ids []string
	if err := db.View(t.Context(), func(tx storage.Tx) error {
		list, err := tx.Pools.List("", 1000)
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

// TestGroupCommit: closures that wait together share one commit, and only the
// one that fails is undone.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	var changes []func(storage.Tx) error
	for i := range 100 {
		changes = append(changes, insertPool(fmt.Sprintf("%03d", i)))
	}
	refused := errors.New("refused")
	fails := func(tx storage.Tx) error { return errors.Join(insertPool("undone")(tx), refused) }
	changes[0], changes[50], changes[99] = fails, fails, fails
	for i, err := range inOneBatch(t, db, changes...) {
		if want := i == 0 || i == 50 || i == 99; want != errors.Is(err, refused) || !want && err != nil {
			t.Errorf("closure %d: error %v", i, err)
		}
	}
	if ids := strings.Fields(poolIDs(t, db)); len(ids) != 97 || ids[0] != "001" || ids[96] != "098" {
		t.Errorf("%d pools: %s", len(ids), ids)
	}
	if s := db.Stats(); s.Commits != 1 || s.Updates != 98 {
		t.Errorf("stats %+v, want one commit of 97 changes", s)
	}
}

// TestReadOnlyUpdate: an Update that changes nothing does not wait for the disk.
func TestReadOnlyUpdate(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	for _, change := range []func(storage.Tx) error{
		func(tx storage.Tx) error { _, err := tx.Pools.List("", 1); return err },
		func(tx storage.Tx) error { _ = insertPool("undone")(tx); return errors.New("refused") },
	} {
		_ = db.Update(t.Context(), change)
	}
	if s := db.Stats(); s.Commits != 0 || s.Updates != 1 {
		t.Errorf("stats %+v, want no commit", s)
	}
}

// TestCommitFails: a commit that SQLite refuses is an error to everyone who
// shared it, leaves nothing behind, and the next Update is fine.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	before := db.Update(t.Context(), insertPool("before"))
	orphan := func(tx storage.Tx) error {
		conn := tx.Pools.(pools).conn
		if err := insertPool("c")(tx); err != nil {
			return err
		}
		// Foreign keys that are checked at COMMIT make it fail.
		if err := conn.script("PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		return tx.Clients.Insert(storage.Client{ID: "orphan", PoolID: "nowhere"})
	}
	refused := errors.New("refused")
	errs := inOneBatch(t, db, insertPool("a"), orphan, func(storage.Tx) error { return refused }, insertPool("b"))
	for i, err := range errs {
		if err == nil || errors.Is(err, refused) != (i == 2) {
			t.Errorf("closure %d of the batch: error %v", i, err)
		}
	}
	after := db.Update(t.Context(), insertPool("d"))
	if ids := poolIDs(t, db); before != nil || after != nil || ids != "before d" {
		t.Errorf("pools %q; before %v, after %v", ids, before, after)
	}
	if s := db.Stats(); s.FailedCommits != 1 {
		t.Errorf("stats %+v, want one failed commit", s)
	}
}

// TestFull: a database that cannot grow fails with advice, and comes back.
func TestFull(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	errs := inOneBatch(t, db,
		insertPool("a"),
		func(tx storage.Tx) error {
			if err := tx.Pools.(pools).conn.one("PRAGMA max_page_count = 60", func(*row) {}); err != nil {
				return err
			}
			_ = tx.Pools.Insert(storage.Pool{ID: "big", Settings: make([]byte, 1<<20)})
			return nil // even a closure that swallows it cannot commit
		},
		insertPool("b"))
	for i, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("closure %d: error %v, want advice about the full disk", i, err)
		}
	}
	if err := db.Update(t.Context(), insertPool("c")); err != nil {
		t.Error(err)
	}
	if ids := poolIDs(t, db); ids != "c" {
		t.Errorf("pools %q, want c alone", ids)
	}
}

// TestGoexit: a closure that ends its goroutine fails alone.
func TestGoexit(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	errs := inOneBatch(t, db,
		insertPool("a"),
		func(tx storage.Tx) error { _ = insertPool("undone")(tx); runtime.Goexit(); return nil },
		insertPool("b"))
	if errs[0] != nil || !errors.Is(errs[1], errExited) || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
	if ids := poolIDs(t, db); ids != "a b" || db.Stats().Commits != 1 {
		t.Errorf("pools %q, stats %+v", ids, db.Stats())
	}
}

// TestPragmas: what durability and soundness rest on is really switched on. No
// test can cut the power, and with less than FULL (2) only that would show.
func TestPragmas(t *testing.T) {
	t.Parallel()
	db := openNew(t, quiet)
	check := func(name, want string) func(storage.Tx) error {
		return func(tx storage.Tx) error {
			got := ""
			err := tx.Pools.(pools).conn.one("PRAGMA "+name, func(r *row) { got = fmt.Sprint(r.values[0]) })
			if err == nil && got != want {
				err = fmt.Errorf("%s is %s, want %s", name, got, want)
			}
			return err
		}
	}
	for name, err := range map[string]error{
		"writer's log":  db.Update(t.Context(), check("journal_mode", "wal")),
		"writer's sync": db.Update(t.Context(), check("synchronous", "2")),
		"writer's keys": db.Update(t.Context(), check("foreign_keys", "1")),
		"reader":        db.View(t.Context(), check("query_only", "1")),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLogStaysSmall: idle readers do not keep the write-ahead log from starting
// over, however old the snapshots are that they hold.
func TestLogStaysSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, quiet)
	var group sync.WaitGroup
	inside := make(chan struct{}, 4)
	release := make(chan struct{})
	for range 4 { // four connections, each with a snapshot that it keeps
		group.Go(func() {
			if err := db.View(t.Context(), func(tx storage.Tx) error {
				_, err := tx.Pools.List("", 1)
				inside <- struct{}{}
				<-release
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-inside
	}
	close(release)
	group.Wait()
	const page, written = 4096, 40 << 20
	pool := storage.Pool{ID: "p", Settings: make([]byte, 64<<10)}
	if err := db.Update(t.Context(), func(tx storage.Tx) error { return tx.Pools.Insert(pool) }); err != nil {
		t.Fatal(err)
	}
	for i := range written / len(pool.Settings) {
		pool.Settings = bytes.Repeat([]byte{byte(i)}, len(pool.Settings)) // SQLite skips pages that stay as they are
		if err := db.Update(t.Context(), func(tx storage.Tx) error { return tx.Pools.Update(pool) }); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(3 * 1000 * page); log.Size() > limit {
		t.Errorf("after %d bytes the log has %d, want at most %d", written, log.Size(), limit)
	}
}
