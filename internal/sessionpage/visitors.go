package sessionpage

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

const (
	maxEvents = 40 // that a visitor's page lists
	sweepTime = time.Minute
	// partingTime bounds what is told the service of a session that nobody looks at.
	partingTime = 5 * time.Second
	// askAgain is how long a revocation that was heard of is left alone after a
	// refresh that could not be sent.
	askAgain = 10 * time.Second
)

var (
	errFull   = errors.New("too many browsers are signed in here; sign out in one, or come back in a while")
	errClosed = errors.New("the service is about to stop")
)

// visitor is one browser.
type visitor struct {
	origin   string
	client   *latchkey.Client
	memory   *store.Memory
	stop     []func()
	signedIn atomic.Bool // as the events say, a moment later than the client

	// Guarded by the page's lock.
	key     string
	seen    time.Time
	streams int

	mu      sync.Mutex // guards what follows
	events  []latchkey.Event
	changed chan struct{} // closed at the next change
	flash   *message      // for the next page
	step    *latchkey.Step
	flow    *latchkey.RedirectFlow
	guest   bool // the person has asked for a guest's credentials
	asked   time.Time
}

// find gives the visitor whom a request's cookie names. stale means that there is a
// cookie and that it names nobody any more.
func (p *Page) find(r *http.Request) (v *visitor, stale bool) {
	cookie, err := r.Cookie(p.cookieName(r))
	if err != nil || cookie.Value == "" {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v = p.visitors[cookie.Value]; v != nil {
		v.seen = time.Now()
	}
	return v, v == nil
}

// cookieName has the pool's id in it, because cookies know no ports: two services of
// one machine share them. Browsers take __Host- with Secure only, which plain http
// cannot have.
func (p *Page) cookieName(r *http.Request) string {
	name := "latchkey-page-" + p.cfg.Client.UserPoolID
	if r.TLS != nil {
		return "__Host-" + name
	}
	return name
}

func (p *Page) setCookie(w http.ResponseWriter, r *http.Request, key string) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(r), Value: key, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
}

// admit begins a visit and gives the browser its cookie.
func (p *Page) admit(w http.ResponseWriter, r *http.Request) (*visitor, error) {
	v, err := p.newVisitor(origin(r), r.TLS != nil)
	if err != nil {
		return nil, err
	}
	gone, err := p.register(v)
	if gone != nil {
		_ = gone.end() // signed out, and in memory
	}
	if err != nil {
		return nil, errors.Join(err, v.end())
	}
	p.setCookie(w, r, v.key)
	return v, nil
}

// newVisitor makes a client that comes back to origin.
func (p *Page) newVisitor(origin string, secure bool) (*visitor, error) {
	v := &visitor{origin: origin, memory: store.NewMemory(), key: rand.Text(), changed: make(chan struct{})}
	config := p.cfg.Client
	config.Store, config.Logger = v.memory, p.cfg.Logger
	if config.OAuth != nil {
		oauth := *config.OAuth
		oauth.RedirectSignIn, oauth.RedirectSignOut = []string{origin + "/callback"}, []string{origin + "/"}
		config.OAuth = &oauth
	}
	if secure && p.cfg.SecureOAuthBaseURL != "" {
		config.OAuthBaseURL = p.cfg.SecureOAuthBaseURL
	}
	var err error
	if v.client, err = latchkey.New(config); err != nil {
		return nil, err
	}
	v.stop = []func(){v.client.Subscribe(v.note), v.client.Keep(context.Background())}
	return v, nil
}

// register adds a visitor. If there are too many, who is signed out and was here
// longest ago has to go.
func (p *Page) register(v *visitor) (gone *visitor, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if len(p.visitors) >= p.cfg.Browsers {
		for _, other := range p.visitors {
			if !other.signedIn.Load() && other.streams == 0 && (gone == nil || other.seen.Before(gone.seen)) {
				gone = other
			}
		}
		if gone == nil {
			return nil, errFull
		}
		delete(p.visitors, gone.key)
	}
	v.seen = time.Now()
	p.visitors[v.key] = v
	p.listen()
	return gone, nil
}

