package registry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

var quiet = slog.New(slog.DiscardHandler)

const address = "http://127.0.0.1:9229"

// recordStart records a start of a folder and fails if that fails.
func recordStart(t *testing.T, path, folder string, addresses ...string) {
	t.Helper()
	if err := Record(t.Context(), quiet, path, Start{Folder: folder, Addresses: addresses}); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	path, folder, link := filepath.Join(home, "made", "services.json"), filepath.Join(home, "data"), filepath.Join(home, "link")
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.Symlink(folder, link))
	recordStart(t, path, folder, address, "https://127.0.0.1:9230")
	recordStart(t, path, link, "http://127.0.0.1:9300", "https://127.0.0.1:9301") // the same folder
	s, err := Load(path)
	if err != nil || len(s) != 1 {
		t.Fatalf("Load: %v, %v", s, err)
	}
	real, err := filepath.EvalSymlinks(folder)
	if want := []string{"https://localhost:9301", "https://localhost:9230", "http://localhost:9229"}; err != nil ||
		s[0].Folder != real || !slices.Equal(s.Former("http://127.0.0.1:9300/"), want) {
		t.Errorf("recorded %v, %v", s, err)
	}
	info, err := os.Lstat(path)
	if err != nil || atomicfile.Loose(info) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	t.Parallel()
	s, err := Load(filepath.Join(t.TempDir(), "missing", "services.json"))
	if err != nil || s.Former(address) != nil || s.Folder(address) != "" {
		t.Errorf("Load: %v, %v", s, err)
	}
}

// file is a text with a service, in which an edit replaces one text by another.
func file(t *testing.T, edits ...string) string {
	t.Helper()
	s := Services{{Folder: data(t, "x"), Current: []string{"http://localhost:1"}, Former: []string{"http://localhost:2"}}}
	text := string(s.encode())
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the file does not contain %q:\n%s", edits[i], text)
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return text
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	many := func(n int, form string) string {
		var texts []string
		for i := range n {
			texts = append(texts, fmt.Sprintf(form, i))
		}
		return strings.Join(texts, ",")
	}
	for name, text := range map[string]string{
		"empty":                   "",
		"half":                    file(t)[:60],
		"not JSON":                "folder: x",
		"a list":                  "[]",
		"text after it":           file(t) + "{}",
		"no version":              file(t, `"version": "1",`, ""),
		"version is a number":     file(t, `"version": "1"`, `"version": 1`),
		"member twice":            file(t, `"current"`, `"former": [], "current"`),
		"services is an object":   `{"version":"1","services":{}}`,
		"a service is null":       `{"version":"1","services":[null]}`,
		"an address is a number":  file(t, `"http://localhost:1"`, "1"),
		"no UTF-8":                file(t, "localhost:2", "local\xffhost:2"),
		"relative folder":         file(t, fmt.Sprintf("%q", data(t, "x")), `"x"`),
		"no folder":               file(t, `"folder"`, `"directory"`),
		"address of no service":   file(t, "http://localhost:1", "ftp://localhost:1"),
		"address with path":       file(t, "http://localhost:1", "http://localhost:1/"),
		"address with user":       file(t, "http://localhost:1", "http://user@localhost:1"),
		"another spelling":        file(t, "http://localhost:1", "http://127.0.0.1:1"),
		"address twice":           file(t, "http://localhost:2", "http://localhost:1"),
		"folder twice":            file(t, `"services": [`, fmt.Sprintf(`"services": [{"folder":%q,"current":[],"former":[]},`, data(t, "x"))),
		"too many addresses":      file(t, `"http://localhost:2"`, many(maxFormer+1, `"http://localhost:1%d"`)),
		"too many services":       fmt.Sprintf(`{"version":"1","services":[%s]}`, many(maxServices+1, `{"folder":"`+filepath.ToSlash(data(t, "x"))+`%d"}`)),
		"longer than is read":     file(t, "{", "{"+strings.Repeat(" ", maxSize)),
		"deeply nested, unbroken": strings.Repeat("[", 20000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "services.json")
			must(t, os.WriteFile(path, []byte(text), 0o600))
			s, err := Load(path)
			if s != nil || !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), path) {
				t.Fatalf("Load: %v, %v; want an error with the path", s, err)
			}
			// The next start sets it aside.
			var log bytes.Buffer
			must(t, Record(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), path, Start{Folder: t.TempDir(), Addresses: []string{address}}))
			if s, err := Load(path); err != nil || len(s) != 1 {
				t.Errorf("after the next start: %v, %v", s, err)
			}
			if old, err := os.ReadFile(path + ".damaged"); err != nil || string(old) != text {
				t.Errorf("set aside: %v", err)
			}
			if !strings.Contains(log.String(), "level=WARN") {
				t.Errorf("logged %q", log.String())
			}
		})
	}
}

