package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	page     string // relative to the repository
	line     int
	language string
	code     string
	// note is the HTML comment directly before the block, which readers do not see.
	note string
}

// fence finds blocks with the comment before them.
var fence = regexp.MustCompile("(?ms)(?:^<!--((?:[^-]|-[^-]|--[^>])*)-->\n+)?^```([a-z]*)\n(.*?)^```$")

// blocks are the blocks of all pages for users.
func blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/guide/*.md"} {
		pages, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(filepath.Join("..", ".."), page)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range fence.FindAllStringSubmatchIndex(string(text), -1) {
				part := func(i int) string {
					if m[2*i] < 0 {
						return ""
					}
					return string(text[m[2*i]:m[2*i+1]])
				}
				all = append(all, block{
					page: name, line: strings.Count(string(text[:m[6]]), "\n"), language: part(2), code: part(3), note: strings.TrimSpace(part(1)),
				})
			}
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d blocks were found", len(all))
	}
	return all
}

// TestBlocksHaveLanguages checks that no block escapes the tests because it does not say what
// it is.
func TestBlocksHaveLanguages(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t) {
		switch b.language {
		case "go", "sh", "console", "json", "text", "js", "css", "python":
		default:
			t.Errorf("%s:%d: a block of language %q: use go, sh, console for a session with its output, json, text, js, css or python", b.page, b.line, b.language)
		}
	}
}
