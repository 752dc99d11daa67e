package latchkeytest

import (
	"bytes"
	"context"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// Region is the region of a test server's ids.
const Region = "us-east-1"

// The roles of every test server's identity pool.
const (
	AuthenticatedRole = "arn:aws:iam::000000000000:role/authenticated"
	GuestRole         = "arn:aws:iam::000000000000:role/guest"
)

// The URLs that every test server's app client has registered for a web program:
// for after a sign-in and after a logout. Nothing answers there.
const (
	CallbackURL  = "https://app.example.com/callback"
	SignedOutURL = "https://app.example.com/signed-out"
)

// The administrator's key of every test server.
const (
	AccessKeyID     = "AKIALATCHKEYTESTONLY"
	SecretAccessKey = "for-tests-only/not-a-secret/0123456789ab"
)

// Server is a running service. Its methods are safe for concurrent use; those
// that prepare something fail the test when they cannot.
type Server struct {
	// URL is the base of the service, as in "http://127.0.0.1:41234".
	URL string
	// UserPoolID and ClientID name the pool and the app client that are there
	// from the start. The client has no secret and allows SRP, plain passwords and refresh, and the code
	// grant with /callback on any port of a loopback address, and with [CallbackURL].
	UserPoolID, ClientID string
	// IdentityPoolID names the identity pool that is there from the start. It takes
	// the users of the app client, with ServerSideTokenCheck on, and guests; see
	// [GuestsOff]. Its credentials are the own broker's, for AuthenticatedRole and
	// GuestRole, and open with CredentialKey.
	IdentityPoolID string
	// CredentialKey is the own broker's key, 32 bytes, for APIs that verify the
	// credentials.
	CredentialKey []byte

	tb      testing.TB
	service *server.Server
	store   storage.Store
	clock   clock
	faults  faults
	guests  bool

	developer string // the developer provider of the identity pool
	messages  messages
}

// Option changes a server that is about to start.
type Option struct{ apply func(*options) }

type options struct {
	pool       wire.CreateUserPoolRequest
	client     wire.CreateUserPoolClientRequest
	identities wire.CreateIdentityPoolRequest
	audiences  map[string][]string // of providers that the identity pool names by an ARN
	broker     plug.Broker
	life       time.Duration
	logger     *slog.Logger
	socket     bool
}

// TokenLife sets how long access and ID tokens last; at least five minutes, as Cognito demands.
func TokenLife(d time.Duration) Option {
	return Option{func(o *options) {
		seconds := int32(d / time.Second)
		o.client.AccessTokenValidity, o.client.IdTokenValidity = &seconds, new(seconds)
		o.units().AccessToken, o.units().IdToken = wire.TimeUnitSeconds, wire.TimeUnitSeconds
	}}
}

// SessionLife sets how long refresh tokens last; at least an hour.
func SessionLife(d time.Duration) Option {
	return Option{func(o *options) {
		o.client.RefreshTokenValidity = new(int32(d / time.Second))
		o.units().RefreshToken = wire.TimeUnitSeconds
	}}
}

// Rotation turns refresh token rotation on, with a grace period of whole seconds up to 60.
func Rotation(grace time.Duration) Option {
	return Option{func(o *options) {
		o.client.RefreshTokenRotation = &wire.RefreshTokenRotationType{
			Feature: wire.FeatureEnabled, RetryGracePeriodSeconds: new(int32(grace / time.Second)),
		}
		o.client.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowAdminUserPasswordAuth}
	}}
}

// HideUsers makes answers for unknown users look like those for wrong passwords.
func HideUsers() Option {
	return Option{func(o *options) { o.client.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled }}
}

// Attribute declares an attribute of the user pool's schema.
type Attribute struct {
	// Name is that of a standard attribute, such as "family_name", which may be made
	// required or immutable; or a custom attribute's, without "custom:".
	Name string
	// Type is String, the default, Number, Boolean or DateTime.
	Type string
	// Required attributes must be given at sign-up. Custom ones cannot be required.
	Required bool
	// Immutable attributes keep their first value.
	Immutable bool
	// DeveloperOnly attributes are written by administrators only; their full name
	// begins with "dev:custom:".
	DeveloperOnly bool
}

