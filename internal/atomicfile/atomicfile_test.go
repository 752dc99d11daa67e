package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(string, []byte) error{"durable": Write, "lazy": WriteLazy} {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		for _, data := range []string{"first", "", strings.Repeat("second", 100_000), "third"} {
			if err := write(path, []byte(data)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := content(t, path); got != data {
				t.Errorf("%s: content is %.20q, want %.20q", name, got, data)
			}
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if Loose(info) {
				t.Errorf("%s: mode is %v", name, info.Mode())
			}
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("%s: the folder holds %v", name, got)
		}
	}
}

// TestWriteWhole reads while others write: what is read must be whole.
func TestWriteWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 10_000), bytes.Repeat([]byte("b"), 50)}
	if err := Write(path, contents[0]); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for _, data := range contents {
		writers.Go(func() {
			for range 200 {
				if err := WriteLazy(path, data); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				file, _, err := Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(file)
				_ = file.Close()
				if err != nil || !bytes.Equal(data, contents[0]) && !bytes.Equal(data, contents[1]) {
					t.Errorf("read %d bytes, %v", len(data), err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "missing", "file")
	err := Write(path, nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("Write into no folder: %v; want ErrNotExist with the path", err)
	}
	long := filepath.Join(dir, strings.Repeat("n", 300))
	if err := Write(long, nil); err == nil {
		t.Error("Write took a name of 300 bytes")
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("failed writes left %v", got)
	}
}

// TestTempTaken plants something where the temporary file is to be.
func TestTempTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	plants := map[string]func(path string) error{
		"file":          func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"symbolic link": func(path string) error { return os.Symlink(victim, path) },
		"dangling link": func(path string) error { return os.Symlink(filepath.Join(dir, "made"), path) },
		"hard link":     func(path string) error { return os.Link(victim, path) },
	}
	for name, plant := range plants {
		temp := filepath.Join(dir, "temp "+name)
		if err := plant(temp); err != nil {
			t.Logf("%s cannot be planted here: %v", name, err)
			continue
		}
		if err := writeTemp(temp, []byte("secret"), true); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want ErrExist", name, err)
		}
		if _, err := os.Lstat(temp); err != nil {
			t.Errorf("%s: it was removed: %v", name, err)
		}
	}
	if got := content(t, victim); got != "precious" {
		t.Errorf("the victim holds %q", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, "made")); err == nil {
		t.Error("a dangling link was followed")
	}
}

func TestRemoveStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const hex = "0123456789abcdef"
	now := time.Now()
	files := map[string]time.Duration{ // name: age
		"a.json." + hex + ".tmp":     2 * time.Minute,
		"b.json." + hex + ".tmp":     time.Hour,
		"young.json." + hex + ".tmp": 10 * time.Second,
		"ahead.json." + hex + ".tmp": -time.Hour, // the clock was set back
		"a.json":                     time.Hour,
		"a.json.bak":                 time.Hour,
		"a.txt." + hex + ".tmp":      time.Hour,
		"a.json." + hex[1:] + ".tmp": time.Hour,
		"a.json.tmp":                 time.Hour,
		"mine.tmp":                   time.Hour,
	}
	for name, age := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.json."+hex+".tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "dir.json."+hex+".tmp"), now.Add(-time.Hour), now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := RemoveStale(dir, TempPattern("*.json"), time.Minute); err != nil {
		t.Fatal(err)
	}
	left := strings.Join(names(t, dir), " ")
	for name := range files {
		gone := strings.HasPrefix(name, "a.json."+hex+".") || strings.HasPrefix(name, "b.json.")
		if strings.Contains(" "+left+" ", " "+name+" ") == gone {
			t.Errorf("%s: removed is %t, want %t", name, !gone, gone)
		}
	}
	if !strings.Contains(left, "dir.json") {
		t.Error("a directory was removed")
	}
	if err := RemoveStale(dir, "[", time.Minute); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("bad pattern: %v", err)
	}
	if err := RemoveStale(filepath.Join(dir, "missing"), "*", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestTempPattern makes sure that what Write leaves when it is killed is what
// RemoveStale looks for.
func TestTempPattern(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// This is as far as a Write comes that is killed before its rename.
	var random [tempRandomBytes]byte
	temp := tempName(filepath.Join(dir, "x.json"), random)
	if err := writeTemp(temp, []byte("secret"), true); err != nil {
		t.Fatal(err)
	}
	if err := RemoveStale(dir, TempPattern("*.json"), -time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "file")
	data := make([]byte, 5000)
	for b.Loop() {
		if err := Write(path, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteLazy(b *testing.B) {
	path := filepath.Join(b.TempDir(), "file")
	data := make([]byte, 5000)
	for b.Loop() {
		if err := WriteLazy(path, data); err != nil {
			b.Fatal(err)
		}
	}
}
