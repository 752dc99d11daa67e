package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// refused opens a path that must be refused with all of these words, in a line.
func refused(t *testing.T, path string, words ...string) error {
	t.Helper()
	db, err := Open(t.Context(), path, quiet)
	if err == nil {
		_ = db.Close()
		t.Fatalf("Open of %s: no error", path)
	}
	for _, word := range append(words, filepath.Base(path)) {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q says nothing of %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
	return err
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd name?#%20 ü'.db")
	for round := range 3 {
		db, err := Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if ids := poolIDs(t, db); ids != strings.TrimSpace(strings.Join([]string{"a", "b", "c"}[:round], " ")) {
			t.Errorf("round %d: pools %q", round, ids)
		}
		err = db.Update(t.Context(), insertPool(string(rune('a'+round))))
		if log, err := os.Stat(path + "-wal"); err != nil || runtime.GOOS != "windows" && log.Mode() != 0o600 {
			t.Errorf("write-ahead log: mode %v, error %v, want 0600", log.Mode(), err)
		}
		if err := errors.Join(err, db.Check(t.Context()), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v, want the database and its lock", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, error %v, want 0600", e.Name(), info.Mode(), err)
		}
	}
}

func TestSecondOpen(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "test.db")
	first, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(path, link); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	} else if err == nil {
		if db, err := Open(t.Context(), link, quiet); !errors.Is(err, ErrInUse) {
			t.Errorf("Open through a symbolic link: %v, %v", db, err)
		}
	}
	if err := refused(t, path, "in use", "stop the process"); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v, want ErrInUse", err)
	}
	if text := openElsewhere(t, path, nil); !strings.Contains(text, "in use") {
		t.Errorf("Open by another process: %s", text)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if text := openElsewhere(t, path, nil); text != "<nil>" {
		t.Errorf("Open by another process after Close: %s", text)
	}
}

// openElsewhere opens path in another process and returns the error's text.
func openElsewhere(t *testing.T, path string, prepare func(*exec.Cmd)) string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), openEnv+"="+path)
	if prepare != nil {
		prepare(child)
	}
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sound := filepath.Join(folder, "sound.db")
	db, err := Open(t.Context(), sound, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(t.Context(), insertPool("a")), db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(content)
	for i := range damaged[100:4096] {
		damaged[100+i] = 0xa5
	}
	foreign := filepath.Join(folder, "foreign.db")
	c, err := connect(foreign, dsn(foreign, "rwc"), "CREATE TABLE notes (text TEXT)")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}

	refused(t, filepath.Join(folder, "missing", "test.db"), "folder does not exist", "create it")
	refused(t, folder, "cannot be written")
	refused(t, write("text.db", []byte("these are just some notes")), "is not a SQLite database")
	refused(t, write("short.db", []byte("SQLite")), "is not a SQLite database")
	refused(t, write("cut.db", content[:5000]), "is damaged", "backup")
	refused(t, write("damaged.db", damaged), "is damaged", "backup")
	refused(t, foreign, "another program")
	if after, err := os.ReadFile(foreign); err != nil || bytes.Contains(after, []byte("schema_migrations")) {
		t.Errorf("the other program's database was changed (%v)", err)
	}
	if db := openAt(t, write("empty.db", nil), quiet); poolIDs(t, db) != "" {
		t.Error("an empty file is not an empty database")
	}
}

