package hosted

import (
	"embed"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/languages"
)

//go:embed lang/*.json
var languageFiles embed.FS

// offered are the languages, the first for whoever speaks none of them.
var offered = []string{"en", "de", "fr"}

// texts are the pages' sentences in one language.
type texts struct {
	tag     string
	name    string // what the language calls itself
	entries map[string]string
}

// catalog has the languages in the order of offered. It is made when the first page is:
// most runs of the command that this package is linked into show none.
var catalog = sync.OnceValue(func() (languages []*texts) {
	for _, tag := range offered {
		data, err := languageFiles.ReadFile("lang/" + tag + ".json")
		t := &texts{tag: tag}
		if err == nil {
			err = json.Unmarshal(data, &t.entries)
		}
		if err != nil {
			panic("hosted: lang/" + tag + ".json: " + err.Error()) // in the binary, and tested
		}
		t.name = t.entries["language"]
		languages = append(languages, t)
	}
	return languages
})

// choose finds a request's language: the one that its query names, as Cognito's
// lang parameter does, or the best for its Accept-Language header.
func choose(r *http.Request) *texts {
	at, ok := languages.Match(r.URL.Query().Get("lang"), offered)
	if !ok {
		at = languages.Best(r.Header.Get("Accept-Language"), offered)
	}
	return catalog()[at]
}

// say gives a text; {0}, {1} … in it stand for args. The texts are plain: what
// args hold is escaped with the rest when the page is made.
func (t *texts) say(key string, args ...string) string {
	text := t.entries[key]
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, 2*len(args))
	for i, arg := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", arg)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// has reports whether there is such a text.
func (t *texts) has(key string) bool { return t.entries[key] != "" }

// attribute is what people call an attribute of theirs. A pool's own ones have
// only the name that the pool gave them.
func (t *texts) attribute(name string) string {
	if label := t.entries["attribute."+name]; label != "" {
		return label
	}
	return strings.ReplaceAll(strings.TrimPrefix(name, "custom:"), "_", " ")
}
