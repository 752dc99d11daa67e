package identitypool

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
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
	// VerifyID verifies an ID token of a pool, of whichever app client. Its errors
	// are those of jwt.Verifier.
	VerifyID(ctx context.Context, poolID, token string) (*jwt.IDToken, error)
	// Active reports whether the session that a verified ID token belongs to goes
	// on: its user is there, enabled and not signed out.
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
	// CredentialLife is how long credentials are asked to last; default 1 h, as
	// Cognito's in the enhanced flow.
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
	store     storage.Store
	keys      *keys.Ring
	issuer    func(poolID string) string
	userPools UserPools
	broker    plug.Broker
	life      time.Duration
	guestLife time.Duration
	region    string
	log       *slog.Logger
	clock     func() time.Time
	settings  settings.Cache[PoolSettings]
	lists     paging.Lists
	remotes   *openid.Remotes
	audiences map[string][]string // see Providers
	own       sync.Map            // pool id → *jwt.Verifier of the identities' own tokens
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{
		store: c.Storage, keys: c.Keys, issuer: c.Issuer, userPools: c.UserPools, broker: c.Broker, audiences: c.Providers.Audiences,
		life: c.CredentialLife, guestLife: c.GuestLife, region: c.Region, log: c.Logger, clock: c.Now,
		lists: paging.Lists{Box: c.Box, Purpose: "identitypool/paging"},
	}
	if s.life <= 0 {
		s.life = time.Hour
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.remotes = openid.NewRemotes(openid.ReachOf(c.Providers), s.log, s.clock)
	return s
}

// Operations is the table of what the service answers, by operation name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"GetId":                     wire.Handle(s.GetId),
		"GetCredentialsForIdentity": wire.Handle(s.GetCredentialsForIdentity),
		"GetOpenIdToken":            wire.Handle(s.GetOpenIdToken),

		"CreateIdentityPool":   wire.Handle(s.CreateIdentityPool),
		"DescribeIdentityPool": wire.Handle(s.DescribeIdentityPool),
		"UpdateIdentityPool":   wire.Handle(s.UpdateIdentityPool),
		"DeleteIdentityPool":   wire.Handle(s.DeleteIdentityPool),
		"ListIdentityPools":    wire.Handle(s.ListIdentityPools),
		"SetIdentityPoolRoles": wire.Handle(s.SetIdentityPoolRoles),
		"GetIdentityPoolRoles": wire.Handle(s.GetIdentityPoolRoles),

		"DescribeIdentity": wire.Handle(s.DescribeIdentity),
		"ListIdentities":   wire.Handle(s.ListIdentities),
		"DeleteIdentities": wire.Handle(s.DeleteIdentities),
		"UnlinkIdentity":   wire.Handle(s.UnlinkIdentity),

		"GetOpenIdTokenForDeveloperIdentity": wire.Handle(s.GetOpenIdTokenForDeveloperIdentity),
		"LookupDeveloperIdentity":            wire.Handle(s.LookupDeveloperIdentity),
		"MergeDeveloperIdentities":           wire.Handle(s.MergeDeveloperIdentities),
		"UnlinkDeveloperIdentity":            wire.Handle(s.UnlinkDeveloperIdentity),

		"TagResource":                 wire.Handle(s.TagResource),
		"UntagResource":               wire.Handle(s.UntagResource),
		"ListTagsForResource":         wire.Handle(s.ListTagsForResource),
		"SetPrincipalTagAttributeMap": wire.Handle(s.SetPrincipalTagAttributeMap),
		"GetPrincipalTagAttributeMap": wire.Handle(s.GetPrincipalTagAttributeMap),
	}
}

// now is the clock in storage's precision, so that what is answered is what is kept.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// after is now, or a moment after previous when that is not past: each change of an
// entity has a later time than the one before.
func (s *Service) after(previous time.Time) time.Time {
	if now := s.now(); now.After(previous) {
		return now
	}
	return previous.Add(time.Microsecond)
}

// notFound puts the answer that Cognito gives in the place of storage's ErrNotFound.
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
