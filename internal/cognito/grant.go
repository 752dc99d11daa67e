package cognito

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Grant is the tokens of one answer, checked.
type Grant struct {
	Pair    TokenPair
	Refresh store.Secret // empty if the former refresh token stays
	Device  *store.Device
	When    Timing
}

// Audience is what tokens must be for.
type Audience struct {
	ClientID string
	// AcceptsIssuer reports whether an iss claim is the pool's.
	AcceptsIssuer func(issuer string) bool
}

// NewGrant checks an answer before it is used: the tokens must be readable, of this
// pool and client, of one user, and for their use.
func NewGrant(op string, result *wire.AuthenticationResultType, when Timing, to Audience) (Grant, error) {
	if result == nil {
		return Grant{}, Malformed(op, "the answer holds no tokens", nil)
	}
	pair, err := DecodePair(string(result.AccessToken), string(result.IdToken))
	if err != nil {
		return Grant{}, Malformed(op, "cannot read the answer's tokens", err)
	}
	if err := to.check(op, pair.Access, jwt.UseAccess, pair); err != nil {
		return Grant{}, err
	}
	if pair.ID != nil {
		if err := to.check(op, pair.ID, jwt.UseID, pair); err != nil {
			return Grant{}, err
		}
	}
	if pair.Access.Username() == "" {
		return Grant{}, Malformed(op, "the access token names no user", nil)
	}
	g := Grant{Pair: pair, Refresh: store.NewSecret(string(result.RefreshToken)), When: when}
	if d := result.NewDeviceMetadata; d != nil && d.DeviceKey != "" {
		g.Device = &store.Device{Key: d.DeviceKey, GroupKey: d.DeviceGroupKey}
	}
	return g, nil
}

// check refuses a token of another pool, client, user or use.
func (to Audience) check(op string, token *jwt.Unverified, use string, pair TokenPair) error {
	switch {
	case token.Use() != use:
		return Malformed(op, "a token of the answer is for another use", nil)
	case !to.AcceptsIssuer(token.Issuer()):
		return fault.OfClass(op, fault.WrongIssuer, "the tokens come from another issuer")
	case token.ClientID() != to.ClientID:
		return fault.OfClass(op, fault.WrongUser, "the tokens are for another app client")
	case token.Subject() == "" || token.Subject() != pair.Access.Subject():
		return fault.OfClass(op, fault.WrongUser, "the tokens are of different users")
	}
	return nil
}

// BelongsTo returns an error unless the grant is for the user of a record. The account of
// a session that Amplify JS began has USERNAME of the challenge, which may be the sub.
func (g Grant) BelongsTo(r store.Record) error {
	access, name := g.Pair.Access, r.Account.Username
	if access.Subject() == r.Sub && (name == access.Username() || name == r.Sub) {
		return nil
	}
	return otherUser()
}

// otherUser is the fault of a refresh whose answer is about another user.
func otherUser() *fault.Fault {
	f := fault.OfClass(OpRefresh, fault.WrongUser, "the service answered with the tokens of another user")
	f.Hint = "report this to the service's operator"
	return f
}

// maxRepeat bounds for how long a service repeats an answer. A Date header that is
// further from iat is taken for a proxy's mistake.
const maxRepeat = 10 * time.Minute

// ServiceTime is the service's clock at the middle of the call: the access token's
// iat, unless the service repeats an earlier answer, whose Date header is closer.
func (g Grant) ServiceTime() time.Time {
	issued := g.Pair.Issued
	if g.When.Service.After(issued) && g.When.Service.Before(issued.Add(maxRepeat)) {
		return g.When.Service
	}
	return issued
}

// Apply puts the grant into a copy of a record. Without rotation the record's refresh
// token stays.
func (g Grant) Apply(r store.Record) store.Record {
	tokens := store.Tokens{Access: store.NewSecret(g.Pair.Access.Raw()), Refresh: g.Refresh, ReceivedAt: g.When.At.Round(0)}
	if g.Refresh.IsZero() && r.Tokens != nil {
		tokens.Refresh = r.Tokens.Refresh
	}
	if g.Pair.ID != nil {
		tokens.ID = store.NewSecret(g.Pair.ID.Raw())
	}
	r.Sub, r.Issuer = g.Pair.Access.Subject(), g.Pair.Access.Issuer()
	r.Tokens = &tokens
	r.Drift = expiry.BoundDrift(g.ServiceTime().Sub(g.When.At.Round(0)))
	r.Ended = nil
	r.SavedAt = time.Now().Round(0)
	return r
}

// Window is that of tokens just received: they have the life that the service gave
// them, less their age at receipt, whatever the clocks say.
func (g Grant) Window(ahead time.Duration) *expiry.Window {
	age := g.ServiceTime().Sub(g.Pair.Issued)
	w := expiry.New(g.When.At, g.Pair.Life, g.Pair.Life-age, ahead)
	return &w
}

// SameSignIn reports whether an access token comes from the grant's sign-in. To
// revoke the grant's refresh token would then end that token's session too:
// RevokeToken goes by origin_jti.
func (g Grant) SameSignIn(access *jwt.Unverified) bool {
	return access != nil && access.OriginID() != "" && access.OriginID() == g.Pair.Access.OriginID()
}
