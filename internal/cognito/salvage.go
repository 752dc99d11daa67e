package cognito

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// salvage decides what is kept of an answer to a refresh that was refused with err. The
// call is not repeated unless the answer does not say whose it is: that counts as no
// answer.
func salvage(r store.Record, result *wire.AuthenticationResultType, err error) (Grant, error) {
	if result == nil {
		return Grant{}, err
	}
	session, known := signInOf(r.Tokens.Access.Reveal())
	if !known {
		session = signIn{subject: r.Sub}
	}
	identified := false
	for _, token := range []wire.Sensitive{result.AccessToken, result.IdToken} {
		answered, ok := signInOf(string(token))
		if !ok {
			continue
		}
		if !answered.same(session) {
			return Grant{}, otherUser()
		}
		identified = true
	}
	if !identified {
		return Grant{}, err
	}
	refused := *fault.Find(err)
	refused.Retryable = false
	return Grant{Refresh: store.NewSecret(string(result.RefreshToken))}, &refused
}

// signIn identifies the sign-in that a token comes from.
type signIn struct{ subject, origin string }

// same reports whether two tokens come from one sign-in. Tokens of pools without token
// revocation have no origin_jti.
func (s signIn) same(other signIn) bool {
	return s.subject == other.subject && (s.origin == other.origin || s.origin == "" || other.origin == "")
}

// signInOf reads the sign-in of a token, also of one that is refused for its size, its
// use or its times.
func signInOf(token string) (signIn, bool) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(token) > maxAnswer {
		return signIn{}, false
	}
	raw, err := strictbase64.DecodeURL(payload)
	if err != nil {
		return signIn{}, false
	}
	var claims struct {
		Subject string `json:"sub"`
		Origin  string `json:"origin_jti"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Subject == "" {
		return signIn{}, false
	}
	return signIn{claims.Subject, claims.Origin}, true
}

// IssuerOf is the iss claim of a record's tokens; empty without any that can be read.
func IssuerOf(r store.Record) string {
	if r.Tokens == nil {
		return ""
	}
	access, err := jwt.Decode(r.Tokens.Access.Reveal())
	if err != nil {
		return ""
	}
	return access.Issuer()
}
