package plug

import (
	"context"
	"errors"
	"time"
)

// Broker issues the AWS credentials of identity pools, for GetCredentialsForIdentity.
// The pool has verified the login and chosen the role before it calls Credentials. It
// reports an error other than [ErrRole], a panic, a call of more than 15 seconds, and
// credentials that are incomplete or expired as a temporary error. A Broker must be safe for
// concurrent use. Packages stsbroker and ownbroker have one each.
type Broker interface {
	Credentials(ctx context.Context, g Grant) (Credentials, error)
}

// ErrRole is the error of a [Broker] that refuses the role of a [Grant]: the role does
// not exist, does not trust the pool, or is refused to the identity. The caller gets
// InvalidIdentityPoolConfigurationException. The service reports any other error of a
// broker as a temporary one, ExternalServiceException.
var ErrRole = errors.New("plug: role refused")

// Grant describes the credentials that an identity pool asks a [Broker] for.
type Grant struct {
	PoolID     string // of the identity pool
	IdentityID string
	RoleARN    string
	// Authenticated is false for guests. Provider is the Logins key of the verified
	// login and Subject the user's id at the provider; both are empty for guests.
	Authenticated     bool
	Provider, Subject string
	// Tags are the principal tags that the pool maps from the claims of the login.
	Tags map[string]string
	// Life is the requested life of the credentials.
	Life time.Duration
	// OpenIDToken returns the OpenID token of the identity, for brokers that present
	// one to another service. Each call makes a signature.
	OpenIDToken func(ctx context.Context) (Secret, error)
}

// Credentials are temporary AWS credentials.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	Expiration      time.Time
}
