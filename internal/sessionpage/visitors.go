package sessionpage

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"
)

const (
	maxEvents = 40 // that a visitor's page lists
	sweepTime = time.Minute
	// partingTime bounds the sign-out of an idle session at the service.
	partingTime = 5 * time.Second
	// askAgain is how long a revocation that was heard of is left alone after a
	// refresh that could not be sent.
	askAgain = 10 * time.Second
)

var (
	errFull   = errors.New("too many browsers are signed in here; sign out in one, or come back in a while")
	errClosed = errors.New("the service is about to stop")
)

// find returns the visitor of a request's cookie. stale means that there is a cookie and
// that its visitor has ended.
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
func (p *Page) admit(w http.ResponseWriter, r *http.Request, short bool) (*visitor, error) {
	v, err := p.newVisitor(originOf(r), r.TLS != nil, short)
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

// replace gives the browser of a visitor who is signed out another one, whose client asks
// for short-lived tokens or for the usual ones. Other tabs of the browser load again.
func (p *Page) replace(w http.ResponseWriter, r *http.Request, old *visitor, short bool) error {
	p.mu.Lock()
	known := p.visitors[old.key] == old
	delete(p.visitors, old.key)
	p.mu.Unlock()
	if !known {
		return nil // another request of the browser was faster
	}
	old.change(func() { old.over = true })
	_ = old.end() // signed out, and in memory
	_, err := p.admit(w, r, short)
	return err
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

// rename gives a visitor another cookie: knowledge of the cookie from before the sign-in
// does not give access to the session (session fixation).
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

// keepHouse ends idle visits.
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

// takeIdle removes the idle visitors.
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
