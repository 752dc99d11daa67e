package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

func init() { roles["disk"] = playDisk }

// TestFullAndReadOnlyDisk runs its role in a mount namespace of its own, where
// it can make a small disk and take its write permission away.
func TestFullAndReadOnlyDisk(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), roleVariable+"=disk", dirVariable+"="+t.TempDir())
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	output, err := command.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) || strings.Contains(string(output), "mount:") {
		t.Skipf("this system gives no namespaces: %v %s", err, output)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// playDisk mounts a disk of 64 KiB over the store's folder.
func playDisk(s *filestore.Store) error {
	ctx, dir := context.Background(), s.Dir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := s.Save(ctx, storetest.Sample(account, 1), 0); err != nil {
		return err
	}
	full := errors.Join(fill(filepath.Join(dir, "filler")), failsWith(s, syscall.ENOSPC))
	if full != nil {
		return fmt.Errorf("full disk: %w", full)
	}
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		return err
	}
	if err := s.Save(ctx, storetest.Sample(account, 2), 1); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := s.Save(ctx, storetest.Sample(account, 1), 0); !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("conflict: %w", err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := failsWith(s, syscall.EROFS); err != nil {
		return fmt.Errorf("read-only disk: %w", err)
	}
	_, err := s.Lock(ctx, account)
	if !errors.Is(err, syscall.EROFS) || !errors.Is(err, store.ErrNoLocks) || errors.Is(err, store.ErrLockHeld) {
		return fmt.Errorf("Lock on a read-only disk: %w, want EROFS and ErrNoLocks", err)
	}
	return damagedReadOnly(s)
}

// damagedReadOnly loads a damaged record that cannot be set aside.
func damagedReadOnly(s *filestore.Store) error {
	ctx, dir := context.Background(), s.Dir()
	records, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(records) != 1 {
		return fmt.Errorf("records: %v, %w", records, err)
	}
	err = errors.Join(
		syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""),
		os.Truncate(records[0], 10),
		syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""),
	)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	_, err = s.Load(ctx, account)
	damage, ok := errors.AsType[*store.DamagedError](err)
	if !ok || damage.Aside != "" || damage.Path != records[0] {
		return fmt.Errorf("damage on a read-only disk: %w; want a DamagedError that set nothing aside", err)
	}
	return nil
}

func fill(path string) error {
	if err := os.WriteFile(path, make([]byte, 128<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	return nil
}

// failsWith saves the next generation, which must fail with want, name the file
// and leave everything as it was.
func failsWith(s *filestore.Store, want error) error {
	ctx := context.Background()
	before, err := s.Load(ctx, account)
	if err != nil {
		return err
	}
	err = s.Save(ctx, storetest.Sample(account, before.Generation+1), before.Generation)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), s.Dir()) {
		return fmt.Errorf("Save: %w; want %w with the file's name", err, want)
	}
	after, err := s.Load(ctx, account)
	if err != nil {
		return err
	}
	if diff := storetest.Diff(before, after); diff != "" {
		return fmt.Errorf("the old record changed:\n%s", diff)
	}
	left, err := filepath.Glob(filepath.Join(s.Dir(), "*.tmp"))
	if len(left) != 0 || err != nil {
		return fmt.Errorf("left behind: %v, %w", left, err)
	}
	return nil
}

// strace returns a command that makes a system call of a process fail or kill
// it.
func strace(t *testing.T, inject string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("many processes under strace are not short")
	}
	path, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("needs strace: %v", err)
	}
	command := []string{path, "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + inject}
	if output, err := exec.Command(path, append(command[1:4:4], "/dev/null", "true")...).CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v %s", err, output)
	}
	return command
}

// TestKilledAtEveryCall kills a Save at the first, second, … of each system
// call that changes something, until it gets through unharmed.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"write", "fsync", "fchmod", "renameat", "flock", "close"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			save(t, s, sized(1), 0)
			save(t, s, sized(2), 1)
			kills := 0
			for n := 1; ; n++ {
				before := load(t, s).Generation
				c := start(t, "once", dir, strace(t, fmt.Sprintf("%s:signal=KILL:when=%d", call, n))...)
				err := c.Wait()
				got := load(t, s)
				if diff := storetest.Diff(sized(got.Generation), got); diff != "" {
					t.Fatalf("killed at %s %d: not whole:\n%s", call, n, diff)
				}
				if err == nil && got.Generation != before+1 {
					t.Fatalf("a Save that went through left generation %d after %d", got.Generation, before)
				}
				if got.Generation != before && got.Generation != before+1 {
					t.Fatalf("killed at %s %d: generation %d after %d", call, n, got.Generation, before)
				}
				if err == nil {
					break
				}
				kills++
			}
			if kills == 0 && call != "close" {
				t.Errorf("Save makes no call of %s: this test tests nothing", call)
			}
			t.Logf("killed at %d calls", kills)
			checkNoTemporaries(t, dir)
		})
	}
}

// TestFailingCalls has system calls fail as a bad disk or a quota makes them.
func TestFailingCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		inject, says string
		saved        bool
	}{
		{"fsync:error=EIO:when=1", "input/output error", false},
		{"fsync:error=EIO:when=2", "may not survive", true}, // the folder's
		{"renameat:error=EDQUOT:when=2", "disk quota exceeded", false},
		{"renameat:error=EROFS:when=2", "read-only file system", false},
		{"fchmod:error=EPERM", "operation not permitted", false},
		{"flock:error=ENOLCK", "locking is not possible: no locks available", false},
		{"flock:error=ENOSYS", "locking is not possible: function not implemented", false},
		{"flock:error=EOPNOTSUPP", "locking is not possible: operation not supported", false},
		{"flock:error=EIO", "input/output error", false},
	}
	for _, test := range tests {
		t.Run(test.inject, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			save(t, s, sized(1), 0)
			c := start(t, "once", dir, strace(t, test.inject)...)
			if err := c.Wait(); err == nil || !strings.Contains(c.stderr.String(), test.says) || !strings.Contains(c.stderr.String(), dir) {
				t.Errorf("%v: %s; want an error with %q and the file's name", err, c.stderr, test.says)
			}
			want := uint64(1)
			if test.saved {
				want = 2
			}
			if diff := storetest.Diff(sized(want), load(t, s)); diff != "" {
				t.Errorf("kept record:\n%s", diff)
			}
			if left := files(t, dir, ".tmp"); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
