package outbox

import (
	"bytes"
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"sync"
	"time"
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

// ServeHTTP shows the messages, the newest first. Codes are for whoever sits at
// this machine: a request is answered only under a name of the loopback
// interface, so that no web page can read them by pointing a name of its own at
// it (DNS rebinding), and never with CORS headers.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !local(r.Host) {
		http.Error(w, "the outbox is for this machine; ask for it as localhost", http.StatusForbidden)
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

// local reports whether a Host header names the loopback interface.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
