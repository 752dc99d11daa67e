package latchkey

import (
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// decodePair takes the two tokens apart; id may be empty.
func decodePair(access, id string) (tokenPair, error) {
	var p tokenPair
	var err error
	if p.access, err = jwt.Decode(access); err != nil {
		return p, err
	}
	expires := []time.Time{p.access.Expiry()}
	if id != "" {
		if p.id, err = jwt.Decode(id); err != nil {
			return p, err
		}
		expires = append(expires, p.id.Expiry())
	}
	p.issued = p.access.IssuedAt()
	var ok bool
	if p.life, ok = freshness.Life(p.issued, expires...); !ok {
		return p, errors.New("the tokens' iat and exp claims make no sense")
	}
	return p, nil
}

// grant is what the service issued, checked.
type grant struct {
	pair    tokenPair
	refresh string // empty when the old refresh token stays
	device  *wire.NewDeviceMetadataType
	when    moment
}

// newGrant checks what came back before anything is made of it: the tokens must
// be readable, of this pool and client, of one user, and meant for their use.
// Signatures are not checked: the tokens come from the pool itself.
func (c *Client) newGrant(op string, result *wire.AuthenticationResultType, when moment) (grant, error) {
	refuse := func(class class, message string, cause error) (grant, error) {
		v := verdict{class: class, retry: class == classMalformed}
		return grant{}, &Error{Op: op, Kind: v.kind(""), Message: message, Hint: v.hint(), Err: cause, verdict: v}
	}
	if result == nil {
		return refuse(classMalformed, "the answer holds no tokens", nil)
	}
	pair, err := decodePair(string(result.AccessToken), string(result.IdToken))
	if err != nil {
		return refuse(classMalformed, "the answer's tokens cannot be read", err)
	}
	tokens := []*jwt.Unverified{pair.access}
	if pair.id != nil {
		tokens = append(tokens, pair.id)
	}
	for i, token := range tokens {
		switch {
		case token.Use() != []string{jwt.UseAccess, jwt.UseID}[i]:
			return refuse(classMalformed, "the answer's tokens are not for their use", nil)
		case !c.cfg.acceptsIssuer(token.Issuer()):
			return refuse(classWrongIssuer, "the tokens come from another issuer", nil)
		case token.ClientID() != c.cfg.ClientID:
			return refuse(classWrongUser, "the tokens are for another app client", nil)
		case token.Subject() == "" || token.Subject() != pair.access.Subject():
			return refuse(classWrongUser, "the tokens are of different users", nil)
		}
	}
	if pair.access.Username() == "" {
		return refuse(classMalformed, "the access token names no user", nil)
	}
	return grant{pair: pair, refresh: string(result.RefreshToken), device: result.NewDeviceMetadata, when: when}, nil
}

// belongsTo checks that a refresh brought the tokens of the session's user. The
// account of a session that Amplify JS began carries USERNAME of the challenge,
// which may be the sub.
func (g grant) belongsTo(r store.Record) error {
	access, name := g.pair.access, r.Account.Username
	if access.Subject() == r.Sub && (name == access.Username() || name == r.Sub) {
		return nil
	}
	v := verdict{class: classWrongUser}
	return &Error{
		Op: opRefresh, Kind: ErrWrongAccount, Message: "the service answered with the tokens of another user",
		Hint: "report this to the service's operator", verdict: v,
	}
}

// service is the service's clock at the middle of the call. iat tells it, unless
// the tokens were made earlier, as when a service repeats an answer; then the
// Date header is closer.
func (g grant) service() time.Time {
	issued := g.pair.access.IssuedAt()
	if g.when.service.After(issued) && g.when.service.Before(issued.Add(maxRepeat)) {
		return g.when.service
	}
	return issued
}

// maxRepeat bounds for how long a service repeats an answer. A Date header that
// is further from iat is taken for a proxy's mistake.
const maxRepeat = 10 * time.Minute

// record puts the grant into a copy of a record.
func (g grant) record(r store.Record) store.Record {
	kept := store.Tokens{Access: NewSecret(g.pair.access.Raw()), ReceivedAt: g.when.at.Round(0)}
	switch {
	case g.refresh != "":
		kept.Refresh = NewSecret(g.refresh)
	case r.Tokens != nil:
		kept.Refresh = r.Tokens.Refresh // without rotation the old one stays
	}
	if g.pair.id != nil {
		kept.ID = NewSecret(g.pair.id.Raw())
	}
	r.Sub = g.pair.access.Subject()
	r.Tokens = &kept
	r.Drift = boundDrift(g.service().Sub(g.when.at.Round(0)))
	r.Ended = nil
	r.SavedAt = time.Now().Round(0)
	return r
}

// window is that of tokens just received: whatever the clocks say, they have the
// life that the service gave them, less what passed before they came.
func (g grant) window(ahead time.Duration) *freshness.Window {
	age := g.service().Sub(g.pair.access.IssuedAt())
	w := freshness.New(g.when.at, g.pair.life, g.pair.life-age, ahead)
	return &w
}
