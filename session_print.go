package latchkey

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
)

// String says who is signed in and until when the tokens last.
func (s *Session) String() string {
	if s == nil {
		return "no session"
	}
	tokens, err := s.Tokens()
	switch {
	case s.Provider() != "":
		id, _ := s.IdentityID()
		return fmt.Sprintf("identity %s of %s", id, s.Provider())
	case !s.SignedIn():
		return fmt.Sprintf("not signed in (%v)", err)
	case err != nil:
		return fmt.Sprintf("%s (%v)", s.Username(), err)
	}
	return fmt.Sprintf("%s until %s", s.Username(), tokens.Expiry.UTC().Format(time.RFC3339))
}

// LogValue is String for log/slog.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// sessionJSON is the JSON of a session. It holds no token and no key.
type sessionJSON struct {
	SignedIn    bool       `json:"signed_in"`
	Username    string     `json:"username,omitzero"`
	UserID      string     `json:"user_id,omitzero"`
	Provider    string     `json:"provider,omitzero"`
	IdentityID  string     `json:"identity_id,omitzero"`
	Tokens      *facetJSON `json:"tokens,omitzero"`
	Credentials *facetJSON `json:"aws_credentials,omitzero"`
}

// facetJSON is until when a facet lasts, or its error.
type facetJSON struct {
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Refreshable bool      `json:"refreshable,omitzero"`
	Error       string    `json:"error,omitzero"`
}

// MarshalJSON writes who is signed in, the identity id, until when tokens and AWS
// credentials last, and the errors of these two. It never writes a token or a key, so the
// result cannot be read back. The members are signed_in, username, user_id, provider,
// identity_id, and the objects tokens and aws_credentials with expires_at (RFC 3339, this
// machine's clock), refreshable and error. aws_credentials is absent without an identity
// pool. A nil Session is null.
func (s *Session) MarshalJSON() ([]byte, error) {
	if s == nil {
		return []byte("null"), nil
	}
	text := sessionJSON{SignedIn: s.SignedIn(), Username: s.Username(), Provider: s.Provider()}
	text.UserID, _ = s.UserSub()
	text.IdentityID, _ = s.IdentityID()
	tokens, err := s.Tokens()
	text.Tokens = facetOf(tokens.Expiry, err)
	text.Tokens.Refreshable = tokens.Refreshable
	if credentials, err := s.Credentials(); !errors.Is(err, ErrNoIdentityPool) {
		text.Credentials = facetOf(credentials.Expiration, err)
	}
	return json.Marshal(text)
}

// facetOf is a facet that lasts until expiry, or failed.
func facetOf(expiry time.Time, err error) *facetJSON {
	if err != nil {
		return &facetJSON{Error: err.Error()}
	}
	return &facetJSON{ExpiresAt: expiry.UTC().Round(0)}
}
