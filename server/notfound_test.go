package server_test

import (
	"bytes"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestUnknownPaths: a GET of a path that does not exist is 404, with a page for browsers.
// Operations go to any path, and other methods are refused by name.
func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v := w.visitor()
	ask := func(method, address, accept string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		return v.read(r)
	}
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, path := range []string{"/", "/nothing", "/robots.txt", "/session/events", "/" + w.pool, "/" + w.pool + "/nothing", "/oauth2/authorize", "/login", "/logout", "/us-east-1_nothing00/x/y"} {
		answer, body := ask(http.MethodGet, w.url+path, "application/json")
		if answer.StatusCode != http.StatusNotFound || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("GET %s by a program: %d %s %s", path, answer.StatusCode, answer.Header.Get("Content-Type"), body)
		}
		answer, body = ask(http.MethodGet, w.url+path, browser)
		wantPage(t, answer, body, http.StatusNotFound, "There is no such page.")
		style := between(body, `<link rel="stylesheet" href="`, `"`)
		if sheet, _ := ask(http.MethodGet, w.url+style, "text/css"); sheet.StatusCode != http.StatusOK {
			t.Errorf("GET %s: its stylesheet %q: %d", path, style, sheet.StatusCode)
		}
		answer, body = ask(http.MethodHead, w.url+path, browser)
		if answer.StatusCode != http.StatusNotFound || body != "" {
			t.Errorf("HEAD %s: %d %q", path, answer.StatusCode, body)
		}
	}
	answer, _ := ask(http.MethodDelete, w.url+"/nothing", browser)
	if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
		t.Errorf("DELETE: %d %v", answer.StatusCode, answer.Header)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/some/prefix/", strings.NewReader(`{"ClientId":"`+w.client+`","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"ann","PASSWORD":"`+password+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, "InitiateAuth"))
	if answer, body := v.read(r); answer.StatusCode != http.StatusOK {
		t.Errorf("an operation at another path: %d %s", answer.StatusCode, body)
	}
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// TestFavicon: browsers ask for the icon of a site on their own.
func TestFavicon(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	answer, body := w.visitor().get(w.url + "/favicon.ico")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "image/vnd.microsoft.icon" || !strings.Contains(answer.Header.Get("Cache-Control"), "max-age=") {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	const header = 22 // of an icon file with one image
	image, err := png.Decode(bytes.NewReader([]byte(body)[header:]))
	if err != nil || image.Bounds().Dx() != 48 || image.Bounds().Dy() != 48 {
		t.Errorf("the icon: %v, %v", image, err)
	}
	if answer, _ := w.visitor().ask(http.MethodPut, w.url+"/favicon.ico"); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", answer.StatusCode)
	}
}
