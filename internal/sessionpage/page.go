package sessionpage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
)

// Bounds of the page.
const (
	maxBody  = 16 << 10 // bytes of a form
	maxField = 4 << 10  // bytes of a value in it
	maxQuery = 32 << 10 // bytes; the answer of the sign-in pages comes in one
	// patience bounds what one request may do with the service.
	patience = 20 * time.Second

	defaultBrowsers = 64
	defaultIdle     = 30 * time.Minute
	// maxStreams is how many tabs of one browser are kept up to date. Browsers hold
	// six connections to a host; some have to be left for everything else.
	maxStreams = 4
)

// Config says which service the page is about.
type Config struct {
	// Client is what every browser's client is made with. Store, OpenBrowser and the
	// redirect URLs of OAuth are the page's to set. Without OAuth there is no way by
	// the sign-in pages.
	Client latchkey.Config
	// SecureOAuthBaseURL takes the place of Client.OAuthBaseURL for browsers that
	// came by https; empty leaves it.
	SecureOAuthBaseURL string
	// Username and Password are those of a user whom one press of a button signs
	// in, without a word of the password in the page. The button is there only for
	// connections from this machine: whoever may open one can be that user.
	Username string
	Password latchkey.Secret
	// Browsers is how many may have a session at a time, and Idle how long one lasts
	// that nobody looks at; 0 stands for 64 and for half an hour.
	Browsers int
	Idle     time.Duration
	// Logger is told of what the page cannot show; nil is silence.
	Logger *slog.Logger
}

// Page is the session page, an [http.Handler] for GET /, GET /callback and what is
// below /session/. Call Close in the end.
type Page struct {
	cfg     Config
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
	policy  string
	over    chan struct{} // closed by Close
	work    sync.WaitGroup

	mu       sync.Mutex // guards what follows
	visitors map[string]*visitor
	closed   bool
	ended    *jwt.Revocations // nil before anybody was here
}

// New makes a page. An error is that of a client's configuration, [latchkey.ErrConfig].
func New(c Config) (*Page, error) {
	probe, err := latchkey.New(c.Client)
	if err != nil {
		return nil, err
	}
	if err := probe.Close(); err != nil {
		return nil, err
	}
	c.Browsers, c.Idle = cmp.Or(c.Browsers, defaultBrowsers), cmp.Or(c.Idle, defaultIdle)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Page{
		cfg: c, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
		policy: policy(c.Client.OAuthBaseURL, c.SecureOAuthBaseURL),
		over:   make(chan struct{}), visitors: make(map[string]*visitor),
	}
	p.routes()
	p.work.Go(p.keepHouse)
	return p, nil
}

func (p *Page) routes() {
	p.mux.HandleFunc("GET /{$}", p.show)
	p.mux.HandleFunc("GET /callback", p.comeBack)
	p.mux.HandleFunc("GET /session/page.css", p.serveStyle)
	p.mux.HandleFunc("GET /session/events", p.stream)
	for path, act := range map[string]action{
		"sign-in": p.signIn, "demo": p.signInDemo, "answer": p.answer, "start-over": p.startOver, "pages": p.goToPages,
		"refresh": p.refresh, "guest": p.fetchGuest, "sign-out": p.signOut, "sign-out-everywhere": p.signOutEverywhere,
	} {
		p.mux.HandleFunc("POST /session/"+path, func(w http.ResponseWriter, r *http.Request) { p.act(w, r, act) })
	}
}

// Close ends the streams and all clients. Sessions are not signed out: the tokens
// were in memory only, and nobody has them any more.
func (p *Page) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	close(p.over)
	all, ended := p.visitors, p.ended
	p.visitors = nil
	p.mu.Unlock()
	p.work.Wait()
	if ended != nil {
		ended.Stop()
	}
	var errs []error
	for _, v := range all {
		errs = append(errs, v.end())
	}
	return errors.Join(errs...)
}

