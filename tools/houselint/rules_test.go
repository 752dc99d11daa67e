package main

import (
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
		"own type's method": {"package a\ntype t struct{}\nfunc (t) String() string { return \"\" }\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "a.go")
			if err := os.WriteFile(path, []byte(test.source), 0o600); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(dir, path), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("findings %q, want %q", got, test.want)
			}
		})
	}
}
