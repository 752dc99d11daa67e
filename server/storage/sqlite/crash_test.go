package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/server/storage"
	"go.uber.org/goleak"
)

const (
	crashEnv = "LATCHKEY_TEST_CRASH_DB" // the child writes there until it is killed
	openEnv  = "LATCHKEY_TEST_OPEN_DB"  // the child opens it and prints the error
	crashers = 8
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		fmt.Println("child failed:", writeUntilKilled(path))
		os.Exit(1)
	}
	if path := os.Getenv(openEnv); path != "" {
		db, err := Open(context.Background(), path, Options{})
		if err == nil {
			err = db.Close()
		}
		fmt.Println(err)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled signs in and refreshes on several goroutines, and prints each
// generation of a session once its Update returned.
func writeUntilKilled(path string) error {
	ctx := context.Background()
	db, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx storage.Tx) error {
		if _, err := tx.Pools.Pool(benchPool); !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return errors.Join(tx.Pools.Insert(storage.Pool{ID: benchPool}),
			tx.Clients.Insert(storage.Client{ID: benchClient, PoolID: benchPool}),
			tx.Users.Insert(storage.User{PoolID: benchPool, Sub: "sub", Logins: []string{"ann"}}))
	})
	failed := make(chan error, crashers)
	for i := range crashers {
		go func() {
			for n := 0; ; n++ {
				if err := liveSession(ctx, db, fmt.Sprintf("%d-%d-%d", os.Getpid(), i, n)); err != nil {
					failed <- err
				}
			}
		}()
	}
	return errors.Join(err, <-failed)
}

func liveSession(ctx context.Context, db *Store, id string) error {
	s := storage.Session{ID: id, PoolID: benchPool, ClientID: benchClient, UserSub: "sub", Generation: 1}
	if err := db.Update(ctx, func(tx storage.Tx) error { return tx.Sessions.Insert(s) }); err != nil {
		return err
	}
	fmt.Println(id, 1)
	for generation := int64(1); generation < 4; generation++ {
		if err := db.Update(ctx, func(tx storage.Tx) error {
			ok, err := tx.Sessions.Advance(id, generation, true, time.Now(), time.Now())
			if err == nil && !ok {
				err = errors.New("not advanced")
			}
			return err
		}); err != nil {
			return err
		}
		fmt.Println(id, generation+1)
	}
	return nil
}

// TestTortureCrash kills a writing process again and again at random moments. Every
// write that was acknowledged must be there afterwards, at the acknowledged
// generation or the one that was in flight, in a database that is sound.
func TestTortureCrash(t *testing.T) {
	t.Parallel()
	rounds := testlength.Rounds(t, 20)
	path := filepath.Join(t.TempDir(), "crash.db")
	acknowledged := map[string]int64{}
	for round := range rounds {
		killWhileWriting(t, path, acknowledged)
		verify(t, path, acknowledged)
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	if len(acknowledged) < rounds {
		t.Errorf("only %d sessions in %d rounds", len(acknowledged), rounds)
	}
	t.Logf("%d rounds, %d sessions acknowledged", rounds, len(acknowledged))
}

// killWhileWriting starts a child, kills it a random time after its first
// acknowledgement, and collects what it acknowledged.
func killWhileWriting(t *testing.T, path string, acknowledged map[string]int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashEnv+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id string
		var generation int64
		if _, err := fmt.Sscan(lines.Text(), &id, &generation); err != nil {
			t.Errorf("child wrote %q", lines.Text())
			break
		}
		acknowledged[id] = generation
		once.Do(func() {
			time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = child.Process.Kill() })
		})
	}
	_ = child.Process.Kill()
	if err := child.Wait(); err == nil {
		t.Error("child ended by itself")
	}
}

func verify(t *testing.T, path string, acknowledged map[string]int64) {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Error(err)
		return
	}
	err = db.View(t.Context(), func(tx storage.Tx) error {
		for id, generation := range acknowledged {
			s, err := tx.Sessions.Session(id)
			if err != nil || s.Generation < generation || s.Generation > generation+1 {
				t.Errorf("session %s: generation %d, error %v, acknowledged at %d", id, s.Generation, err, generation)
			}
		}
		return integrity(tx)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Error(err)
	}
}

// integrity asks SQLite to look at every page, index and foreign key.
func integrity(tx storage.Tx) error {
	conn := tx.Pools.(pools).conn
	result := ""
	err := conn.one("PRAGMA integrity_check", func(r *row) { result = r.text() })
	if err == nil && result != "ok" {
		err = fmt.Errorf("integrity_check: %s", result)
	}
	return errors.Join(err, conn.query("PRAGMA foreign_key_check", func(r *row) error {
		return fmt.Errorf("foreign_key_check: table %s", r.text())
	}))
}
