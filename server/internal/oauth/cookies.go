package oauth

import (
	"net/http"
	"time"
)

// cookies names, sets and reads the cookies of pools.
type cookies struct {
	https bool // the public URL has this scheme
}

// name is the name of a pool's cookie; kind is "" for the session. Browsers accept the
// prefix __Host- only with Secure, which plain http, for development, does not have.
func (c cookies) name(r *http.Request, poolID, kind string) (name string, secure bool) {
	if c.https || r.TLS != nil {
		return "__Host-latchkey-" + poolID + kind, true
	}
	return "latchkey-" + poolID + kind, false
}

// set sets a cookie for the whole host; a negative life removes it.
func (c cookies) set(w http.ResponseWriter, r *http.Request, poolID, kind, value string, life time.Duration) {
	name, secure := c.name(r, poolID, kind)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// sent is the value of a request's cookie. Of two cookies with one name at least one was
// set by another site, so that neither counts.
func (c cookies) sent(r *http.Request, poolID, kind string) (value string, ok bool) {
	name, _ := c.name(r, poolID, kind)
	if found := r.CookiesNamed(name); len(found) == 1 {
		return found[0].Value, true
	}
	return "", false
}
