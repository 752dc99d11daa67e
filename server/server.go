package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/internal/identitypool"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Config is what a [Server] is made of. Storage, SealingKeys and PublicURL are
// required; Storage stays the caller's to close.
type Config struct {
	Storage storage.Store
	// SealingKeys encrypt the secrets in Storage, so that a stolen database alone
	// reveals none of them. The first key encrypts, all of them decrypt: to replace a
	// key, put the new one first. New returns [ErrSealingKey] if a key is missing
	// that Storage was used with.
	SealingKeys []SealingKey
	// Signer makes the signing keys of pools and the signatures of tokens; nil keeps
	// private keys in Storage, encrypted. Keys that are in Storage when a Signer is set
	// sign until they are replaced. Without the Signer that made a pool's keys, the service
	// publishes the keys and accepts the pool's tokens, but the pool issues none: such calls
	// fail with InternalErrorException until the Signer is back or RotateSigningKeys gives
	// the pool keys in Storage, which then sign at once.
	Signer plug.Signer
	// KeyLife is the age at which [Server.Serve] replaces a pool's signing keys; 0 keeps
	// them until RotateSigningKeys is called. No token is refused at a rotation.
	KeyLife time.Duration
	// PublicURL is how clients reach the service, such as
	// "https://auth.example.com": scheme, host and possibly a path. Issuers derive from it.
	PublicURL string
	// Issuer overrides the iss claim of a pool's tokens; the default is
	// PublicURL + "/" + the pool's id.
	Issuer func(poolID string) string
	// IdentityIssuer overrides the iss claim of the OpenID tokens of an identity
	// pool's identities; the default is PublicURL + "/" + the identity pool's id.
	IdentityIssuer func(identityPoolID string) string
	// Providers are the OpenID providers beyond the user pools of this service that
	// identity pools may name, and says where the identity providers of user pools
	// may be. By default they must be on the public Internet.
	Providers plug.Providers
	// Broker makes the AWS credentials of identity pools. Without one
	// GetCredentialsForIdentity is refused.
	Broker plug.Broker
	// CredentialLife is the requested life of AWS credentials; default 1 h, at most 12 h.
	CredentialLife time.Duration
	// GuestLife is how long Serve keeps a guest's identity that is not used; at least
	// 48 h. The default 0 keeps guests for good, as Cognito does. The first guests go
	// GuestLife after it was set, since uses are not written before.
	GuestLife time.Duration
	// Region is the first part of the ids of new pools; default us-east-1. At most 18 of a-z,
	// 0-9 and single hyphens.
	Region string
	// AdminKeys are the access keys that may call admin operations over HTTP. Without
	// any, every admin operation is refused.
	AdminKeys []AdminKey
	// Messenger delivers codes and temporary passwords to users: a Sender of package
	// mail, or another type. Without one, operations that send a code are refused, such as
	// SignUp and ForgotPassword.
	Messenger plug.Messenger
	// LostAnswers is how long a rotated refresh token stays good while its
	// successor has not been used, beyond the client's RetryGracePeriodSeconds: a
	// client whose answer was lost may come back that much later. At most a day;
	// the default 0 is Cognito's rule. The price: while it lasts, two who hold the
	// same token are given the same successor and neither is found out.
	LostAnswers time.Duration
	// OptionalPKCE lets public clients leave PKCE out, as Cognito does. Without it
	// an authorization request of a client without a secret must have a code
	// challenge (RFC 9700, section 2.1.1).
	OptionalPKCE bool
	// Brands gives the sign-in pages of a client their look where SetUICustomization
	// gave them none; nil is Latchkey's own. A [plug.Brand] is one look for all.
	Brands plug.Brands
	// Limits bounds what one source and all sources together may ask for.
	Limits Limits
	// Observer learns of each answer; nil is none.
	Observer Observer
	Logger   *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Limits are the service's bounds. The zero value has the defaults.
type Limits struct {
	// PerSource is how many requests a second one address, or one IPv6 /64, may
	// make for long, with bursts of ten times that. Default 50; negative is no
	// bound. Keys and discovery documents have a separate limit of ten times as
	// much, /healthz and /readyz have none, and neither have loopback addresses.
	PerSource float64
	// MessagesPerSource is how many messages, such as codes, the calls of one source
	// may cause in an hour; default 300, negative is no bound. Loopback addresses
	// have none. A web server that signs many users up by itself needs more.
	MessagesPerSource int
	// Arithmetic is how many password computations run at once; default the
	// number of processors. Queue is how many may wait; default 64 each.
	Arithmetic, Queue int
	// Connections is how many connections Serve keeps open in all, of which a
	// tenth, at most 64, are a reserve: requests on those are answered with status
	// 503, except /healthz and /readyz. The default, and the most allowed, is what
	// the process's limit of file descriptors leaves beside the database and other
	// files; the default is at most 10,000.
	Connections int
	// ConnectionsPerSource is how many of them one address, or one IPv6 /64, may
	// have. Default a quarter of Connections; negative is no bound. Loopback
	// addresses, unix sockets and Proxies have none.
	ConnectionsPerSource int
	// Proxies are the addresses of reverse proxies in front of the service. The
	// source of a request that comes from one of them is the last address in
	// X-Forwarded-For that is not in Proxies, as each proxy must append its peer's
	// address there. A request without that header has no bounds per source.
	Proxies []netip.Prefix
	// SessionsPerUser is how many live sessions a user may have: a sign-in beyond
	// them ends those that were refreshed least recently, a hundredth of the bound at
	// once, at least one. The log names each.
	// Default 10,000, which is also the most: followers of revocations hold the ids
	// of a user's sessions who signs out often.
	SessionsPerUser int
}

// Observer learns what the service answered: the operation ("" if the request
// named none), the exception's type ("" for success) and the time it took. An OAuth
// endpoint, a sign-in page or a pool's document is one such as "POST /oauth2/token", with GET,
// POST or OTHER and its path below the pool's; its exception is an OAuth error, the
// type of the exception that the page explains, or the code of an error page.
//
// Observe is called before the response is complete. It must be safe for concurrent use and not
// block. A panic is logged.
type Observer interface {
	Observe(operation, exception string, took time.Duration)
}

// Server is the service as an [http.Handler]. It is safe for concurrent use.
type Server struct {
	mux            *http.ServeMux
	store          storage.Store
	pools          *userpool.Service
	identities     *identitypool.Service
	oauth          *oauth.Provider
	hosted         *hosted.Pages
	pages          map[string]bool // patterns of what a person looks at
	ring           *keys.Ring
	ownsRing       bool
	closed         sync.Once
	operations     operations
	signatures     map[string]*sigv4.Verifier // by signing name
	administrators map[string]administrator   // by access key id
	sources        *limits.Limiter
	documents      *limits.Limiter // for JWKS and discovery documents
	proxies        []netip.Prefix
	open           *limits.Connections
	ready          readiness
	feed           *feed
	issuer         func(string) string
	idIssuer       func(string) string
	observer       Observer
	log            *slog.Logger
	now            func() time.Time
}

// New makes a Server. Its errors say which setting is wrong.
func New(c Config) (*Server, error) { return newServer(c, nil) }

// newServer is New with signing keys from elsewhere, if there are any.
func newServer(c Config, ring *keys.Ring) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.copied()
	base, err := publicURL(c.PublicURL)
	if err != nil {
		return nil, err
	}
	box, err := newBox(c.SealingKeys)
	if err != nil {
		return nil, err
	}
	s := &Server{
		ring: ring, issuer: c.Issuer, idIssuer: c.IdentityIssuer, observer: c.Observer,
		log: c.Logger, now: c.Now, sources: sourceLimiter(c.Limits, 1), documents: sourceLimiter(c.Limits, documentFactor),
		proxies: c.Limits.Proxies,
	}
	s.store = committing{c.Storage, &s.ready}
	s.fillDefaults(c, base, box)
	if s.open, err = s.boundConnections(c.Limits); err != nil {
		return nil, err
	}
	if s.administrators, err = administratorsOf(c.AdminKeys); err != nil {
		return nil, err
	}
	s.feed = newFeed(s.open.Max / 2)
	if err := checkMasterKey(c.Storage, box); err != nil {
		return nil, err
	}
	party := federation.NewParty(openid.ReachOf(c.Providers), s.log, s.now)
	s.pools = userpool.New(userpool.Config{
		Pool: pool.Config{
			Storage: s.feed.watch(s.store), Box: box, Keys: s.ring, Issuer: s.issuer, Gate: arithmeticGate(c.Limits), Messenger: boundMessenger(c.Messenger),
			MessagesPerSource: c.Limits.MessagesPerSource, SessionsPerUser: c.Limits.SessionsPerUser, Logger: s.log, Now: s.now,
		},
		Tokens: tokens.Config{LostAnswers: c.LostAnswers},
		Admin: admin.Config{
			Region: c.Region, CheckProviderURL: party.CheckURL,
			PoolURL: func(pool string) string { return base + "/" + pool },
			LogoURL: func(pool, client string, logo []byte) string { return hosted.LogoURL(base+"/"+pool, client, logo) },
		},
	})
	s.identities = identitypool.New(identitypool.Config{
		Storage: s.store, Box: box, Keys: s.ring, Issuer: s.idIssuer, UserPools: s.pools.Tokens, Region: c.Region,
		Providers: c.Providers, Broker: boundBroker(c.Broker, s.now), CredentialLife: c.CredentialLife, GuestLife: c.GuestLife, Logger: s.log, Now: s.now,
	})
	s.oauth = oauth.New(oauth.Config{
		Clients: browserSide{s.pools.Tokens}, Issuer: browserSide{s.pools.Tokens}, Users: browserSide{s.pools.Tokens}, Box: box,
		Elsewhere: elsewhere{s.pools.SignIn, s.pools.Admin, party}, PublicURL: base, IssuerURL: s.issuer, OptionalPKCE: c.OptionalPKCE, ErrorPage: s.showOAuthError,
		SignedOut: s.showSignedOut, Note: noteOutcome, Logger: s.log, Now: s.now,
	})
	s.hosted = hosted.New(hosted.Config{
		Accounts: pageAccounts{s.pools.Accounts, s.pools.Tokens}, Door: pageSignIn{s.pools.SignIn}, Flow: flow{s}, Memory: s.oauth, MaxQuery: oauth.MaxQuery, Brands: brands{s.pools.Admin, boundBrands(c.Brands)},
		Note: noteOutcome, Logger: s.log,
	})
	s.operations = operationsOf(s)
	s.signatures = adminSignatures(s.administrators, s.now)
	s.mux = s.routes()
	return s, nil
}