// TestDamagedPage: damage that Open does not meet is told when it is met.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), insertPool("p")); err != nil {
		t.Fatal(err)
	}
	var root int64
	err = db.View(t.Context(), func(tx storage.Tx) error {
		return tx.Pools.(pools).conn.one("SELECT rootpage FROM sqlite_schema WHERE name = 'pools'", func(r *row) { root = r.integer() })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), (root-1)*4096)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, quiet)
	for name, err := range map[string]error{
		"View":   db.View(t.Context(), func(tx storage.Tx) error { _, err := tx.Pools.List("", 1); return err }),
		"Update": db.Update(t.Context(), insertPool("a")),
		"Check":  db.Check(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want that %s is damaged", name, err, path)
		}
	}
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	steps, err := migrations(embedded)
	if err != nil {
		t.Fatal(err)
	}
	next := fmt.Sprintf("INSERT INTO schema_migrations VALUES (%d, 'later.sql', 'sum', 0)", len(steps)+1)
	for name, test := range map[string]struct{ change, want string }{
		"newer":   {next, "use a newer Latchkey"},
		"edited":  {"UPDATE schema_migrations SET checksum = 'other' WHERE version = 1", "0001_initial.sql differs"},
		"missing": {"UPDATE schema_migrations SET version = 99 WHERE version = 1", "no step 1"},
	} {
		path := filepath.Join(t.TempDir(), name+".db")
		db, err := Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.writer.batch.conn.script(test.change), db.Close()); err != nil {
			t.Fatal(err)
		}
		refused(t, path, test.want)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	c, err := connect(path, dsn(path, "rwc"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	files := fstest.MapFS{"migrations/0001_first.sql": {Data: []byte("CREATE TABLE a (x TEXT); INSERT INTO a VALUES ('kept');")}}
	to := func(want string) {
		t.Helper()
		steps, err := migrations(files)
		if err == nil {
			err = migrate(c, steps)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	to("")
	to("")
	files["migrations/0002_second.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (x TEXT); INSERT INTO nowhere VALUES (1);")}
	to("schema step 0002_second.sql")
	if err := c.one("SELECT 1 FROM sqlite_schema WHERE name = 'b'", func(*row) {}); err != errNoRow {
		t.Errorf("half of a failed step stayed: %v", err)
	}
	files["migrations/0002_second.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (x TEXT)")}
	to("")
	if err := c.one("SELECT x FROM a JOIN (SELECT count(*) FROM b)", func(*row) {}); err != nil {
		t.Errorf("after the second step: %v", err)
	}
	delete(files, "migrations/0002_second.sql")
	to("version 2 and this Latchkey knows up to 1")
	files["migrations/0003_gap.sql"] = &fstest.MapFile{}
	to("number 0002 expected")
	delete(files, "migrations/0003_gap.sql")
	files["migrations/0002_second.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (x TEXT) ")}
	to("0002_second.sql differs")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, quiet)
	if err := db.Check(t.Context()); err != nil || db.Stats().Commits != 0 {
		t.Errorf("Check: %v, stats %+v", err, db.Stats())
	}
	busy, release := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- db.Update(context.Background(), func(storage.Tx) error { close(busy); <-release; return nil })
	}()
	<-busy
	patience, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := db.Check(patience); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Check while the writer hangs: %v", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if runtime.GOOS == "windows" {
		return // an open file cannot be renamed there
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check of a file that is gone: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("Check of a file that was replaced: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// openOld makes a database by the first steps of the migrations, runs a script on it, and
// opens it as a Store of today.
func openOld(t *testing.T, steps int, script string) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	if err := prepareFile(path); err != nil {
		t.Fatal(err)
	}
	c, err := openWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := migrations(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(migrate(c, all[:steps]), c.script(script), c.close()); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path, quiet)
}