// Schema declares attributes of the user pool beside the standard ones.
func Schema(attributes ...Attribute) Option {
	return Option{func(o *options) {
		for _, a := range attributes {
			o.pool.Schema = append(o.pool.Schema, wire.SchemaAttributeType{
				Name: a.Name, AttributeDataType: a.Type,
				Required: new(a.Required), Mutable: new(!a.Immutable), DeveloperOnlyAttribute: new(a.DeveloperOnly),
			})
		}
	}}
}

// GuestsOff makes an identity pool that takes no guests.
func GuestsOff() Option {
	return Option{func(o *options) { o.identities.AllowUnauthenticatedIdentities = new(false) }}
}

// ClassicFlow allows GetOpenIdToken.
func ClassicFlow() Option {
	return Option{func(o *options) { o.identities.AllowClassicFlow = new(true) }}
}

// Broker has another broker make the credentials.
func Broker(b plug.Broker) Option { return Option{func(o *options) { o.broker = b }} }

// DeveloperProvider names the application itself as a provider of logins; see
// [Server.DeveloperToken].
func DeveloperProvider(name string) Option {
	return Option{func(o *options) { o.identities.DeveloperProviderName = name }}
}

// CredentialLife sets how long AWS credentials last; the default is an hour.
func CredentialLife(d time.Duration) Option { return Option{func(o *options) { o.life = d }} }

// Logger receives the service's log; the default discards it.
func Logger(l *slog.Logger) Option { return Option{func(o *options) { o.logger = l }} }

// InProcess leaves the socket out: the service is reached by [Server.HTTPClient]
// only. Use it inside a testing/synctest bubble.
func InProcess() Option { return Option{func(o *options) { o.socket = false }} }

func (o *options) units() *wire.TokenValidityUnitsType {
	if o.client.TokenValidityUnits == nil {
		o.client.TokenValidityUnits = &wire.TokenValidityUnitsType{}
	}
	return o.client.TokenValidityUnits
}

// NewServer starts a service that ends with the test.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	o := defaults()
	for _, option := range opts {
		if option.apply != nil {
			option.apply(&o)
		}
	}
	s := &Server{tb: tb}
	s.faults.over = make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.faults.serve(s.service, w, r)
	})
	s.URL = "http://latchkey.localhost"
	if o.socket {
		web := httptest.NewServer(handler)
		tb.Cleanup(web.Close)
		s.URL = web.URL
	}
	s.start(o)
	tb.Cleanup(func() { close(s.faults.over) }) // first of all: calls that wait are let go
	return s
}

func defaults() options {
	return options{
		socket: true,
		pool: wire.CreateUserPoolRequest{
			PoolName:        "test",
			AliasAttributes: []string{"email"},
		},
		client: wire.CreateUserPoolClientRequest{
			ClientName: "test",
			UserPoolClientSettings: wire.UserPoolClientSettings{
				ExplicitAuthFlows: []wire.ExplicitAuthFlow{
					wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth,
					wire.AllowAdminUserPasswordAuth, wire.AllowRefreshTokenAuth,
				},
				AllowedOAuthFlowsUserPoolClient: new(true),
				AllowedOAuthFlows:               []string{"code"},
				AllowedOAuthScopes:              []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"},
				CallbackURLs:                    []string{"http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback", CallbackURL},
				LogoutURLs:                      []string{"http://127.0.0.1/", "http://[::1]/", "http://localhost/", SignedOutURL},
				SupportedIdentityProviders:      []string{"COGNITO"},
			},
		},
		identities: wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
			IdentityPoolName: "test", AllowUnauthenticatedIdentities: new(true),
		}},
	}
}

