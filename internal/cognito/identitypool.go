package cognito

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// IdentityPool is one identity pool.
type IdentityPool struct {
	*Endpoint
	ID string
}

// Issued is what an identity pool issued for one identity.
type Issued struct {
	Identity    string
	Credentials store.Credentials
	// Received carries a monotonic reading, and Life is how long the credentials last
	// from then on.
	Received time.Time
	Life     time.Duration
}

// Identify returns the identity of a login; without logins it makes a guest's (GetId).
func (p *IdentityPool) Identify(ctx context.Context, logins map[string]string) (string, error) {
	var response wire.GetIdResponse
	_, err := p.Call(ctx, OpIdentity, &wire.GetIdRequest{IdentityPoolId: p.ID, Logins: logins}, &response)
	if err != nil {
		return "", err
	}
	if !PlausibleIdentity(response.IdentityId) {
		return "", Malformed(OpIdentity, "the answer names no identity", nil)
	}
	return response.IdentityId, nil
}

// Issue returns AWS credentials of an identity (GetCredentialsForIdentity). The
// identity of the answer counts: it may be another than the one asked for, since a
// guest who signs in may have had an identity before.
func (p *IdentityPool) Issue(ctx context.Context, identity string, logins map[string]string) (Issued, error) {
	var response wire.GetCredentialsForIdentityResponse
	when, err := p.Call(ctx, OpCredentials, &wire.GetCredentialsForIdentityRequest{IdentityId: identity, Logins: logins}, &response)
	if err != nil {
		return Issued{}, err
	}
	if response.IdentityId == "" {
		response.IdentityId = identity
	}
	return newIssued(response, when)
}

// maxIdentity is the longest identity id in AWS's model: a region and a UUID.
const maxIdentity = 55

// PlausibleIdentity reports whether a text has the form of an identity id.
func PlausibleIdentity(id string) bool {
	region, rest, ok := strings.Cut(id, ":")
	return ok && region != "" && rest != "" && len(id) <= maxIdentity && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// skewSlack is how far the pool's clock may be from this machine's before an
// expiration is translated: the Date header has whole seconds, and is made before
// the answer is sent.
const skewSlack = 5 * time.Second

// newIssued checks an answer before it is used.
func newIssued(response wire.GetCredentialsForIdentityResponse, when Timing) (Issued, error) {
	c := response.Credentials
	switch {
	case !PlausibleIdentity(response.IdentityId):
		return Issued{}, Malformed(OpCredentials, "the answer names no identity", nil)
	case c == nil || c.AccessKeyId == "" || c.SecretKey == "" || c.Expiration.IsZero():
		return Issued{}, Malformed(OpCredentials, "the answer holds no credentials", nil)
	}
	received := when.At.Round(0)
	expiration := c.Expiration.Time
	if skew := when.Service.Sub(received); !when.Service.IsZero() && (skew > skewSlack || skew < -skewSlack) {
		expiration = expiration.Add(-skew)
	}
	life := min(expiration.Sub(received), expiry.MaxLife)
	if life <= 0 {
		return Issued{}, fault.OfClass(OpCredentials, fault.ClockOff, "the credentials had expired when they came")
	}
	return Issued{
		Identity: response.IdentityId, Received: when.At, Life: life,
		Credentials: store.Credentials{
			AccessKeyID: c.AccessKeyId, SecretAccessKey: store.NewSecret(string(c.SecretKey)),
			SessionToken: store.NewSecret(string(c.SessionToken)), Expiration: expiration, ReceivedAt: received,
		},
	}, nil
}
