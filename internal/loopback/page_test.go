package loopback

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// TestLoopbackTexts: the languages of the sign-in pages, each with every text, and
// none that would need escaping.
func TestLoopbackTexts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../server/internal/hosted/lang/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var pages []string
	for _, file := range files {
		pages = append(pages, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	var ours []string
	for _, texts := range loopbackLanguages {
		ours = append(ours, texts.tag)
		for _, text := range []string{texts.signedIn, texts.close, texts.failed, texts.why, texts.nothing} {
			if text == "" || text != html.EscapeString(text) {
				t.Errorf("%s: %q", texts.tag, text)
			}
		}
	}
	if slices.Sort(ours); !slices.Equal(ours, pages) {
		t.Errorf("languages %v, the sign-in pages have %v", ours, pages)
	}
}

// TestLoopbackPage: each page in its language, under a policy that fits its style.
func TestLoopbackPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		language, query, want string
		signedIn              bool
		status                int
	}{
		{"de-AT", "state=s&code=c", "Sie sind angemeldet", true, http.StatusOK},
		{"fr", "state=s&error=access_denied", "Vous n’êtes pas connecté", false, http.StatusOK},
		{"", "state=s&code=c", "You can close this window", true, http.StatusOK},
		{"fr", "state=of-another&code=c", "Il n’y a rien ici", true, http.StatusNotFound},
	} {
		l := &Listener{
			host: "127.0.0.1:4000", path: "/callback", state: secret.New("s"),
			Arrived: make(chan string, 1), outcome: make(chan bool, 1), taken: make(chan struct{}, 1),
		}
		l.outcome <- tt.signedIn
		r := httptest.NewRequest(http.MethodGet, (&url.URL{Scheme: "http", Host: l.host, Path: l.path, RawQuery: tt.query}).String(), nil)
		r.Header.Set("Accept-Language", tt.language)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		tag := textsFor(tt.language).tag
		body, h := w.Body.String(), w.Header()
		if w.Code != tt.status || !strings.Contains(body, tt.want) || !strings.Contains(body, `<html lang="`+tag+`">`) || h.Get("Content-Language") != tag {
			t.Errorf("%+v: %d %v %s", tt, w.Code, h, body)
		}
		if strings.Contains(body, "of-another") || strings.Contains(body, "access_denied") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%+v: %v %s", tt, h, body)
		}
	}
}
