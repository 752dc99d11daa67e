package outbox

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localonly"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string

	// page is parsed when it is first asked for: the short commands of the one
	// binary pay for everything that is done at its start.
	page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })
)

// shown is an entry as the page shows it. HTML messages are shown as their
// source: nobody's template runs in this page.
type shown struct {
	At, When, To, Medium, Subject, Text string
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
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	if r.URL.Query().Has("style") {
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(style))
		return
	}
	var list []shown
	for _, e := range o.Entries() {
		list = append(list, shown{
			At: e.At.Format(time.RFC3339), When: e.At.Format("15:04:05"), To: e.Address, Medium: e.Medium,
			Subject: e.Subject, Text: e.Text.Reveal(),
		})
	}
	var text bytes.Buffer
	if err := page().Execute(&text, list); err != nil {
		http.Error(w, "the outbox cannot be shown", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}