func (s *Server) start(o options) {
	s.tb.Helper()
	store := memory.New()
	s.store = store
	sealing, err := server.ParseKey(strings.Repeat("07", seal.KeySize))
	s.check("make the sealing key", err)
	s.CredentialKey = bytes.Repeat([]byte{8}, 32)
	if o.broker == nil {
		o.broker, err = ownbroker.New(ownbroker.Config{Keys: [][]byte{s.CredentialKey}, Now: s.clock.now})
		s.check("make the broker", err)
	}
	s.service, err = server.New(server.Config{
		Broker: o.broker, CredentialLife: o.life, Providers: plug.Providers{AllowLoopback: true, Audiences: o.audiences},
		Storage: store, SealingKeys: []server.SealingKey{sealing}, Signer: &signer{keys: map[string]*rsa.PrivateKey{}}, PublicURL: s.URL, Region: Region,
		AdminKeys: []server.AdminKey{{ID: AccessKeyID, Secret: plug.NewSecret(SecretAccessKey)}},
		Messenger: &s.messages, Logger: o.logger, Now: s.clock.now,
	})
	s.check("make the service", err)
	s.tb.Cleanup(func() {
		s.check("stop the service", s.service.Close())
		s.check("close the storage", store.Close())
	})
	s.provision(o)
}

func (s *Server) provision(o options) {
	s.tb.Helper()
	ctx := context.Background()
	pool, err := perform[wire.CreateUserPoolResponse](ctx, s.service, "CreateUserPool", &o.pool)
	s.check("create the user pool", err)
	s.UserPoolID = pool.UserPool.Id
	o.client.UserPoolId = s.UserPoolID
	client, err := perform[wire.CreateUserPoolClientResponse](ctx, s.service, "CreateUserPoolClient", &o.client)
	s.check("create the app client", err)
	s.ClientID = client.UserPoolClient.ClientId
	s.provisionIdentities(ctx, o)
}

func (s *Server) provisionIdentities(ctx context.Context, o options) {
	s.tb.Helper()
	o.identities.CognitoIdentityProviders = []wire.CognitoIdentityProvider{{
		ProviderName: "cognito-idp." + Region + ".amazonaws.com/" + s.UserPoolID, ClientId: s.ClientID,
		ServerSideTokenCheck: new(true),
	}}
	pool, err := perform[wire.CreateIdentityPoolResponse](ctx, s.service, "CreateIdentityPool", &o.identities)
	s.check("create the identity pool", err)
	s.IdentityPoolID, s.guests = pool.IdentityPoolId, *pool.AllowUnauthenticatedIdentities
	s.developer = pool.DeveloperProviderName
	err = s.service.Call(ctx, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: s.IdentityPoolID,
		Roles:          map[string]string{wire.RoleAuthenticated: AuthenticatedRole, wire.RoleUnauthenticated: GuestRole},
	}}, nil)
	s.check("set the roles of the identity pool", err)
}

// check fails the test when preparing something went wrong.
func (s *Server) check(doing string, err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("latchkeytest: %s: %v", doing, err)
	}
}

// Config is the configuration of a client of this server, over [Server.HTTPClient].
func (s *Server) Config() latchkey.Config {
	return latchkey.Config{
		UserPoolID: s.UserPoolID, ClientID: s.ClientID,
		UserPoolEndpoint: s.URL, Issuer: s.Issuer(),
		IdentityPoolID: s.IdentityPoolID, IdentityPoolEndpoint: s.URL, AllowGuests: s.guests,
		OAuthBaseURL: s.PagesURL(), OAuth: &latchkey.OAuthConfig{
			Scopes:         []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"},
			RedirectSignIn: []string{CallbackURL, "http://127.0.0.1/callback", "http://[::1]/callback"}, RedirectSignOut: []string{SignedOutURL},
			ResponseType: "code",
		},
		HTTPClient: s.HTTPClient(),
	}
}

// PagesURL is what the pool's sign-in pages and OAuth endpoints stand below.
func (s *Server) PagesURL() string { return s.URL + "/" + s.UserPoolID }

// Issuer is the iss claim of the pool's tokens; the JWKS is below it.
func (s *Server) Issuer() string { return s.service.Issuer(s.UserPoolID) }

// IdentityIssuer is the iss claim of the identity pool's OpenID tokens; the JWKS is
// below it.
func (s *Server) IdentityIssuer() string { return s.service.IdentityIssuer(s.IdentityPoolID) }
