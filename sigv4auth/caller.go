package sigv4auth

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
)

// Caller is who signed a request, as the identity pool knew it when it made the
// credentials.
type Caller struct {
	PoolID     string // the identity pool, "us-east-1:…"
	IdentityID string // stays the same for a user; key your data on it
	RoleARN    string // the role that the pool chose

	// Authenticated is false for guests. Provider is the Logins key of the login
	// that was proven, such as "cognito-idp.us-east-1.amazonaws.com/us-east-1_aB3dEfGhI",
	// and Subject the user's id there; both are empty for guests.
	Authenticated     bool
	Provider, Subject string

	// Tags are the principal tags that the pool made of the login's claims.
	Tags map[string]string

	AccessKeyID     string
	Region, Service string    // what the request was signed for
	SignedAt        time.Time // when, by the caller's clock
	Presigned       bool      // by a URL that others may have been given
	Expires         time.Time // end of the credentials
}

func newCaller(s *sigv4.Signature, c tempkey.Claims) Caller {
	return Caller{
		PoolID: c.PoolID, IdentityID: c.IdentityID, RoleARN: c.RoleARN,
		Authenticated: c.Authenticated, Provider: c.Provider, Subject: c.Subject, Tags: c.Tags,
		AccessKeyID: s.AccessKeyID, Region: s.Region, Service: s.Service,
		SignedAt: s.SignedAt, Presigned: s.Presigned, Expires: c.Expires,
	}
}

type contextKey struct{}

// FromContext answers who signed the request that [Auth.Require] let through.
func FromContext(ctx context.Context) (Caller, bool) {
	caller, ok := ctx.Value(contextKey{}).(Caller)
	return caller, ok
}
