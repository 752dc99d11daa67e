package main

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// commentFile is a parsed file with a comment.
func commentFile(t *testing.T, comment string) *file {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, "x.go", comment+"\npackage x\n", parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return &file{path: "x.go", set: set, syntax: syntax}
}

// TestProse checks what counts as an idiom, also across lines, and that a few are allowed.
func TestProse(t *testing.T) {
	t.Parallel()
	for comment, count := range map[string]int{
		"// Nobody knows whom it tells.":            3,
		"// all the\n// same":                       1,
		"/* in so\nmany words */":                   1,
		"// It is to be stored; it is to become so": 1,
		"// the retold story; the caller waits":     0,
		"// could not be had, cannot be had":        2,
	} {
		p := newProse()
		p.add(commentFile(t, comment))
		if len(p.found) != count {
			t.Errorf("%q: %q, want %d", comment, p.found, count)
		}
		if findings := p.check(); (len(findings) > 0) != (count > 0) {
			t.Errorf("%q: %q", comment, findings)
		}
	}
	p := newProse()
	p.add(commentFile(t, "// nobody "+strings.Repeat("word ", 1000)))
	if findings := p.check(); len(findings) != 0 {
		t.Errorf("one in a thousand words: %q", findings)
	}
	p.add(commentFile(t, "// nobody\n// somebody"))
	findings := p.check()
	if len(findings) != 4 || !strings.HasPrefix(findings[2], `x.go:2: "somebody"`) {
		t.Errorf("three in a thousand words: %q", findings)
	}
}