// TestUnknownMembers checks that a file with more members is read, so that they can be
// added without a new version.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	s, err := decode([]byte(file(t, `"version"`, `"more": {"x": [1]}, "version"`, `"folder"`, `"pool": null, "folder"`)))
	if err != nil || len(s) != 1 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestFileOfANewerVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "services.json")
	text := []byte(`{"version":"2","services":"elsewhere"}`)
	must(t, os.WriteFile(path, text, 0o600))
	if s, err := Load(path); s != nil || !errors.Is(err, errNewer) {
		t.Errorf("Load: %v, %v", s, err)
	}
	if err := Record(t.Context(), quiet, path, Start{Folder: t.TempDir(), Addresses: []string{address}}); !errors.Is(err, errNewer) {
		t.Errorf("Record: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the file became %s, %v", got, err)
	}
}

// TestFileThatOthersControl checks files that another user may have made or can change.
func TestFileThatOthersControl(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing here")
	}
	for name, test := range map[string]struct {
		plant func(t *testing.T, path, other string)
		stays bool // it is not even set aside
	}{
		"writable by others":    {func(t *testing.T, path, _ string) { must(t, os.Chmod(path, 0o606)) }, false},
		"writable by the group": {func(t *testing.T, path, _ string) { must(t, os.Chmod(path, 0o660)) }, false},
		"symbolic link": {func(t *testing.T, path, other string) {
			must(t, os.Rename(path, other))
			must(t, os.Symlink(other, path))
		}, true},
		"hard link": {func(t *testing.T, path, other string) { must(t, os.Link(path, other)) }, true},
		"folder": {func(t *testing.T, path, _ string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		}, true},
		"lock is a link": {func(t *testing.T, path, other string) {
			must(t, os.Remove(path+".lock"))
			must(t, os.Symlink(other, path+".lock"))
			must(t, os.Chmod(path, 0o666))
		}, true},
		"another owner": {func(t *testing.T, path, _ string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			must(t, os.Chown(path, 12345, -1))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, other, folder := filepath.Join(t.TempDir(), "services.json"), filepath.Join(t.TempDir(), "other"), t.TempDir()
			recordStart(t, path, folder, address)
			test.plant(t, path, other)
			if s, err := Load(path); s != nil || err == nil {
				t.Errorf("Load: %v, %v", s, err)
			}
			err := Record(t.Context(), quiet, path, Start{Folder: folder, Addresses: []string{"http://127.0.0.1:9300"}})
			if (err != nil) != test.stays {
				t.Errorf("Record: %v", err)
			}
			if s, err := Load(path); test.stays != (err != nil) || len(s.Former("http://127.0.0.1:9300")) > 0 {
				t.Errorf("Load after it: %v, %v", s, err)
			}
		})
	}
	t.Run("readable by others", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "services.json")
		recordStart(t, path, t.TempDir(), address)
		must(t, os.Chmod(path, 0o644))
		if s, err := Load(path); len(s) != 1 || err != nil {
			t.Errorf("Load: %v, %v", s, err)
		}
	})
}

