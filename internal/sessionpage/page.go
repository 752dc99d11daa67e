package sessionpage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/localonly"
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
	// Username and Password are those of the user that a button signs in; the page
	// does not contain the password. Every program on this machine can press the
	// button. Without a user name there is none.
	Username string
	Password latchkey.Secret
	// ShortClientID is an app client whose tokens last a few minutes, for people who
	// want to watch a refresh; empty for none. It may do what that of Client may.
	ShortClientID string
	// PasswordRules gives the user pool's rules for passwords, in words; nil is none.
	PasswordRules func(context.Context) []string
	// Zone is the time zone of all times on the page; nil is this machine's.
	Zone *time.Location
	// Browsers is how many may have a session at a time, and Idle how long a session
	// lasts without a request; 0 stands for 64 and for half an hour.
	Browsers int
	Idle     time.Duration
	// Logger receives what the page cannot show; nil logs nothing.
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
	if c.Zone == nil {
		c.Zone = time.Local
	}
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
	p.mux.HandleFunc("POST /session/copy", p.copyToken)
	for path, act := range map[string]action{
		"sign-in": p.signIn, "demo": p.signInDemo, "answer": p.answer, "start-over": p.startOver, "pages": p.goToPages, "tokens": p.chooseTokens,
		"refresh": p.refresh, "guest": p.fetchGuest, "sign-out": p.signOut, "sign-out-everywhere": p.signOutEverywhere,
	} {
		p.mux.HandleFunc("POST /session/"+path, func(w http.ResponseWriter, r *http.Request) { p.act(w, r, act) })
	}
}

// Close ends the streams and all clients. Sessions are not signed out: the tokens
// were in memory only, and are gone.
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

// ServeHTTP answers one request of this machine (package localonly).
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.header(w.Header())
	if err := localonly.Check(r); err != nil {
		http.Error(w, "The session page is for this machine: "+err.Error()+". Ask for http://127.0.0.1 there.", http.StatusForbidden)
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		http.Error(w, "the address is too long", http.StatusRequestURITooLong)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// show answers GET /. The page is at the numeric address, which the sign-in pages
// lead back to: localhost would be another place to a browser's cookies.
func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(hostname(r.Host), "localhost") {
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
		if v, err = p.admit(w, r, false); err != nil {
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
		if v, err = p.admit(w, r, false); err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	p.write(w, r, status, v, &message{Kind: kindAlert, Text: problem})
}

// refuse answers a browser beyond the maximum.
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
	page.Message, page.Demo = m, p.cfg.Username
	if page.Question != nil && p.cfg.PasswordRules != nil {
		page.Question.addRules(p.cfg.PasswordRules(ctx))
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
