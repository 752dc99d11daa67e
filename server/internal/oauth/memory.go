package oauth

import (
	"errors"
	"net/http"
	"time"
)

// Bounds of what a page keeps in the browser for the next one.
const (
	memoryLife = 10 * time.Minute
	maxMemory  = 3800 // bytes of the cookie's value; browsers keep 4,096 with its name
)

// memory is what the cookie of the pages' memory holds.
type memory struct {
	Text  []byte
	Until time.Time
}

func (p *Provider) memoryCookie(r *http.Request, poolID string) (name string, secure bool) {
	name, secure = p.cookie(r, poolID)
	return name + "-step", secure
}

// Keep keeps a text in the browser for the sign-in pages, sealed, for ten minutes.
func (p *Provider) Keep(w http.ResponseWriter, r *http.Request, poolID string, text []byte) error {
	value, err := p.seal(purposeMemory, poolID, memory{Text: text, Until: p.Now().Add(memoryLife)})
	if err != nil {
		return err
	}
	if len(value) > maxMemory {
		return errors.New("oauth: a page's note is too long for a cookie")
	}
	name, secure := p.memoryCookie(r, poolID)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(memoryLife / time.Second), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// Kept is the text that Keep left in the browser; nil for none. Two cookies of one name are
// none: one of them is another site's.
func (p *Provider) Kept(r *http.Request, poolID string) []byte {
	name, _ := p.memoryCookie(r, poolID)
	cookies := r.CookiesNamed(name)
	var m memory
	if len(cookies) != 1 || !p.open(purposeMemory, poolID, cookies[0].Value, &m) || !p.Now().Before(m.Until) {
		return nil
	}
	return m.Text
}
