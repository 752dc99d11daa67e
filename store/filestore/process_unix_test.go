//go:build unix

package filestore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

func TestManyProcesses(t *testing.T) {
	t.Parallel()
	const processes = 20
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, storetest.Sample(account, 1), 0)
	var children []*child
	for range processes {
		children = append(children, start(t, "count", dir))
	}
	for _, c := range children { // all at once
		if err := c.stdin.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("process: %v: %s", err, c.stderr)
		}
	}
	if got := load(t, s).Generation; got != 1+processes*increments {
		t.Errorf("generation %d after %d increments", got, processes*increments)
	}
	if left := files(t, dir, ".tmp"); len(left) != 0 {
		t.Errorf("temporary files: %v", left)
	}
}

// TestManyStores is the same inside one process: goroutines, several Stores,
// and one that reaches the folder by another path.
func TestManyStores(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sessions")
	link := dir + "-link"
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	save(t, open(t, dir), storetest.Sample(account, 1), 0)
	var inside atomic.Int64
	var wait sync.WaitGroup
	for i := range 12 {
		s := open(t, []string{dir, link}[i%2])
		wait.Go(func() {
			for range 5 {
				unlock, err := s.Lock(t.Context(), account)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two holders at once")
				}
				record := load(t, s)
				previous := record.Generation
				record.Generation++
				save(t, s, record, previous)
				inside.Add(-1)
				unlock()
			}
		})
	}
	wait.Wait()
	if got := load(t, open(t, dir)).Generation; got != 61 {
		t.Errorf("generation %d after 60 increments", got)
	}
}

// TestTortureKilledWriter kills a process that saves in a loop. What it had been told
// was saved must be there; what it was just saving may be.
func TestTortureKilledWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, sized(1), 0)
	acknowledged, remains := uint64(1), 0
	for round := range testlength.Rounds(t, 30) {
		acknowledged = killWriter(t, dir, acknowledged)
		got := load(t, s)
		if got.Generation != acknowledged && got.Generation != acknowledged+1 {
			t.Fatalf("round %d: generation %d is kept and %d was acknowledged", round, got.Generation, acknowledged)
		}
		if diff := storetest.Diff(sized(got.Generation), got); diff != "" {
			t.Fatalf("round %d: generation %d is not whole:\n%s", round, got.Generation, diff)
		}
		if data, err := os.ReadFile(recordPath(t, dir) + ".bak"); err == nil {
			if _, err := store.Decode(data); err != nil {
				t.Fatalf("round %d: backup: %v", round, err)
			}
		}
		acknowledged, remains = got.Generation, max(remains, len(files(t, dir, ".tmp")))
	}
	t.Logf("%d generations; at most %d temporary files between starts", acknowledged, remains)
	checkNoTemporaries(t, dir)
}

// killWriter starts a writer, kills it after a random time, and returns the
// last generation that it was told is saved.
func killWriter(t *testing.T, dir string, acknowledged uint64) uint64 {
	t.Helper()
	c := start(t, "save", dir)
	note := func() {
		generation, err := strconv.ParseUint(c.lines.Text(), 10, 64)
		if err != nil || generation != acknowledged+1 {
			t.Fatalf("process said %q after %d", c.lines.Text(), acknowledged)
		}
		acknowledged = generation
	}
	for range rand.N(10) {
		c.line(t)
		note()
	}
	time.Sleep(rand.N(3 * time.Millisecond)) // anywhere within a Save
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for c.lines.Scan() { // what it still said
		note()
	}
	exit, ok := errors.AsType[*exec.ExitError](c.Wait())
	if !ok || exit.ExitCode() != -1 { // -1 is death by a signal
		t.Fatalf("process ended by itself: %v: %s", exit, c.stderr)
	}
	return acknowledged
}

// TestKilledHolder kills the holder of the lock: who waits must get it with the
// next question, however long he has waited. The processes are real and the waiter's
// clock is the test's own, which stands still while anybody works.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	const longest = 20 * time.Millisecond // pause between two questions
	dir := t.TempDir()
	s := open(t, dir)
	for range 5 {
		holder := start(t, "hold", dir)
		holder.line(t)
		synctest.Test(t, func(t *testing.T) {
			locked := make(chan error, 1)
			go func() {
				unlock, err := s.Lock(t.Context(), account)
				if err == nil {
					unlock()
				}
				locked <- err
			}()
			time.Sleep(time.Second) // until the waiter's pauses are at their longest
			select {
			case err := <-locked:
				t.Fatalf("a held lock was had: %v", err)
			default:
			}
			if err := holder.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = holder.Wait() // killed is what it says
			killed := time.Now()
			if err := <-locked; err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(killed); waited > longest {
				t.Errorf("waited %v after the holder was gone, want %v at most", waited, longest)
			}
		})
	}
}

// TestStoppedHolder stops the holder, as a debugger or a closed lid does.
func TestStoppedHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	holder := start(t, "hold", dir)
	holder.line(t)
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := s.Lock(ctx, account)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrLockHeld) || !strings.Contains(err.Error(), ".refresh.lock") {
		t.Errorf("Lock: %v, want DeadlineExceeded and ErrLockHeld with the file's name", err)
	}
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("Lock came back %v after it was called", waited)
	}
	save(t, s, storetest.Sample(account, 1), 0) // needs no refresh lock
	if err := s.Delete(t.Context(), account); err != nil {
		t.Error(err)
	}
}

func TestLockFileStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	lock := func() os.FileInfo {
		t.Helper()
		unlock, err := s.Lock(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		info, err := os.Lstat(filepath.Join(dir, files(t, dir, ".refresh.lock")[0]))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := lock()
	for range 1000 {
		if again := lock(); !os.SameFile(first, again) {
			t.Fatal("the lock file was replaced")
		}
	}
	if err := s.Delete(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if again := lock(); !os.SameFile(first, again) || again.Size() != 0 {
		t.Error("Delete replaced the lock file")
	}
}

// TestFolderReplaced removes the whole folder under a holder, as a user who
// starts over does: the next one must lock what everybody else will lock.
func TestFolderReplaced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sessions")
	s := open(t, dir)
	unlock, err := s.Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
	holder := start(t, "hold", dir)
	holder.line(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, account); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock: %v; another process holds it", err)
	}
}

// TestNoDescriptorsLeft makes sure that waiting and failing close what they
// open.
func TestNoDescriptorsLeft(t *testing.T) { // not parallel: it counts descriptors
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skipf("descriptors cannot be counted here: %v", err)
		}
		return len(entries)
	}
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, storetest.Sample(account, 1), 0)
	holder := start(t, "hold", dir)
	holder.line(t)
	before := count()
	for i := range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*time.Millisecond)
		if _, err := s.Lock(ctx, account); err == nil {
			t.Fatal("a held lock was had")
		}
		cancel()
		load(t, s)
		if err := s.Save(t.Context(), storetest.Sample(account, 8), 7); !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

// TestLoadBesideWriter loads all the time while another process saves.
func TestLoadBesideWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, sized(1), 0)
	writer := start(t, "save", dir)
	for last := uint64(0); last < 50; {
		got := load(t, s)
		if got.Generation < last {
			t.Fatalf("generation %d came after %d", got.Generation, last)
		}
		if diff := storetest.Diff(sized(got.Generation), got); diff != "" {
			t.Fatalf("generation %d is not whole:\n%s", got.Generation, diff)
		}
		last = got.Generation
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}
