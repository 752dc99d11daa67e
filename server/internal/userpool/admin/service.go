package admin

import (
	"log/slog"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Config configures a [Service].
type Config struct {
	// Region is the first part of the ids of new pools; default us-east-1.
	Region string
	// CheckProviderURL reports whether an identity provider may be at an address;
	// nil admits all, which are then refused when they are used.
	CheckProviderURL func(address string) error
	// PoolURL returns the address of a pool's pages and OAuth endpoints, without a slash at
	// its end; nil leaves redirect URIs of identity providers without a host.
	PoolURL func(poolID string) string
	// LogoURL returns the address of the logo of a client's pages, or of all clients'
	// (wire.AllClients), which changes with the image; nil is none.
	LogoURL func(poolID, clientID string, image []byte) string
}

// Service administers pools: their settings, clients, domains, resource servers, identity
// providers and looks. It is safe for concurrent use.
type Service struct {
	pools    *pool.Pools
	sessions *pool.Sessions
	tokens   *tokens.Service

	store   storage.Store
	box     *seal.Box
	log     *slog.Logger
	lists   paging.Lists
	now     func() time.Time
	keys    *keys.Ring
	issuer  func(poolID string) string
	region  string
	admits  func(address string) error // see Config.CheckProviderURL
	poolURL func(poolID string) string
	logoURL func(poolID, clientID string, image []byte) string
	counts  userCounts
}

// New makes a Service.
func New(b *pool.Base, t *tokens.Service, c Config) *Service {
	s := &Service{
		pools: b.Pools, sessions: b.Sessions, tokens: t,
		store: b.Store, box: b.Box, log: b.Log, lists: b.Lists, now: b.Now,
		keys: b.Keys, issuer: b.Issuer, region: c.Region, admits: c.CheckProviderURL, poolURL: c.PoolURL, logoURL: c.LogoURL,
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	return s
}

// Operations are the operations that this room offers, by name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"CreateUserPool":       wire.Handle(s.CreateUserPool),
		"DescribeUserPool":     wire.Handle(s.DescribeUserPool),
		"ListUserPools":        wire.Handle(s.ListUserPools),
		"UpdateUserPool":       wire.Handle(s.UpdateUserPool),
		"DeleteUserPool":       wire.Handle(s.DeleteUserPool),
		"GetUserPoolMfaConfig": wire.Handle(s.GetUserPoolMfaConfig),
		"AddCustomAttributes":  wire.Handle(s.AddCustomAttributes),
		"TagResource":          wire.Handle(s.TagResource),
		"UntagResource":        wire.Handle(s.UntagResource),
		"ListTagsForResource":  wire.Handle(s.ListTagsForResource),

		"CreateUserPoolClient":   wire.Handle(s.CreateUserPoolClient),
		"DescribeUserPoolClient": wire.Handle(s.DescribeUserPoolClient),
		"ListUserPoolClients":    wire.Handle(s.ListUserPoolClients),
		"UpdateUserPoolClient":   wire.Handle(s.UpdateUserPoolClient),
		"DeleteUserPoolClient":   wire.Handle(s.DeleteUserPoolClient),

		"CreateUserPoolDomain":   wire.Handle(s.CreateUserPoolDomain),
		"DescribeUserPoolDomain": wire.Handle(s.DescribeUserPoolDomain),
		"UpdateUserPoolDomain":   wire.Handle(s.UpdateUserPoolDomain),
		"DeleteUserPoolDomain":   wire.Handle(s.DeleteUserPoolDomain),
		"SetUICustomization":     wire.Handle(s.SetUICustomization),
		"GetUICustomization":     wire.Handle(s.GetUICustomization),
		"CreateResourceServer":   wire.Handle(s.CreateResourceServer),
		"DescribeResourceServer": wire.Handle(s.DescribeResourceServer),
		"UpdateResourceServer":   wire.Handle(s.UpdateResourceServer),
		"DeleteResourceServer":   wire.Handle(s.DeleteResourceServer),
		"ListResourceServers":    wire.Handle(s.ListResourceServers),

		"CreateIdentityProvider":          wire.Handle(s.CreateIdentityProvider),
		"DescribeIdentityProvider":        wire.Handle(s.DescribeIdentityProvider),
		"UpdateIdentityProvider":          wire.Handle(s.UpdateIdentityProvider),
		"DeleteIdentityProvider":          wire.Handle(s.DeleteIdentityProvider),
		"ListIdentityProviders":           wire.Handle(s.ListIdentityProviders),
		"GetIdentityProviderByIdentifier": wire.Handle(s.GetIdentityProviderByIdentifier),
		"AdminLinkProviderForUser":        wire.Handle(s.AdminLinkProviderForUser),
		"AdminDisableProviderForUser":     wire.Handle(s.AdminDisableProviderForUser),
	}
}