// listen begins to follow the service's feed of ended sessions, with the first
// visitor. p.mu is held.
func (p *Page) listen() {
	if p.ended != nil || p.cfg.Client.Issuer == "" {
		return
	}
	follower, err := jwt.FollowRevocations(p.cfg.Client.Issuer, func(o *jwt.RevocationOptions) {
		o.WhenStale = jwt.FailOpen
		o.OnError = func(err error) { p.cfg.Logger.Debug("session page: revocation feed", "error", err) }
	})
	if err != nil { // a service that is neither https nor on this machine
		p.cfg.Logger.Info("the session page does not hear of revocations", "error", err)
		return
	}
	p.ended = follower
}

// rename gives a visitor another cookie: whoever knew the one from before the
// sign-in does not have the session.
func (p *Page) rename(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visitors[v.key] != v {
		return // its time was over meanwhile
	}
	delete(p.visitors, v.key)
	v.key = rand.Text()
	p.visitors[v.key] = v
	p.setCookie(w, r, v.key)
}

// keepHouse ends the visits that nobody looks at.
func (p *Page) keepHouse() {
	ticker := time.NewTicker(min(sweepTime, p.cfg.Idle/2))
	defer ticker.Stop()
	for {
		select {
		case <-p.over:
			return
		case <-ticker.C:
		}
		for _, v := range p.takeIdle(time.Now()) {
			ctx, cancel := context.WithTimeout(context.Background(), partingTime)
			_, err := v.client.SignOut(ctx)
			cancel()
			if err = errors.Join(err, v.end()); err != nil {
				p.cfg.Logger.Info("a session of the session page was left behind", "error", err)
			}
		}
	}
}

// takeIdle takes those out whom nobody looks at.
func (p *Page) takeIdle(now time.Time) (idle []*visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, v := range p.visitors {
		if v.streams == 0 && now.Sub(v.seen) >= p.cfg.Idle {
			delete(p.visitors, key)
			idle = append(idle, v)
		}
	}
	return idle
}

// open counts a stream of a visitor, unless he has enough.
func (p *Page) open(v *visitor) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.streams >= maxStreams {
		return false
	}
	v.streams++
	return true
}

func (p *Page) shut(v *visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.streams--
	v.seen = time.Now()
}

// end closes the client.
func (v *visitor) end() error {
	for _, stop := range v.stop {
		stop()
	}
	return v.client.Close()
}

// note takes an event of the client's.
func (v *visitor) note(e latchkey.Event) {
	switch e.Kind {
	case latchkey.EventSignedIn, latchkey.EventRestored:
		v.signedIn.Store(true)
	case latchkey.EventSignedOut, latchkey.EventSessionExpired:
		v.signedIn.Store(false)
	}
	v.change(func() {
		if len(v.events) == maxEvents {
			v.events = v.events[1:]
		}
		v.events = append(v.events, e)
	})
}

// in reports whether a user is signed in.
func (v *visitor) in(ctx context.Context) bool {
	_, err := v.client.CurrentUser(ctx)
	return err == nil
}

// change changes something, and tells the streams.
func (v *visitor) change(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	do()
	close(v.changed)
	v.changed = make(chan struct{})
}

// news is closed when something changes from now on.
func (v *visitor) news() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// leave leaves a message for the next page.
func (v *visitor) leave(m *message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flash = m
}

// collect takes it.
func (v *visitor) collect() *message {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.flash
	v.flash = nil
	return m
}

// checkRevoked refreshes a session that the service says is over, so that the page
// learns why from the refusal. Whether it is over, only that refusal decides.
func (p *Page) checkRevoked(ctx context.Context, v *visitor) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil || !v.in(ctx) {
		return
	}
	session, err := v.client.FetchSession(ctx, latchkey.TokensOnly())
	if err != nil {
		return
	}
	tokens, err := session.Tokens()
	if err != nil {
		return
	}
	over, err := ended.Revoked(ctx, tokens.Access.OriginID(), tokens.Access.EventID())
	if err == nil && over && v.mayAsk() {
		_, _ = v.client.FetchSession(ctx, latchkey.TokensOnly(), latchkey.ForceRefresh())
	}
}

// mayAsk is true once in a while.
func (v *visitor) mayAsk() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.asked) < askAgain {
		return false
	}
	v.asked = time.Now()
	return true
}

// trimmed is a value of a form without the white space that a paste brings.
func trimmed(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
