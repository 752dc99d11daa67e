package loopback

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// silent takes what a server has to say of connections that it cannot read.
var silent = log.New(io.Discard, "", 0)

// ServeHTTP takes the one answer that carries the flow's state. Everything else is
// not there: other pages of the same browser can reach the listener, and must
// neither end the sign-in nor learn that it is under way. Host is checked because a
// name of theirs may lead to this address.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	texts := textsFor(r.Header.Get("Accept-Language"))
	if r.Method != http.MethodGet || r.Host != l.host || r.URL.EscapedPath() != l.path || !l.takes(r.URL.RawQuery) {
		writePage(w, http.StatusNotFound, texts.tag, texts.nothing, "")
		return
	}
	l.Arrived <- r.URL.RawQuery
	select {
	case signedIn := <-l.outcome:
		title, text := texts.failed, texts.why
		if signedIn {
			title, text = texts.signedIn, texts.close
		}
		writePage(w, http.StatusOK, texts.tag, title, text)
	case <-r.Context().Done():
	}
}

// takes reports whether a query is the answer, the first time that it is.
func (l *Listener) takes(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil || len(query) > authflow.MaxCallback || len(values["state"]) != 1 || !secret.New(values.Get("state")).Equal(l.state) {
		return false
	}
	select {
	case l.taken <- struct{}{}:
		return true
	default:
		return false
	}
}

const pageStyle = ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1.5rem;text-align:center}h1{font-size:1.6rem}"

// pagePolicy allows the page its own style and nothing else.
var pagePolicy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// writePage writes a page of texts of our own, which have nothing to escape.
func writePage(w http.ResponseWriter, status int, language, title, text string) {
	page := `<!doctype html><html lang="` + language + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>` + title +
		"</title><style>" + pageStyle + "</style><main><h1>" + title + "</h1>"
	if text != "" {
		page += "<p>" + text + "</p>"
	}
	page += "</main></html>\n"
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", language)
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("Content-Security-Policy", pagePolicy())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address holds a code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}
