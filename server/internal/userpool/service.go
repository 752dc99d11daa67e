package userpool

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Config is what a [Service] works with. Storage, Box, Keys and Issuer are required.
type Config struct {
	Storage storage.Store
	// Box seals verifiers and challenges, and derives refresh tokens.
	Box  *seal.Box
	Keys *keys.Ring
	// Issuer gives the iss claim of a pool, without a trailing slash.
	Issuer func(poolID string) string
	// Region is the first part of the ids of new pools; default us-east-1.
	Region string
	// Lockout is the schedule of password lockout; the zero value is Cognito's.
	Lockout limits.Lockout
	// Gate bounds the password arithmetic that runs at once; nil is no bound.
	Gate *limits.Gate
	// Messenger delivers codes and temporary passwords to users. Without one,
	// operations that have to send something fail with
	// CodeDeliveryFailureException.
	Messenger plug.Messenger
	// MessagesPerSource is how many messages the calls of one network address may
	// cause in an hour (see [WithSource]); default 300, negative is no bound.
	MessagesPerSource int
	// CheckProviderURL reports whether an identity provider may be at an address;
	// nil admits all, which are then refused when they are used.
	CheckProviderURL func(address string) error
	// LostAnswers is how long a rotated refresh token stays good while its
	// successor has not been used, where that is longer than the client's
	// RetryGracePeriodSeconds; at most a day. 0 leaves it at Cognito's rule.
	LostAnswers time.Duration
	// PoolURL gives the address of a pool's pages and OAuth endpoints, without a slash at
	// its end; nil leaves redirect URIs of identity providers without a host.
	PoolURL func(poolID string) string
	// SessionsPerUser is how many live sessions a user may have: a sign-in beyond
	// them ends the session that was refreshed least recently. 0 is
	// DefaultSessionsPerUser.
	SessionsPerUser int
	// LogoURL gives the address of the logo of a client's pages, or of all clients'
	// (wire.AllClients), which changes with the image; nil is none.
	LogoURL func(poolID, clientID string, image []byte) string
	Logger  *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// longestLost bounds Config.LostAnswers.
const longestLost = 24 * time.Hour

// verifierSize is the length of an SRP verifier in the 3072-bit group.
const verifierSize = 384

// Service answers the user pool operations. It is safe for concurrent use.
type Service struct {
	store     storage.Store
	box       *seal.Box
	keys      *keys.Ring
	issuer    func(poolID string) string
	region    string
	lockout   limits.Lockout
	gate      *limits.Gate
	messenger plug.Messenger
	// perSource bounds the messages of one source; without events it does not.
	perSource limits.Quota
	admits    func(address string) error // see Config.CheckProviderURL
	lost      time.Duration              // see Config.LostAnswers
	logoURL   func(poolID, clientID string, image []byte) string
	poolURL   func(poolID string) string // see Config.PoolURL
	log       *slog.Logger
	clock     func() time.Time

	sessionsPerUser int
	counts          userCounts

	lists paging.Lists

	decoy []byte // a sealed verifier of nobody's

	pools     settingsCache[PoolSettings]
	clients   settingsCache[ClientSettings]
	verifiers sync.Map // pool id → *jwt.Verifier
	former    sync.Map // pool id and issuer from before → *jwt.Verifier
}

// New makes a Service.
func New(c Config) *Service {
	s := &Service{
		store: c.Storage, box: c.Box, keys: c.Keys, issuer: c.Issuer, region: c.Region,
		lockout: c.Lockout, gate: c.Gate, messenger: c.Messenger, admits: c.CheckProviderURL, lost: min(c.LostAnswers, longestLost), logoURL: c.LogoURL, poolURL: c.PoolURL, log: c.Logger, clock: c.Now,
		lists: paging.Lists{Box: c.Box, Purpose: purposePaging}, sessionsPerUser: c.SessionsPerUser,
	}
	if s.sessionsPerUser <= 0 {
		s.sessionsPerUser = DefaultSessionsPerUser
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
	s.lockout.Now = s.clock
	s.perSource = limits.Quota{Events: max(c.MessagesPerSource, 0), Per: time.Hour}
	if c.MessagesPerSource == 0 {
		s.perSource.Events = defaultMessagesPerSource
	}
	s.decoy = s.box.Seal(purposeVerifier, make([]byte, verifierSize), nil)
	return s
}

// now is the clock in storage's precision, so that what is answered is what is kept.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// Operations is the table of what the service answers, by operation name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"InitiateAuth":                wire.Handle(s.InitiateAuth),
		"RespondToAuthChallenge":      wire.Handle(s.RespondToAuthChallenge),
		"AdminInitiateAuth":           wire.Handle(s.AdminInitiateAuth),
		"AdminRespondToAuthChallenge": wire.Handle(s.AdminRespondToAuthChallenge),
		"GetTokensFromRefreshToken":   wire.Handle(s.GetTokensFromRefreshToken),
		"RevokeToken":                 wire.Handle(s.RevokeToken),
		"GlobalSignOut":               wire.Handle(s.GlobalSignOut),
		"AdminUserGlobalSignOut":      wire.Handle(s.AdminUserGlobalSignOut),
		"GetUser":                     wire.Handle(s.GetUser),
		"ChangePassword":              wire.Handle(s.ChangePassword),

		"SignUp":                           wire.Handle(s.SignUp),
		"ConfirmSignUp":                    wire.Handle(s.ConfirmSignUp),
		"ResendConfirmationCode":           wire.Handle(s.ResendConfirmationCode),
		"ForgotPassword":                   wire.Handle(s.ForgotPassword),
		"ConfirmForgotPassword":            wire.Handle(s.ConfirmForgotPassword),
		"UpdateUserAttributes":             wire.Handle(s.UpdateUserAttributes),
		"DeleteUserAttributes":             wire.Handle(s.DeleteUserAttributes),
		"GetUserAttributeVerificationCode": wire.Handle(s.GetUserAttributeVerificationCode),
		"VerifyUserAttribute":              wire.Handle(s.VerifyUserAttribute),
		"DeleteUser":                       wire.Handle(s.DeleteUser),

		"CreateUserPool":         wire.Handle(s.CreateUserPool),
		"DescribeUserPool":       wire.Handle(s.DescribeUserPool),
		"ListUserPools":          wire.Handle(s.ListUserPools),
		"UpdateUserPool":         wire.Handle(s.UpdateUserPool),
		"DeleteUserPool":         wire.Handle(s.DeleteUserPool),
		"CreateUserPoolClient":   wire.Handle(s.CreateUserPoolClient),
		"DescribeUserPoolClient": wire.Handle(s.DescribeUserPoolClient),
		"ListUserPoolClients":    wire.Handle(s.ListUserPoolClients),
		"UpdateUserPoolClient":   wire.Handle(s.UpdateUserPoolClient),
		"DeleteUserPoolClient":   wire.Handle(s.DeleteUserPoolClient),

		"GetUserPoolMfaConfig": wire.Handle(s.GetUserPoolMfaConfig),
		"AddCustomAttributes":  wire.Handle(s.AddCustomAttributes),
		"TagResource":          wire.Handle(s.TagResource),
		"UntagResource":        wire.Handle(s.UntagResource),
		"ListTagsForResource":  wire.Handle(s.ListTagsForResource),

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

		"AdminCreateUser":           wire.Handle(s.AdminCreateUser),
		"AdminGetUser":              wire.Handle(s.AdminGetUser),
		"AdminDeleteUser":           wire.Handle(s.AdminDeleteUser),
		"AdminEnableUser":           wire.Handle(s.AdminEnableUser),
		"AdminDisableUser":          wire.Handle(s.AdminDisableUser),
		"AdminConfirmSignUp":        wire.Handle(s.AdminConfirmSignUp),
		"AdminResetUserPassword":    wire.Handle(s.AdminResetUserPassword),
		"AdminSetUserPassword":      wire.Handle(s.AdminSetUserPassword),
		"AdminUpdateUserAttributes": wire.Handle(s.AdminUpdateUserAttributes),
		"AdminDeleteUserAttributes": wire.Handle(s.AdminDeleteUserAttributes),
		"ListUsers":                 wire.Handle(s.ListUsers),

		"CreateGroup":              wire.Handle(s.CreateGroup),
		"GetGroup":                 wire.Handle(s.GetGroup),
		"UpdateGroup":              wire.Handle(s.UpdateGroup),
		"DeleteGroup":              wire.Handle(s.DeleteGroup),
		"ListGroups":               wire.Handle(s.ListGroups),
		"ListUsersInGroup":         wire.Handle(s.ListUsersInGroup),
		"AdminAddUserToGroup":      wire.Handle(s.AdminAddUserToGroup),
		"AdminRemoveUserFromGroup": wire.Handle(s.AdminRemoveUserFromGroup),
		"AdminListGroupsForUser":   wire.Handle(s.AdminListGroupsForUser),
	}
}

// enter waits for a turn at the password arithmetic.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	if s.gate == nil {
		return func() {}, nil
	}
	leave, err = s.gate.Enter(ctx)
	if errors.Is(err, limits.ErrBusy) {
		return nil, wire.NewException(wire.TooManyRequestsException, wire.MessageTooManyRequests)
	}
	return leave, err
}

// invalid is an InvalidParameterException.
func invalid(format string, args ...any) *wire.Exception {
	return wire.Exceptionf(wire.InvalidParameterException, format, args...)
}