// TestUnchangedStartWritesNothing checks a home in which nothing can be written: only a
// start that changes something fails.
func TestUnchangedStartWritesNothing(t *testing.T) {
	t.Parallel()
	path, folder := filepath.Join(t.TempDir(), "services.json"), t.TempDir()
	recordStart(t, path, folder, address)
	must(t, os.Remove(path+".lock"))
	must(t, os.Mkdir(path+".lock", 0o700)) // no lock, so no write; modes do not stop root
	recordStart(t, path, folder, address)
	if err := Record(t.Context(), quiet, path, Start{Folder: folder, Addresses: []string{"http://127.0.0.1:9300"}}); err == nil {
		t.Error("a changed start was recorded without a lock")
	}
	if s, err := Load(path); err != nil || s.Folder(address) == "" {
		t.Errorf("Load: %v, %v", s, err)
	}
}

// TestStartsAtTheSameTime checks that none of many starts is lost, and that a reader
// always finds a whole file.
func TestStartsAtTheSameTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "services.json")
	var group sync.WaitGroup
	for n := range maxServices {
		folder := t.TempDir()
		group.Go(func() {
			err := Record(t.Context(), quiet, path, Start{Folder: folder, Addresses: []string{fmt.Sprint("http://127.0.0.1:", 1000+n)}})
			if err != nil {
				t.Error(err)
			}
			if s, err := Load(path); err != nil || s.Folder(fmt.Sprint("http://127.0.0.1:", 1000+n)) == "" {
				t.Errorf("Load: %v, %v", s, err)
			}
		})
	}
	group.Wait()
	if s, err := Load(path); err != nil || len(s) != maxServices {
		t.Errorf("%d services are recorded, %v", len(s), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":"1","services":[{"folder":"/x","current":["http://localhost:1"],"former":["https://[::2]:3"]}]}`))
	f.Add([]byte(`{"version":"2"}`))
	f.Add([]byte(`{"version":"1","services":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(s.encode())
		if err != nil || !again.equal(s) {
			t.Errorf("%v is read again as %v, %v", s, again, err)
		}
	})
}

// BenchmarkLoad reads a file of one service and the largest one. It is part of every
// start of the command.
func BenchmarkLoad(b *testing.B) {
	for _, services := range []int{1, maxServices} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			var s Services
			for n := range services {
				for move := range 1 + (maxFormer/2)*min(n, 1) {
					start, err := Start{
						Folder:    data(b, fmt.Sprint("home/ana/.config/latchkey/up", n)),
						Addresses: []string{fmt.Sprintf("http://127.0.0.1:%d", 9000+100*n+move), fmt.Sprintf("https://127.0.0.1:%d", 9000+100*n+move)},
					}.check()
					if err != nil {
						b.Fatal(err)
					}
					s = s.after(start, never)
				}
			}
			path := filepath.Join(b.TempDir(), "services.json")
			if err := atomicfile.Write(path, s.encode()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if s, err := Load(path); err != nil || s.Former("http://localhost:9000") == nil {
					b.Fatal(s, err)
				}
			}
		})
	}
}

// TestRecordForgetsGoneFolders checks a full registry on the disk: a service whose folder
// was deleted makes room, before one that was not started for longer.
func TestRecordForgetsGoneFolders(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	path := filepath.Join(home, "services.json")
	folder := func(i int) string { return filepath.Join(home, fmt.Sprint("data", i)) }
	for i := range maxServices {
		must(t, os.Mkdir(folder(i), 0o700))
		recordStart(t, path, folder(i), fmt.Sprintf("http://127.0.0.1:%d", 9000+i))
	}
	must(t, os.Remove(folder(7)))
	must(t, os.Mkdir(folder(maxServices), 0o700))
	recordStart(t, path, folder(maxServices), "http://127.0.0.1:9900")
	s, err := Load(path)
	if err != nil || len(s) != maxServices {
		t.Fatalf("%d services, %v", len(s), err)
	}
	for i := range maxServices + 1 {
		known := slices.ContainsFunc(s, func(service Service) bool { return filepath.Base(service.Folder) == fmt.Sprint("data", i) })
		if known != (i != 7) {
			t.Errorf("folder %d is known: %t", i, known)
		}
	}
}
