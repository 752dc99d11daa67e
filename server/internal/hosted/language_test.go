package hosted_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func languages(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("lang/*.json")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	found := map[string]map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		entries := map[string]string{}
		if err := json.Unmarshal(data, &entries); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".json")] = entries
	}
	return found
}

// TestLanguagesAreComplete: each language has every text, with the same places to
// fill in, and every text that the code asks for is there.
func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	found := languages(t)
	place := regexp.MustCompile(`\{[0-9]\}`)
	english := found["en"]
	for tag, entries := range found {
		for key, text := range english {
			want, got := place.FindAllString(text, -1), place.FindAllString(entries[key], -1)
			if strings.TrimSpace(entries[key]) == "" || !slices.Equal(want, got) {
				t.Errorf("%s: %s is %q", tag, key, entries[key])
			}
		}
		if len(entries) != len(english) {
			t.Errorf("%s has %d texts, English %d", tag, len(entries), len(english))
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`(?:say|toClient|newPasswordInput)\("([^"]+)"|"((?:problem|rule)\.[a-zA-Z]+)"`)
	used := map[string]bool{}
	for _, source := range sources {
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, match := range asked.FindAllStringSubmatch(string(data), -1) {
			used[match[1]+match[2]] = true
		}
	}
	for key := range used {
		if english[key] == "" && key != "error." {
			t.Errorf("there is no text %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(english)) {
		computed := key == "language" || strings.HasPrefix(key, "attribute.") || strings.HasPrefix(key, "error.") || strings.HasSuffix(key, "Unnamed")
		if !used[key] && !computed {
			t.Errorf("nothing says %s", key)
		}
	}
}

func TestChoosesLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	for _, test := range []struct{ accept, lang, want string }{
		{"", "", "en"},
		{"de", "", "de"},
		{"de-AT,de;q=0.9,en;q=0.8", "", "de"},
		{"fr-CA, en;q=0.5", "", "fr"},
		{"ja, fr;q=0.3", "", "fr"},
		{"ja", "", "en"},
		{"*", "", "en"},
		{"fr", "de", "de"},
		{"fr", "de-CH", "de"},
		{"fr", "xx", "fr"},
		{"fr", strings.Repeat("d", 99), "fr"},
		{"en;q=0.1,de;q=nonsense", "", "en"},
		{strings.Repeat("x", 5000), "", "en"},
		{"de," + strings.Repeat("en-GB,", 2000), "", "de"},
		{"\x00\xff", "", "en"},
	} {
		r := httptest.NewRequest(http.MethodGet, base+"/login?"+query+"&lang="+test.lang, nil)
		r.Header.Set("Accept-Language", test.accept)
		if got := attr(w.send(r).find("html"), "lang"); got != test.want {
			t.Errorf("Accept-Language %.30q, lang %.30q: %s, want %s", test.accept, test.lang, got, test.want)
		}
	}
	page := w.ask("/login?"+query+"&lang=de").says("Anmelden", "weiter zu Example", "Passwort vergessen?")
	w.fill(page, "username", "ann", "password", "falsch").says("Anmelden", "Benutzername oder Passwort ist falsch.")
	w.ask("/signup?"+query+"&lang=fr").says("Créer votre compte", "pour continuer vers Example", "Au moins 8 caractères")
	var links []string
	for _, a := range all(page.find("nav"), "a") {
		links = append(links, attr(a, "lang")+" "+attr(a, "aria-current")+" "+attr(a, "href"))
	}
	if len(links) != 3 || !strings.Contains(links[1], "de true ") || !strings.Contains(links[2], "lang=fr") || !strings.Contains(links[2], "state=a%26b") {
		t.Errorf("languages: %q", links)
	}
}