// TestMigrationKeepsKeys takes a database of before identity pools to now.
func TestMigrationKeepsKeys(t *testing.T) {
	t.Parallel()
	db := openOld(t, 2, `INSERT INTO pools VALUES ('us-east-1_old', 'old', x'', 1, 2);
		INSERT INTO signing_keys VALUES ('us-east-1_old', 'kid', 'id', x'01', x'02', 3, 4, NULL)`)
	want := storage.Key{
		PoolID: "us-east-1_old", ID: "kid", Use: "id", Public: []byte{1}, Private: []byte{2},
		CreatedAt: time.UnixMicro(3).UTC(), ActiveAt: time.UnixMicro(4).UTC(),
	}
	err := db.Update(t.Context(), func(tx storage.Tx) error {
		got, err := tx.Keys.List(want.PoolID)
		if diff := cmp.Diff([]storage.Key{want}, got); diff != "" {
			t.Errorf("keys after the migration (-want +got):\n%s", diff)
		}
		return errors.Join(err, tx.Pools.Delete(want.PoolID))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(tx storage.Tx) error {
		got, err := tx.Keys.List(want.PoolID)
		if len(got) != 0 {
			t.Errorf("the pool's keys outlive it: %v", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMigrationKeepsSessions takes a database from before sessions knew when their
// tokens end to now: who was signed in goes on, and the end of such a session is
// announced for as long as its tokens can live.
func TestMigrationKeepsSessions(t *testing.T) {
	t.Parallel()
	const hour = int64(time.Hour / time.Microsecond)
	db := openOld(t, 8, fmt.Sprintf(`INSERT INTO pools VALUES ('p', 'old', x'', 1, 2);
		INSERT INTO clients VALUES ('c', 'p', 'old', x'', x'', 1, 2);
		INSERT INTO users VALUES ('p', 'u', 'ann', '["ann"]', 'CONFIRMED', 1, '{}', x'', x'', 1, NULL, 0, 1, 2);
		INSERT INTO sessions VALUES ('s', 'p', 'c', 'u', 'jti', '', 'scope', 0, 3, 1, %[1]d, 2, %[2]d, NULL);
		INSERT INTO revocations VALUES ('p', 7, 'earlier', 'jti', 3, 4);
		INSERT INTO revocation_feeds VALUES ('p', 0, 7)`, hour, 1000*hour))
	at := func(hours int64) time.Time { return time.UnixMicro(hours * hour).UTC() }
	want := []storage.Revocation{
		{Seq: 7, PoolID: "p", SessionID: "earlier", OriginJTI: "jti", At: time.UnixMicro(3).UTC(), Until: time.UnixMicro(4).UTC()},
		{Seq: at(3).UnixMicro(), PoolID: "p", UserSub: "u", SessionID: "s", OriginJTI: "jti", IssuedAt: at(2), At: at(3), Until: at(50)},
	}
	err := db.Update(t.Context(), func(tx storage.Tx) error {
		ok, err := tx.Sessions.Advance("s", 3, true, at(2), at(3))
		if !ok || err != nil {
			t.Errorf("refresh of an old session: %v, %v", ok, err)
		}
		_, err = tx.Revocations.Append(storage.Ended{PoolID: "p", UserSub: "u"}, storage.Notice{At: at(3), Margin: time.Hour, PerUser: 10})
		if err != nil {
			return err
		}
		got, err := tx.Revocations.List("p", 0, 10)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("feed (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMigrationNotesProviders: sessions of users of identity providers get their provider;
// all others, and users whose identities cannot be read, count as signed in with a password.
func TestMigrationNotesProviders(t *testing.T) {
	t.Parallel()
	users := map[string]struct{ status, attributes, want string }{
		"external":  {"EXTERNAL_PROVIDER", `{"identities":"[{\"userId\":\"1\",\"providerName\":\"Corp\",\"primary\":true}]"}`, "Corp"},
		"linked":    {"CONFIRMED", `{"identities":"[{\"userId\":\"2\",\"providerName\":\"Corp\"}]"}`, ""},
		"plain":     {"CONFIRMED", `{"email":"a@example.com"}`, ""},
		"disabled":  {"EXTERNAL_PROVIDER", `{}`, ""},
		"damaged":   {"EXTERNAL_PROVIDER", `{"identities":"[{"}`, ""},
		"no object": {"EXTERNAL_PROVIDER", `{"identities":"[]"}`, ""},
	}
	script := `INSERT INTO pools VALUES ('p', 'old', x'', 1, 2); INSERT INTO clients VALUES ('c', 'p', 'old', x'', x'', 1, 2);`
	for sub, u := range users {
		script += fmt.Sprintf(`INSERT INTO users VALUES ('p', '%[1]s', '%[1]s', '["%[1]s"]', '%[2]s', 1, '%[3]s', x'', x'', 1, NULL, 0, 1, 2);
			INSERT INTO sessions (id, pool_id, client_id, user_sub, origin_jti, device_key, scope, user_epoch, generation) VALUES ('%[1]s', 'p', 'c', '%[1]s', '', '', '', 0, 1);`,
			sub, u.status, u.attributes)
	}
	db := openOld(t, 10, script)
	err := db.View(t.Context(), func(tx storage.Tx) error {
		for sub, u := range users {
			s, err := tx.Sessions.Session(sub)
			if err != nil || s.Provider != u.want {
				t.Errorf("%s: provider %q, %v, want %q", sub, s.Provider, err, u.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
