package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	t.Parallel()
	long := "package a\n" + strings.Repeat("\n", maxFileLines)
	body := "package a\nfunc f() {\n" + strings.Repeat("\tprintln()\n", maxFunctionLines) + "}\n"
	for name, test := range map[string]struct{ source, want string }{
		"clean":             {"// Package a is a.\npackage a\n\n// F does.\nfunc F() {}\n", ""},
		"long file":         {long, "lines, more than 700"},
		"long function":     {body, "lines, more than 120"},
		"vague package":     {"package util\n", "named for nothing"},
		"promise":           {"package a\n// TODO: do it\n", "promises instead of doing"},
		"getter":            {"package a\n// GetX gives x.\nfunc GetX() {}\n", "without Get"},
		"undocumented":      {"package a\nfunc F() {}\n", "no doc comment"},
		"undocumented var":  {"package a\nvar V = 1\n", "no doc comment"},
		"manager":           {"package a\n// TokenManager manages.\ntype TokenManager struct{}\n", "suffix says nothing"},
		"interface":         {"package a\ntype i interface{ A(); B(); C(); D(); E(); F(); G() }\n", "7 methods"},
		"secret":            {"package a\nfunc f(clientSecret, givenSecret string) bool { return clientSecret == givenSecret }\n", "constant time"},
		"secret presence":   {"package a\nfunc f(clientSecret string) bool { return clientSecret == \"\" }\n", ""},
		"sql":               {"package a\nfunc f(n string) string { return \"select * from t where n = \" + n }\n", "bind a parameter"},
		"start-up":          {"package a\nvar p = regexp.MustCompile(`a`)\n", "at start-up"},
		"on first use":      {"package a\nvar p = sync.OnceValue(func() any { return regexp.MustCompile(`a`) })\n", ""},
		"in a function":     {"package a\nfunc f() { var p = regexp.MustCompile(`a`); _ = p }\n", ""},
		"part of e2e":       {"package a\nimport _ \"github.com/latchkey-auth/latchkey/e2e/awssdk\"\n", "in e2e/internal"},
		"helper of e2e":     {"package a\nimport _ \"github.com/latchkey-auth/latchkey/e2e/internal/local\"\n", ""},
		"own type's method": {"package a\ntype t struct{}\nfunc (t) String() string { return \"\" }\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "a.go")
			if err := os.WriteFile(path, []byte(test.source), 0o600); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(dir, path, newHouse()), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("findings %q, want %q", got, test.want)
			}
		})
	}
}

// TestHouse counts methods over the files of a package, and exported names in the root.
func TestHouse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, source string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	house := newHouse()
	for file := range 2 {
		source := "package b\n"
		for n := range maxTypeMethods/2 + file {
			source += fmt.Sprintf("func (*t) m%d_%d() {}\n", file, n)
		}
		check(dir, write(fmt.Sprintf("b/%d.go", file), source), house)
	}
	root := "package a\nconst (\n"
	for n := range maxRootNames + 1 {
		root += fmt.Sprintf("\tN%d = 0 // what it is\n", n)
	}
	check(dir, write("a.go", root+")\n"), house)
	got := strings.Join(house.check(), "\n")
	for _, want := range []string{"b.t has 61 methods", fmt.Sprintf("the root exports %d names", maxRootNames+1)} {
		if !strings.Contains(got, want) {
			t.Errorf("findings %q, want %q", got, want)
		}
	}
}
