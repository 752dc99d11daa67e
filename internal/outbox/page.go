package outbox

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localonly"
	"github.com/latchkey-auth/latchkey/internal/pagestyle"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	ownStyle string
	//go:embed page.js
	script string

	// These are made at their first use: the short commands of the one
	// binary pay for everything that is done at its start.
	style = sync.OnceValue(func() string { return pagestyle.Base() + pagestyle.Panel() + ownStyle })
	page  = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("page").Funcs(pagestyle.Functions()).Parse(pageText))
	})
	policy = sync.OnceValue(func() string {
		sum := sha256.Sum256([]byte(script)) // Content Security Policy Level 3, section 2.3.1
		return "default-src 'none'; style-src 'self'; img-src data:; connect-src 'self'; script-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	})
	sixDigits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[0-9]{6}\b`) })
)

// view is what the page shows.
type view struct {
	Messages []shown
	Script   template.JS
}

// shown is an entry as the page shows it. HTML messages are shown as their
// source. ID identifies a message; Code is the code in the text, or empty.
type shown struct {
	ID                                        int64
	At, When, To, Medium, Subject, Text, Code string
}

// ServeHTTP shows the messages, the newest first, to requests of this machine
// (package localonly). The answer has no CORS headers.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := localonly.Check(r); err != nil {
		http.Error(w, "The outbox is for this machine: "+err.Error()+". Ask for it there as http://127.0.0.1; "+
			"the terminal of latchkey up shows the messages too.", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the outbox can only be read", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", policy())
	if r.URL.Query().Has("style") {
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(style()))
		return
	}
	o.writePage(w)
}

func (o *Outbox) writePage(w http.ResponseWriter) {
	shows := view{Script: template.JS(script)}
	for _, e := range o.Entries() {
		text := e.Text.Reveal()
		shows.Messages = append(shows.Messages, shown{
			ID: e.At.UnixNano(), At: e.At.Format(time.RFC3339), When: e.At.Format("15:04:05"), To: e.Address, Medium: e.Medium,
			Subject: e.Subject, Text: text, Code: sixDigits().FindString(text),
		})
	}
	var text bytes.Buffer
	if err := page().Execute(&text, shows); err != nil {
		http.Error(w, "the outbox cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}
