package latchkey

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// ask calls the identity pool: GetId unless the identity is known, and
// GetCredentialsForIdentity. The identity of the second answer counts: a guest who
// signs in can turn out to have had one before.
func (v *vending) ask(ctx context.Context) (filled, error) {
	v.flight.called = true
	logins, err := v.logins(ctx)
	if err != nil {
		return filled{}, err
	}
	identity := v.record.IdentityID
	if f := v.record.Federation; f != nil && f.IdentityID != "" {
		identity = f.IdentityID
	}
	if identity == "" {
		identity = v.upgraded
	}
	if identity == "" {
		if identity, err = v.c.identify(ctx, logins); err != nil {
			return filled{}, err
		}
		v.record.IdentityID = identity // also when what follows fails; see partly
	}
	request := wire.GetCredentialsForIdentityRequest{IdentityId: identity, Logins: logins}
	var response wire.GetCredentialsForIdentityResponse
	when, err := v.c.vendor.call(ctx, opCredentials, &request, &response)
	if err != nil {
		return filled{}, err
	}
	return v.c.newFilled(response, identity, when)
}

// identify has the pool name the login's identity, or make a guest's.
func (c *Client) identify(ctx context.Context, logins wire.Parameters) (string, error) {
	var response wire.GetIdResponse
	_, err := c.vendor.call(ctx, opIdentity, &wire.GetIdRequest{IdentityPoolId: c.cfg.IdentityPoolID, Logins: logins}, &response)
	if err != nil {
		return "", err
	}
	if !plausibleIdentity(response.IdentityId) {
		return "", unusable(opIdentity, "the answer names no identity")
	}
	return response.IdentityId, nil
}

// maxIdentity is the longest identity id, by AWS's model: a region and a UUID.
const maxIdentity = 55

// plausibleIdentity accepts what can be an identity id. It is kept and shown, so
// that an answer of something else must not get that far.
func plausibleIdentity(id string) bool {
	region, rest, ok := strings.Cut(id, ":")
	return ok && region != "" && rest != "" && len(id) <= maxIdentity && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// unusable is a success that does not hold what was asked for.
func unusable(op, message string) *Error {
	v := verdict{class: classMalformed, retry: true}
	return &Error{Op: op, Kind: v.kind(""), Message: message, Hint: v.hint(), verdict: v}
}

// skewSlack is how far the pool's clock may be from ours before an expiration is
// translated: its Date header has whole seconds, and is made before the answer is
// on its way.
const skewSlack = 5 * time.Second

// newFilled checks what came back before anything is made of it.
func (c *Client) newFilled(response wire.GetCredentialsForIdentityResponse, asked string, when moment) (filled, error) {
	identity, issued := response.IdentityId, response.Credentials
	if identity == "" {
		identity = asked
	}
	switch {
	case !plausibleIdentity(identity):
		return filled{}, unusable(opCredentials, "the answer names no identity")
	case issued == nil || issued.AccessKeyId == "" || issued.SecretKey == "" || issued.Expiration.IsZero():
		return filled{}, unusable(opCredentials, "the answer holds no credentials")
	}
	received := when.at.Round(0)
	expiration := issued.Expiration.Time
	if skew := when.service.Sub(received); !when.service.IsZero() && (skew > skewSlack || skew < -skewSlack) {
		expiration = expiration.Add(-skew)
	}
	life := min(expiration.Sub(received), freshness.MaxLife)
	if life <= 0 {
		v := verdict{class: classClock}
		return filled{}, &Error{
			Op: opCredentials, Kind: ErrService, Message: "the credentials had expired when they came", Hint: v.hint(), verdict: v,
		}
	}
	window := freshness.New(when.at, life, life, c.cfg.RefreshAhead)
	return filled{identity: identity, window: &window, credentials: &Credentials{
		AccessKeyID: issued.AccessKeyId, SecretAccessKey: NewSecret(string(issued.SecretKey)),
		SessionToken: NewSecret(string(issued.SessionToken)), Expiration: expiration, ReceivedAt: received,
	}}, nil
}

// logins are what proves the login to the pool; a guest has none. The name of a
// user pool's login is its tokens' issuer without the scheme, which for AWS is
// cognito-idp.<region>.amazonaws.com/<pool>.
func (v *vending) logins(ctx context.Context) (wire.Parameters, error) {
	switch {
	case v.record.Federation != nil:
		return v.federatedLogins(ctx)
	case v.key.account.Username == "":
		return nil, nil
	}
	id, err := jwt.Decode(v.record.Tokens.ID.Reveal())
	if err != nil {
		return nil, &Error{Op: "FetchSession", Kind: ErrStore, Message: "the stored ID token cannot be read", Err: err}
	}
	issuer := id.Issuer()
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		issuer = rest
	}
	if issuer == "" {
		return nil, unusable("FetchSession", "the ID token names no issuer")
	}
	return wire.Parameters{issuer: id.Raw()}, nil
}

// guestAccount is whom the identity pool knows while nobody is signed in.
func (c *Client) guestAccount() store.Account { return store.Account{Scope: c.scope} }
