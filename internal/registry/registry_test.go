package registry

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func never(string) bool { return false }

// started is the result of starts from an empty file.
func started(t testing.TB, starts ...Start) Services {
	t.Helper()
	var s Services
	for _, start := range starts {
		checked, err := start.check()
		if err != nil {
			t.Fatal(err)
		}
		s = s.after(checked, never)
	}
	return s
}

// data is the absolute path of a folder that need not exist.
func data(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFormer(t *testing.T) {
	t.Parallel()
	at := func(folder string, addresses ...string) Start {
		return Start{Folder: data(t, folder), Addresses: addresses}
	}
	const a, aTLS, b, bTLS, c = "http://127.0.0.1:9229", "https://127.0.0.1:9230", "http://127.0.0.1:9300", "https://127.0.0.1:9301", "http://127.0.0.1:9400"
	const oA, oATLS, oB, oBTLS = "http://localhost:9229", "https://localhost:9230", "http://localhost:9300", "https://localhost:9301"
	for name, test := range map[string]struct {
		starts   []Start
		endpoint string
		want     []string
		folder   string
	}{
		"nothing recorded":   {nil, a, nil, ""},
		"one start":          {[]Start{at("x", a, aTLS)}, a, []string{oATLS}, "x"},
		"the other listener": {[]Start{at("x", a, aTLS)}, aTLS, []string{oA}, "x"},
		"another loopback name": {
			[]Start{at("x", a, aTLS)}, "http://latchkey.localhost:9229/", []string{oATLS}, "x"},
		"with path and case": {[]Start{at("x", a, aTLS)}, "HTTP://LOCALHOST:9229/pool", []string{oATLS}, "x"},
		"moved":              {[]Start{at("x", a, aTLS), at("x", b, bTLS)}, b, []string{oBTLS, oATLS, oA}, "x"},
		"moved back": {
			[]Start{at("x", a), at("x", b), at("x", a)}, a, []string{oB}, "x"},
		"an address that is only a former one": {[]Start{at("x", a), at("x", b)}, a, nil, "x"},
		"another folder":                       {[]Start{at("x", a), at("y", b)}, b, nil, "y"},
		"an address of another folder now": {
			[]Start{at("x", a), at("y", a), at("x", b)}, b, nil, "x"},
		"the folder that took it over": {
			[]Start{at("x", a), at("x", b), at("y", a), at("y", c)}, c, []string{oA}, "y"},
		"a new folder of the same name": {
			[]Start{at("x", a), {Folder: data(t, "x"), Addresses: []string{b}, New: true}}, b, nil, "x"},
		"an address of nobody": {[]Start{at("x", a)}, c, nil, ""},
		"AWS":                  {[]Start{at("x", a)}, "https://cognito-idp.us-east-1.amazonaws.com/", nil, ""},
		"no address":           {[]Start{at("x", a)}, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := started(t, test.starts...)
			if got := s.Former(test.endpoint); !slices.Equal(got, test.want) {
				t.Errorf("Former is %q, want %q", got, test.want)
			}
			want := ""
			if test.folder != "" {
				want = data(t, test.folder)
			}
			if got := s.Folder(test.endpoint); got != want {
				t.Errorf("Folder is %q, want %q", got, want)
			}
		})
	}
}

// TestAfter checks random starts: what follows is always valid, an address belongs to the
// folder that was served at it last, and the file can be read again.
func TestAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var s Services
		owner := map[string]string{}
		for range rapid.IntRange(1, 60).Draw(rt, "starts") {
			start := Start{
				Folder: data(t, fmt.Sprint("folder", rapid.IntRange(0, maxServices+5).Draw(rt, "folder"))),
				New:    rapid.IntRange(0, 9).Draw(rt, "new") == 0,
			}
			for range 2 {
				start.Addresses = append(start.Addresses, fmt.Sprintf("http://127.0.0.1:%d/", 9000+rapid.IntRange(0, 40).Draw(rt, "port")))
			}
			start, err := start.check()
			if err != nil {
				rt.Fatal(err)
			}
			s = s.after(start, never)
			for _, address := range start.Addresses {
				owner[address] = start.Folder
			}
			last := s[len(s)-1]
			if last.Folder != start.Folder || !slices.Equal(last.Current, start.Addresses) {
				rt.Fatalf("the last service is %v after %v", last, start)
			}
			if again := s.after(start, never); !start.New && !again.equal(s) {
				rt.Fatalf("the same start again changes %v to %v", s, again)
			}
		}
		for _, service := range s {
			for _, address := range slices.Concat(service.Current, service.Former) {
				if owner[address] != service.Folder {
					rt.Errorf("%s stands at %s and was served by %s last", address, service.Folder, owner[address])
				}
			}
		}
		read, err := decode(s.encode())
		if err != nil || !read.equal(s) {
			rt.Errorf("read again: %v, %v; want %v", read, err, s)
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var s Services
	start := func(folder string, port int, gone func(string) bool) {
		checked, err := Start{Folder: data(t, folder), Addresses: []string{fmt.Sprintf("http://127.0.0.1:%d", port)}}.check()
		if err != nil {
			t.Fatal(err)
		}
		s = s.after(checked, gone)
	}
	start("kept", 1, never)
	for n := range maxFormer + 5 {
		start("kept", n+1, never)
	}
	if got := s.Former(fmt.Sprint("http://localhost:", maxFormer+5)); len(got) != maxFormer || got[0] != fmt.Sprint("http://localhost:", maxFormer+4) {
		t.Errorf("former addresses are %v", got)
	}
	for n := range maxServices {
		start(fmt.Sprint("temporary", n), 100+n, func(folder string) bool { return strings.Contains(folder, "temporary3") })
	}
	if folder := s.Folder(fmt.Sprint("http://localhost:", maxFormer+5)); folder != data(t, "kept") {
		t.Errorf("a folder that exists was forgotten before those that are gone: %v", s)
	}
	start("last", 1000, never)
	for n := range maxServices {
		start(fmt.Sprint("other", n), 2000+n, never)
	}
	if s.Folder("http://localhost:1000") != "" || len(s) != maxServices {
		t.Errorf("%d services, the oldest is still there", len(s))
	}
	// Long names count by their size.
	s = nil
	for n := range maxServices {
		start(fmt.Sprint(strings.Repeat("d", maxFolder-200), n), 3000+n, never)
	}
	if size := len(s.encode()); size > maxSize || len(s) < 10 {
		t.Errorf("%d services of %d bytes", len(s), size)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]Start{
		"no URL":             {Folder: data(t, "x"), Addresses: []string{"localhost:9229"}},
		"another scheme":     {Folder: data(t, "x"), Addresses: []string{"unix://host"}},
		"a long address":     {Folder: data(t, "x"), Addresses: []string{"http://" + strings.Repeat("h", maxAddress)}},
		"too many addresses": {Folder: data(t, "x"), Addresses: []string{"http://a", "http://b", "http://c", "http://d", "http://e"}},
		"a long folder":      {Folder: data(t, strings.Repeat("d/", maxFolder)), Addresses: []string{"http://a"}},
		"bytes":              {Folder: data(t, "x\xff"), Addresses: []string{"http://a"}},
	} {
		if checked, err := start.check(); err == nil {
			t.Errorf("%s: accepted as %v", name, checked)
		}
	}
}
