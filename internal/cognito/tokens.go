package cognito

import (
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// TokenPair is the decoded tokens of one session. Their signatures are not verified:
// they come from the pool itself, over TLS.
type TokenPair struct {
	Access *jwt.Unverified
	ID     *jwt.Unverified // nil if the service issued none
	Issued time.Time       // the access token's iat, by the service's clock
	Life   time.Duration   // from Issued to the first of the expiries
}

// errTokenTooLong is the cause of a token beyond wire.MaxToken.
var errTokenTooLong = fmt.Errorf("a token is longer than %d characters", wire.MaxToken)

// decode decodes one token.
func decode(raw string) (*jwt.Unverified, error) {
	if len(raw) > wire.MaxToken {
		return nil, errTokenTooLong
	}
	return jwt.Decode(raw)
}

// DecodePair decodes an access token and an ID token, which may be empty.
func DecodePair(access, id string) (TokenPair, error) {
	var p TokenPair
	var err error
	if p.Access, err = decode(access); err != nil {
		return p, err
	}
	expires := []time.Time{p.Access.Expiry()}
	if id != "" {
		if p.ID, err = decode(id); err != nil {
			return p, err
		}
		expires = append(expires, p.ID.Expiry())
	}
	p.Issued = p.Access.IssuedAt()
	var ok bool
	if p.Life, ok = expiry.Life(p.Issued, expires...); !ok {
		return p, errors.New("the iat and exp claims of the tokens contradict each other")
	}
	return p, nil
}
