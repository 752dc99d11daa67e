package filestore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// The test binary starts itself again in these roles to be another process
// over the same folder.
const (
	roleVariable = "LATCHKEY_FILESTORE_ROLE"
	dirVariable  = "LATCHKEY_FILESTORE_DIR"
)

var roles = map[string]func(s *filestore.Store) error{
	"count": playCount,
	"save":  playSave,
	"once":  playOnce,
	"hold":  playHold,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role, os.Getenv(dirVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func play(role, dir string) error {
	s, err := filestore.New(dir)
	if err != nil {
		return err
	}
	return roles[role](s)
}

// child is another process in a role.
type child struct {
	*exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Scanner // of its standard output
	stderr *strings.Builder
}

// start starts the test binary in a role. Command, if given, is a program that
// runs it, with its arguments.
func start(t *testing.T, role, dir string, command ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = append(command, self)
	c := &child{Cmd: exec.Command(command[0], command[1:]...), stderr: new(strings.Builder)}
	c.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	c.Stderr = c.stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.stdin, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	return c
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("process said nothing: %v %s", c.lines.Err(), c.stderr)
	}
	return c.lines.Text()
}

var account = storetest.Account("alice@example.com")

// sized returns a whole record whose size depends on its generation, so that a
// mixture of two would show.
func sized(generation uint64) store.Record {
	record := storetest.Sample(account, generation)
	record.Sub = strings.Repeat("x", int(generation*9973%60_000))
	return record
}

const increments = 10

// playCount waits until its standard input is closed, then increments a number
// under the lock.
func playCount(s *filestore.Store) error {
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	for range increments {
		if err := incrementLocked(context.Background(), s); err != nil {
			return err
		}
	}
	return nil
}

// incrementLocked does what a refresh does. Under the lock there must be no
// conflict.
func incrementLocked(ctx context.Context, s *filestore.Store) error {
	unlock, err := s.Lock(ctx, account)
	if err != nil {
		return err
	}
	defer unlock()
	record, err := s.Load(ctx, account)
	if err != nil {
		return err
	}
	previous := record.Generation
	record.Generation++
	return s.Save(ctx, record, previous)
}

// playSave saves one generation after the other for ever, and prints each when
// Save has returned.
func playSave(s *filestore.Store) error {
	record, err := s.Load(context.Background(), account)
	if err != nil {
		return err
	}
	for previous := record.Generation; ; previous++ {
		if err := s.Save(context.Background(), sized(previous+1), previous); err != nil {
			return err
		}
		fmt.Println(previous + 1)
	}
}

// playOnce saves the next generation. It stays on one thread because strace
// counts system calls by thread: the second call of a Save that wandered in
// between would be the first of its thread, and nothing would be injected.
func playOnce(s *filestore.Store) error {
	runtime.LockOSThread()
	record, err := s.Load(context.Background(), account)
	if err != nil {
		return err
	}
	return s.Save(context.Background(), sized(record.Generation+1), record.Generation)
}

// playHold holds the lock until its standard input is closed.
func playHold(s *filestore.Store) error {
	unlock, err := s.Lock(context.Background(), account)
	if err != nil {
		return err
	}
	defer unlock()
	fmt.Println("held")
	_, err = io.ReadAll(os.Stdin)
	return err
}
