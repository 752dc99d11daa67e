package oauth

import (
	"net/http"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
)

// browser is what the cookie of a browser session holds.
type browser struct {
	ID    string // new at each sign-in
	User  who
	Until time.Time
}

// cookie gives the name of a pool's cookie. Browsers take __Host- only with
// Secure, which plain http cannot have; that is for development on this machine.
func (p *Provider) cookie(r *http.Request, poolID string) (name string, secure bool) {
	if p.secure || r.TLS != nil {
		return "__Host-latchkey-" + poolID, true
	}
	return "latchkey-" + poolID, false
}

// begin gives the browser a new session. The one before is over.
func (p *Provider) begin(w http.ResponseWriter, r *http.Request, user User) error {
	if err := p.endSent(r, user.PoolID); err != nil {
		return err
	}
	value, err := p.seal(purposeBrowser, user.PoolID, browser{ID: random.UUID(), User: whoIs(user), Until: p.Now().Add(browserLife)})
	if err == nil {
		p.setCookie(w, r, user.PoolID, value, int(browserLife/time.Second))
	}
	return err
}

func (p *Provider) setCookie(w http.ResponseWriter, r *http.Request, poolID, value string, age int) {
	name, secure := p.cookie(r, poolID)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// end ends the session of the browser that sent a request, and takes its cookie
// away. A copy of the cookie is worth nothing from then on.
func (p *Provider) end(w http.ResponseWriter, r *http.Request, poolID string) error {
	err := p.endSent(r, poolID)
	if err == nil {
		p.setCookie(w, r, poolID, "", -1)
	}
	return err
}

// endSent ends the session whose cookie came with a request, if one did.
func (p *Provider) endSent(r *http.Request, poolID string) error {
	if b, ok := p.sent(r, poolID); ok {
		return p.Users.EndBrowser(r.Context(), b.ID, b.Until)
	}
	return nil
}

// sent reads the cookie of a request. Two cookies of one name are none: one of them
// was put there by somebody else.
func (p *Provider) sent(r *http.Request, poolID string) (b browser, ok bool) {
	name, _ := p.cookie(r, poolID)
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return b, false
	}
	return b, p.open(purposeBrowser, poolID, cookies[0].Value, &b) && p.Now().Before(b.Until)
}

// Session gives the user who is signed in in the browser that sent a request.
func (p *Provider) Session(r *http.Request, poolID string) (user User, signedIn bool, err error) {
	b, ok := p.sent(r, poolID)
	if !ok {
		return User{}, false, nil
	}
	user, good, err := p.Users.StillGood(r.Context(), b.User.user(poolID), b.ID)
	if err != nil || !good {
		return User{}, false, err
	}
	return user, true, nil
}