func (s *Server) fillDefaults(c Config, base string, box *seal.Box) {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.issuer == nil {
		s.issuer = func(poolID string) string { return base + "/" + poolID }
	}
	if s.idIssuer == nil {
		s.idIssuer = func(identityPoolID string) string { return base + "/" + identityPoolID }
	}
	if s.ring == nil {
		s.ring = keys.NewRing(c.Storage, box, keys.Options{
			Now: s.now, Signer: c.Signer, MaxAge: c.KeyLife,
			Warn: func(err error) {
				s.log.Warn("signing keys could not be read again; those in memory stay", "error", err)
			},
		})
		s.ownsRing = true
	}
}

// checkTimeout bounds how long New waits for storage.
const checkTimeout = 30 * time.Second

// checkMasterKey refuses a box that does not open what storage holds.
func checkMasterKey(store storage.Store, box *seal.Box) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	if err := keys.CheckMasterKey(ctx, store, box); err != nil {
		return fmt.Errorf("server: check Config.SealingKeys against Config.Storage: %w", err)
	}
	return nil
}

// Issuer gives the iss claim of a user pool's tokens.
func (s *Server) Issuer(poolID string) string { return s.issuer(poolID) }

// IdentityIssuer gives the iss claim of the OpenID tokens of an identity pool.
func (s *Server) IdentityIssuer(identityPoolID string) string { return s.idIssuer(identityPoolID) }

