package identitypool

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// ErrRole means that a broker will not have the role of a [Grant]: the role does
// not exist there, does not trust the pool, or is refused to this identity. It
// answers InvalidIdentityPoolConfigurationException. Any other error of a broker
// is temporary and answers ExternalServiceException.
var ErrRole = errors.New("identitypool: role refused")

// Broker turns a decision of the identity pool into AWS credentials. The pool
// has verified the login and chosen the role before it asks. A Broker is safe
// for concurrent use and keeps to ctx; the sub-packages hold those there are.
type Broker interface {
	Credentials(ctx context.Context, g Grant) (Credentials, error)
}

// Grant is who gets credentials, and for which role.
type Grant struct {
	PoolID     string
	IdentityID string
	RoleARN    string
	// Authenticated is false for guests. Provider is the Logins key of the login
	// that was proven and Subject the user's id there; both are empty for guests.
	Authenticated     bool
	Provider, Subject string
	// Tags are the principal tags that the pool maps from the login's claims.
	Tags map[string]string
	// Life is how long the credentials are to last.
	Life time.Duration
	// OpenIDToken makes the identity's own OpenID token, for brokers that present
	// it to somebody else. It costs a signature.
	OpenIDToken func(ctx context.Context) (secret.String, error)
}

// Credentials are temporary AWS credentials.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.String
	SessionToken    secret.String
	Expiration      time.Time
}
