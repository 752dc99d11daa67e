package sessionpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/pagestyle"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	ownStyle string
	//go:embed page.js
	script string

	// These are made when they are first asked for: the short commands of the one
	// binary pay for everything that is done at its start.
	templates = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("page").Funcs(pagestyle.Functions()).Parse(pageText))
	})
	style        = sync.OnceValue(func() string { return pagestyle.Base() + pagestyle.Forms() + pagestyle.Panel() + ownStyle })
	styleVersion = sync.OnceValue(func() string { return digest([]byte(style())) })
	// scriptHash is how the policy names the page's one script (CSP Level 3, section 2.3.1).
	scriptHash = sync.OnceValue(func() string {
		sum := sha256.Sum256([]byte(script))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	})
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// chrome is what is the same on every page.
type chrome struct {
	Style  template.URL
	Script template.JS
	parts  map[string]part
}

func newChrome() chrome {
	return chrome{Style: template.URL("/session/page.css?v=" + styleVersion()), Script: template.JS(script)}
}

// part is a piece of the page that the stream sends again when it has changed. The
// time that is left of something changes by itself, and is no change.
type part struct {
	ID      string        `json:"id"`
	Version string        `json:"version"`
	HTML    template.HTML `json:"html"`
}

// partsOf are the parts of a layout.
var partsOf = map[string][]string{
	layoutIn:  {"who", "id", "access", "refresh", "aws", "events"},
	layoutOut: {"aws", "events"},
}

// Part gives a part to the template.
func (v *view) Part(id string) part { return v.parts[id] }

// fillParts draws the parts of the page's layout.
func (v *view) fillParts() error {
	v.parts = make(map[string]part)
	timeless := *v
	timeless.Now = time.Time{}
	for _, id := range partsOf[v.Layout] {
		var still, text bytes.Buffer
		if err := templates().ExecuteTemplate(&still, id, &timeless); err != nil {
			return err
		}
		if err := templates().ExecuteTemplate(&text, id, v); err != nil {
			return err
		}
		v.parts[id] = part{ID: id, Version: digest(still.Bytes()), HTML: template.HTML(text.String())}
	}
	return nil
}

// serveStyle serves the stylesheet, which browsers may keep by its version.
func (p *Page) serveStyle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("v") == styleVersion() {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(style()))
}

// shownLife is a life at the page's moment.
type shownLife struct {
	Life        life
	Left, State string
	Until       string // a time of day
	Value       int64
}

// Bar draws the bar of a life.
func (v *view) Bar(l *life) (template.HTML, error) {
	var text bytes.Buffer
	err := templates().ExecuteTemplate(&text, "bar", shownLife{Life: *l, Left: v.Left(*l), State: v.State(*l), Until: v.Clock(l.Until), Value: v.Value(*l)})
	return template.HTML(text.String()), err
}
