package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// code is what an authorization code holds, under one lid with the pool's id.
type code struct {
	Session   string // the session that it becomes
	Client    string
	Redirect  string
	Challenge string `json:",omitzero"`
	Scope     string
	Nonce     string `json:",omitzero"`
	User      who
	Until     time.Time
}

// who is a User in a sealed message.
type who struct {
	Sub, Username string
	Provider      string `json:",omitzero"`
	Subject       string `json:",omitzero"`
	Auth          time.Time
	SignOuts      int64 `json:",omitzero"`
	Password      int64 `json:",omitzero"`
}

func whoIs(u User) who {
	return who{Sub: u.Sub, Username: u.Username, Provider: u.Provider, Subject: u.Subject, Auth: u.AuthTime, SignOuts: u.SignOuts, Password: u.PasswordEpoch}
}

func (w who) user(poolID string) User {
	return User{PoolID: poolID, Sub: w.Sub, Username: w.Username, Provider: w.Provider, Subject: w.Subject, AuthTime: w.Auth, SignOuts: w.SignOuts, PasswordEpoch: w.Password}
}

// codes seals and opens authorization codes.
type codes struct {
	sealer
	now func() time.Time
}

// of makes the code of a grant.
func (cs codes) of(q *Request, user User, g Grant) (string, error) {
	return cs.seal(purposeCode, user.PoolID, code{
		Session: g.SessionID, Client: q.Client.ID, Redirect: q.RedirectURI, Challenge: q.Challenge,
		Scope: g.Scope, Nonce: g.Nonce, User: whoIs(user), Until: g.Until,
	})
}

// read opens a code of the pool that has not expired.
func (cs codes) read(poolID, text string) (c code, ok bool) {
	return c, cs.open(purposeCode, poolID, text, &c) && cs.now().Before(c.Until)
}

// isVerifier reports whether a text can be a code verifier (RFC 7636, section 4.1).
func isVerifier(text string) bool {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	return 43 <= len(text) && len(text) <= 128 && strings.Trim(text, digits) == ""
}

// proves reports whether a verifier belongs to the code's challenge. A verifier
// without a challenge is refused too: the challenge may have been taken out on
// the way (RFC 9700, section 2.1.1, downgrade).
func (c *code) proves(verifier string) bool {
	if c.Challenge == "" || verifier == "" {
		return c.Challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	hash := base64.RawURLEncoding.EncodeToString(sum[:])
	return isVerifier(verifier) && subtle.ConstantTimeCompare([]byte(hash), []byte(c.Challenge)) == 1
}
