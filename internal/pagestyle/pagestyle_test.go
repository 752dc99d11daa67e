package pagestyle

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sheets returns every stylesheet of the module by its path.
func sheets(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, folder := range []string{"../../internal", "../../server"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".css" {
				return err
			}
			data, err := os.ReadFile(path)
			found[path] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 6 {
		t.Fatalf("%d stylesheets found", len(found))
	}
	return found
}

// TestOneStylesheetHasTheColors: the colors and fonts of all pages are written once.
func TestOneStylesheetHasTheColors(t *testing.T) {
	t.Parallel()
	value := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|light-dark|system-ui|ui-monospace`)
	for path, css := range sheets(t) {
		if css == base {
			if !value.MatchString(css) {
				t.Errorf("%s has no colors: this test looks for none", path)
			}
			continue
		}
		for _, rule := range rules(css) {
			if id := strings.HasPrefix(rule, "#"); !id && value.MatchString(rule) {
				t.Errorf("%s: %s: name a color or a font of base.css", path, rule)
			}
		}
	}
}

// TestNoRuleIsWrittenTwice: what two pages have in common is here.
func TestNoRuleIsWrittenTwice(t *testing.T) {
	t.Parallel()
	where := make(map[string]string)
	for path, css := range sheets(t) {
		for _, rule := range rules(css) {
			if other := where[rule]; other != "" && other != path {
				t.Errorf("%s and %s both have %s", path, other, rule)
			}
			where[rule] = path
		}
	}
}

var rule = regexp.MustCompile(`[^{}]+\{[^{}]*\}`)

// rules returns a stylesheet's rules, also those inside of a condition, with their
// white space made the same.
func rules(css string) []string {
	var all []string
	for _, text := range rule.FindAllString(css, -1) {
		all = append(all, strings.Join(strings.Fields(text), " "))
	}
	return all
}

func TestRules(t *testing.T) {
	t.Parallel()
	got := rules("a { b: c; }\n@media (d) {\n\te {\n\t\tf: g;\n\t}\n\th { i: j; }\n}\n")
	if want := "a { b: c; }|e { f: g; }|h { i: j; }"; strings.Join(got, "|") != want {
		t.Errorf("rules %q, want %s", got, want)
	}
}
