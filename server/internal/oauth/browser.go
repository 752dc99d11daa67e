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

// browserSessions begins, reads and ends the sessions of browsers.
type browserSessions struct {
	sealer
	cookies cookies
	users   Users
	now     func() time.Time
}

// begin starts a new session in the browser and ends the previous one.
func (s *browserSessions) begin(w http.ResponseWriter, r *http.Request, user User) error {
	if err := s.endSent(r, user.PoolID); err != nil {
		return err
	}
	value, err := s.seal(purposeBrowser, user.PoolID, browser{ID: random.UUID(), User: whoIs(user), Until: s.now().Add(browserLife)})
	if err == nil {
		s.cookies.set(w, r, user.PoolID, "", value, browserLife)
	}
	return err
}

// EndSession ends the session of the browser that sent a request, and removes its cookie.
// Copies of the cookie are invalid from then on.
func (s *browserSessions) EndSession(w http.ResponseWriter, r *http.Request, poolID string) error {
	err := s.endSent(r, poolID)
	if err == nil {
		s.cookies.set(w, r, poolID, "", "", -time.Second)
	}
	return err
}

// endSent ends the session whose cookie came with a request, if one did.
func (s *browserSessions) endSent(r *http.Request, poolID string) error {
	if b, ok := s.sent(r, poolID); ok {
		return s.users.EndBrowser(r.Context(), b.ID, b.Until)
	}
	return nil
}

// sent reads the session in the cookie of a request.
func (s *browserSessions) sent(r *http.Request, poolID string) (b browser, ok bool) {
	value, ok := s.cookies.sent(r, poolID, "")
	return b, ok && s.open(purposeBrowser, poolID, value, &b) && s.now().Before(b.Until)
}

// Session returns the user who is signed in in the browser that sent a request.
func (s *browserSessions) Session(r *http.Request, poolID string) (user User, signedIn bool, err error) {
	b, ok := s.sent(r, poolID)
	if !ok {
		return User{}, false, nil
	}
	user, good, err := s.users.StillGood(r.Context(), b.User.user(poolID), b.ID)
	if err != nil || !good {
		return User{}, false, err
	}
	return user, true, nil
}