// ServeHTTP answers one request, under a name of the loopback interface.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.header(w.Header())
	if !local(r.Host) {
		http.Error(w, "the session page is for this machine; ask for it as 127.0.0.1", http.StatusForbidden)
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		http.Error(w, "the address is too long", http.StatusRequestURITooLong)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// header sets what every answer carries.
func (p *Page) header(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Content-Security-Policy", p.policy)
}

// policy allows the page its stylesheet, its script and its stream, and forms that
// lead on to the sign-in pages: Chromium holds form-action against redirects too.
func policy(pages ...string) string {
	targets := "'self'"
	for _, base := range pages {
		// The policy's grammar cannot write an address such as [::1]; then the page
		// is there as well, which is 'self'.
		if u, err := url.Parse(base); err == nil && u.Host != "" && !strings.Contains(u.Host, "[") {
			targets += " " + u.Scheme + "://" + u.Host
		}
	}
	return "default-src 'none'; style-src 'self'; img-src data:; connect-src 'self'; script-src " + scriptHash() +
		"; form-action " + targets + "; frame-ancestors 'none'; base-uri 'none'"
}

// local reports whether a Host header names the loopback interface.
func local(host string) bool {
	name := hostname(host)
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func hostname(host string) string {
	u := url.URL{Host: host}
	return u.Hostname()
}

// fromHere reports whether a connection comes from this machine. Beyond the Host
// header, which is the browser's word, it keeps the demo user's button from the
// neighbours of a service that listens on all interfaces.
func fromHere(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// origin is scheme and host that the browser used.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// action does what a form asks for, and says where the browser goes next.
type action func(ctx context.Context, v *visitor, r *http.Request) outcome

// outcome is what came of an action.
type outcome struct {
	message  *message
	to       string // empty is the page itself
	signedIn bool   // the browser gets a new cookie
}

func tell(m *message) outcome { return outcome{message: m} }

// act takes a form: posted by the page itself, of bounded size, with a cookie that
// is known. It answers with a redirect, and a script that asked for it with the
// message alone.
func (p *Page) act(w http.ResponseWriter, r *http.Request, do action) {
	v, _ := p.find(r)
	if status, problem := p.receive(w, r); problem != "" {
		if v == nil { // no cookie for a form of another page: it would end the session there is
			http.Error(w, problem, status)
			return
		}
		p.fail(w, r, status, problem)
		return
	}
	if v == nil && forScript(r) {
		w.WriteHeader(http.StatusForbidden) // the script loads the page again, which says why
		return
	}
	if v == nil {
		p.fail(w, r, http.StatusForbidden, "Nothing was done: this browser has no session here any more, or it did not send its cookie, which the page needs. Try again.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	out := do(ctx, v, r)
	if out.signedIn {
		p.rename(w, r, v)
	}
	if out.message != nil && forScript(r) {
		p.writePart(w, out.message)
		return
	}
	v.leave(out.message)
	http.Redirect(w, r, cmp.Or(out.to, "/"), http.StatusSeeOther)
}

// forScript reports whether the page's script sent the form.
func forScript(r *http.Request) bool { return r.Header.Get("Latchkey-Part") == "message" }

// receive reads a form.
func (p *Page) receive(w http.ResponseWriter, r *http.Request) (status int, problem string) {
	if err := p.origins.Check(r); err != nil {
		return http.StatusForbidden, "Nothing was done: the request came from another page."
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return http.StatusUnsupportedMediaType, "Nothing was done: this is not a form that the page sends."
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err = r.ParseForm()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return http.StatusRequestEntityTooLarge, "Nothing was done: that was more than a form of this page can hold."
	}
	if err != nil {
		return http.StatusBadRequest, "Nothing was done: the form cannot be read."
	}
	for name, values := range r.PostForm {
		if len(values) != 1 || len(name) > maxField || len(values[0]) > maxField {
			return http.StatusBadRequest, "Nothing was done: a field is too long, or there twice."
		}
	}
	return 0, ""
}

// show answers GET /. The page is at the numeric address, which the sign-in pages
// lead back to: localhost would be another place to a browser's cookies.
func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	if hostname(r.Host) == "localhost" {
		to := url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"}
		if r.TLS != nil {
			to.Scheme = "https"
		}
		if _, port, err := net.SplitHostPort(r.Host); err == nil {
			to.Host = net.JoinHostPort("127.0.0.1", port)
		}
		http.Redirect(w, r, to.String(), http.StatusFound)
		return
	}
	v, stale := p.find(r)
	if v == nil {
		var err error
		if v, err = p.admit(w, r); err != nil {
			p.refuse(w, r, err)
			return
		}
		if stale {
			v.leave(&message{Kind: kindNotice, Text: "This browser's session here is over: nobody looked at it for too long, or latchkey up was started anew. Sign in again."})
		}
	}
	p.write(w, r, http.StatusOK, v, v.collect())
}

// fail answers for what was not done, with the page below the message.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, status int, problem string) {
	v, _ := p.find(r)
	if v == nil {
		var err error
		if v, err = p.admit(w, r); err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	p.write(w, r, status, v, &message{Kind: kindAlert, Text: problem})
}

// refuse answers those for whom there is no room.
func (p *Page) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p.cfg.Logger.WarnContext(r.Context(), "the session page took nobody more", "error", err)
	w.Header().Set("Retry-After", "60")
	http.Error(w, "The session page cannot take another browser now: "+err.Error()+".", http.StatusServiceUnavailable)
}

// write writes the whole page.
func (p *Page) write(w http.ResponseWriter, r *http.Request, status int, v *visitor, m *message) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	page := p.look(ctx, v)
	page.Message, page.Demo = m, ""
	if fromHere(r) {
		page.Demo = p.cfg.Username
	}
	var text bytes.Buffer
	err := page.fillParts()
	if err == nil {
		err = templates().ExecuteTemplate(&text, "page", page)
	}
	if err != nil {
		p.cfg.Logger.ErrorContext(ctx, "the session page cannot be drawn", "error", err)
		http.Error(w, "the session page cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text.Bytes())
	}
}

// writePart writes a message alone.
func (p *Page) writePart(w http.ResponseWriter, m *message) {
	var text bytes.Buffer
	if err := templates().ExecuteTemplate(&text, "message", m); err != nil {
		http.Error(w, "the message cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}