// Close ends the requests that wait for revocations and lets go of what New
// made. It leaves Config.Storage alone.
func (s *Server) Close() error {
	s.feed.stop()
	s.closed.Do(s.pools.Base.Codes.Close)
	if s.ownsRing {
		s.ring.Close()
	}
	return nil
}

// ServeHTTP answers one request. Programs on any page may call the service; what
// a person looks at, and what answers by cookie, is not for other pages to read.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		if _, pattern := s.mux.Handler(r); s.pages[pattern] {
			s.mux.ServeHTTP(w, r)
			return
		}
	}
	allowBrowsers(w.Header())
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.serveRest)
	mux.HandleFunc("GET "+healthPath, s.healthz)
	mux.HandleFunc("GET "+readyPath, s.readyz)
	mux.HandleFunc("GET /{pool}/.well-known/jwks.json", s.observed("/.well-known/jwks.json", s.document(s.serveJWKS)))
	mux.HandleFunc("GET /{pool}/.well-known/openid-configuration", s.observed("/.well-known/openid-configuration", s.document(s.serveDiscovery)))
	mux.HandleFunc("GET /{pool}/.well-known/revocations", s.serveRevocations)
	s.routeOAuth(mux)
	s.routeHosted(mux)
	mux.HandleFunc(hosted.FaviconPath, s.observed(hosted.FaviconPath, hosted.ServeFavicon))
	return mux
}
