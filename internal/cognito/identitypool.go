package cognito

import (
	"context"
	"strings"
	"time"

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
//
// clock is what the caller knows of the service's clock: the life of the credentials is
// their Expiration minus the service's present time.
func (p *IdentityPool) Issue(ctx context.Context, identity string, logins map[string]string, clock Clock) (Issued, error) {
	var response wire.GetCredentialsForIdentityResponse
	when, err := p.Call(ctx, OpCredentials, &wire.GetCredentialsForIdentityRequest{IdentityId: identity, Logins: logins}, &response)
	if err != nil && len(logins) == 0 {
		return Issued{}, ofGuest(err)
	}
	if err != nil {
		return Issued{}, err
	}
	if response.IdentityId == "" {
		response.IdentityId = identity
	}
	return newIssued(response, when, clock)
}

// ofGuest makes a guest's error of a pool without a role for guests: a user who signs in
// has another role. The error stays one of configuration too.
func ofGuest(err error) error {
	f, ok := err.(*fault.Fault)
	if !ok || f.Code != wire.InvalidIdentityPoolConfigurationException || f.Message != wire.MessageIdentityPoolRoles {
		return err
	}
	guest := *f
	guest.Class, guest.Kind, guest.Hint, guest.Err = fault.NoGuests, fault.GuestsDisabled, "sign in, or give the identity pool a role for guests", f
	return &guest
}

// maxIdentity is the longest identity id in AWS's model: a region and a UUID.
const maxIdentity = 55

// PlausibleIdentity reports whether a text has the form of an identity id.
func PlausibleIdentity(id string) bool {
	region, rest, ok := strings.Cut(id, ":")
	return ok && region != "" && rest != "" && len(id) <= maxIdentity && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// newIssued checks an answer before it is used.
func newIssued(response wire.GetCredentialsForIdentityResponse, when Timing, clock Clock) (Issued, error) {
	c := response.Credentials
	switch {
	case !PlausibleIdentity(response.IdentityId):
		return Issued{}, Malformed(OpCredentials, "the answer names no identity", nil)
	case c == nil || c.AccessKeyId == "" || c.SecretKey == "" || c.Expiration.IsZero():
		return Issued{}, Malformed(OpCredentials, "the answer holds no credentials", nil)
	}
	received := when.At.Round(0)
	life := clock.life(c.Expiration.Time, when)
	return Issued{
		Identity: response.IdentityId, Received: when.At, Life: life,
		Credentials: store.Credentials{
			AccessKeyID: c.AccessKeyId, SecretAccessKey: store.NewSecret(string(c.SecretKey)),
			SessionToken: store.NewSecret(string(c.SessionToken)), Expiration: received.Add(life), ReceivedAt: received,
		},
	}, nil
}
