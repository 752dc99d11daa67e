package identitypool

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UserPools are the user pools of this service, whose ID tokens are logins.
type UserPools interface {
	// Issuer is the iss claim of a pool's tokens.
	Issuer(poolID string) string
	// KnownIssuer reports whether a pool's tokens have an issuer, or had it before the
	// service's public URL changed. The scheme of the issuer may be left out.
	KnownIssuer(ctx context.Context, poolID, issuer string) (bool, error)
	// VerifyID verifies an ID token of a pool, for any of its app clients. Its errors
	// are those of jwt.Verifier.
	VerifyID(ctx context.Context, poolID, token string) (*jwt.IDToken, error)
	// Active reports whether the session of a verified ID token is still valid: its
	// user exists, is enabled and not signed out.
	Active(ctx context.Context, token *jwt.IDToken) (bool, error)
}

// Config is what a [Service] works with. Storage, Box, Keys, Issuer and UserPools
// are required.
type Config struct {
	Storage storage.Store
	// Box seals the places of lists.
	Box  *seal.Box
	Keys *keys.Ring
	// Issuer gives the iss claim of the OpenID tokens of a pool's identities,
	// without a trailing slash.
	Issuer    func(poolID string) string
	UserPools UserPools
	// Providers are the other OpenID providers.
	Providers plug.Providers
	// Broker makes credentials; without one GetCredentialsForIdentity is refused.
	Broker plug.Broker
	// CredentialLife is the requested lifetime of credentials; default 1 h, as in
	// Cognito's enhanced flow.
	CredentialLife time.Duration
	// GuestLife is how long a guest's identity is kept without being used; 0 keeps
	// guests for good.
	GuestLife time.Duration
	// Region is the first part of new ids; default us-east-1.
	Region string
	Logger *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Service answers the identity pool operations. It is safe for concurrent use.
type Service struct {
	guests *guests
	groups []operationGroup
}

// operationGroup is a part that answers some of the operations.
type operationGroup interface {
	// operations returns the handlers by operation name.
	operations() map[string]wire.Handler
}

// New makes a Service.
func New(c Config) *Service {
	c = c.withDefaults()
	clock := clock(c.Now)
	pools := &pools{store: c.Storage, clock: clock}
	providers := &providers{userPools: c.UserPools, audiences: c.Providers.Audiences}
	logins := &loginVerifier{
		providers: providers, userPools: c.UserPools, clock: clock, log: c.Logger,
		remotes: openid.NewRemotes(openid.ReachOf(c.Providers), c.Logger, c.Now),
	}
	linker := &linker{store: c.Storage, clock: clock}
	guests := &guests{store: c.Storage, clock: clock, life: c.GuestLife}
	tokens := &identityTokens{keys: c.Keys, issuer: c.Issuer, clock: clock, log: c.Logger}
	lists := paging.Lists{Box: c.Box, Purpose: "identitypool/paging"}
	admission := &admission{store: c.Storage, pools: pools, logins: logins, linker: linker, guests: guests, tokens: tokens}
	return &Service{guests: guests, groups: []operationGroup{
		&clientOperations{
			admission: admission, roles: roles{providers}, tags: principalTags{c.Logger}, tokens: tokens, broker: c.Broker, life: c.CredentialLife, log: c.Logger,
		},
		&poolOperations{store: c.Storage, pools: pools, providers: providers, keys: c.Keys, lists: lists, region: c.Region, clock: clock},
		&roleOperations{pools},
		&tagMapOperations{pools, providers},
		&tagOperations{pools},
		&identityOperations{store: c.Storage, pools: pools, lists: lists, log: c.Logger},
		&developerOperations{store: c.Storage, pools: pools, logins: logins, linker: linker, tokens: tokens, lists: lists},
		&developerLinkOperations{store: c.Storage, pools: pools, linker: linker, clock: clock},
	}}
}

func (c Config) withDefaults() Config {
	if c.CredentialLife <= 0 {
		c.CredentialLife = time.Hour
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Operations returns the handlers of the service's operations by operation name.
func (s *Service) Operations() map[string]wire.Handler {
	table := map[string]wire.Handler{}
	for _, group := range s.groups {
		maps.Copy(table, group.operations())
	}
	return table
}

// PruneGuests removes at most limit guests that were not used for GuestLife, and
// returns how many. It begins GuestLife after uses began to be written, so that
// switching pruning on removes no guest who is in use.
func (s *Service) PruneGuests(tx storage.Tx, limit int) (int, error) {
	return s.guests.prune(tx, limit)
}

// clock is the time in storage's precision, so that what is answered is what is stored.
type clock func() time.Time

func (c clock) now() time.Time { return c().UTC().Truncate(time.Microsecond) }

// after is now, or a microsecond after previous if now is not later: each change of an
// entity has a later time than the one before.
func (c clock) after(previous time.Time) time.Time {
	if now := c.now(); now.After(previous) {
		return now
	}
	return previous.Add(time.Microsecond)
}

// notFound replaces storage's ErrNotFound by Cognito's answer.
func notFound(err error, answer *wire.Exception) error {
	if errors.Is(err, storage.ErrNotFound) {
		return answer
	}
	return err
}

// invalid is an InvalidParameterException.
func invalid(format string, args ...any) *wire.Exception {
	return wire.Exceptionf(wire.InvalidParameterException, format, args...)
}

// refused is a NotAuthorizedException.
func refused(message string) *wire.Exception {
	return wire.NewException(wire.NotAuthorizedException, message)
}

func isTrue(b *bool) bool { return b != nil && *b }
