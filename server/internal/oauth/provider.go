package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
)

// Lives of what this package makes.
const (
	codeLife    = 2 * time.Minute
	browserLife = time.Hour
)

// Client is an app client as the endpoints see it.
type Client struct {
	ID, PoolID, Name string
	Secret           wire.Sensitive // empty for a public client
	// Enabled says that the client may use these endpoints at all
	// (AllowedOAuthFlowsUserPoolClient).
	Enabled                  bool
	CallbackURLs, LogoutURLs []string
	Flows, Scopes, Providers []string
	// Identifiers are names of Providers by their idp_identifier.
	Identifiers map[string]string
	Revocable   bool
}

// User is a user who has signed in in a browser, with the counts that end it.
type User struct {
	PoolID, Sub, Username string
	// Provider is where the person signed in: an identity provider's name, or COGNITO for
	// the user pool itself. It is empty in what was sealed before it was noted.
	Provider                string
	Subject                 string // the user's identifier at an identity provider
	AuthTime                time.Time
	SignOuts, PasswordEpoch int64
}

// Grant is what a browser was granted for a client. SessionID is the session that
// it becomes, good for one use until Until.
type Grant struct {
	SessionID    string
	Until        time.Time
	Scope, Nonce string
	Implicit     bool
}

// Tokens is what a client gets. ID and Refresh may be empty.
type Tokens struct {
	Access, ID, Refresh wire.Sensitive
	ExpiresIn           int32 // seconds
	Scope               string
}

// Clients finds app clients and the pools of domains. A client that does not
// exist is a *wire.Exception, an unknown domain is "".
type Clients interface {
	OAuthClient(ctx context.Context, id string) (*Client, error)
	PoolOfDomain(ctx context.Context, name string) (poolID string, err error)
}

// Issuer makes and ends sessions. What it refuses for good is a *wire.Exception;
// other errors are the service's own trouble.
type Issuer interface {
	Issue(ctx context.Context, clientID string, user User, grant Grant) (*Tokens, error)
	Refresh(ctx context.Context, clientID string, token wire.Sensitive, scope string) (*Tokens, error)
	IssueToClient(ctx context.Context, clientID, scope string) (*Tokens, error)
	Revoke(ctx context.Context, client *Client, token wire.Sensitive) error
}

// Users says whether a browser may continue as a user, and returns the claims of the
// user of an access token. Refusals are *wire.Exception.
type Users interface {
	// StillGood reports whether a browser's session of that id may go on, and completes
	// the user's Provider.
	StillGood(ctx context.Context, user User, session string) (User, bool, error)
	// EndBrowser ends a browser's session, which would be good until then.
	EndBrowser(ctx context.Context, session string, until time.Time) error
	UserInfo(ctx context.Context, poolID string, access wire.Sensitive) (username string, attributes []wire.AttributeType, err error)
	// Hint reads an ID token of the pool, expired or not: the client that it is for, and the
	// user. Both are empty for a text that no key of the pool has signed.
	Hint(ctx context.Context, poolID, token string) (clientID, sub string, err error)
}

// Elsewhere signs people in at other providers. Refusals are *federation.Error and
// *wire.Exception; other errors are the service's own trouble.
type Elsewhere interface {
	// Route says how a provider's answers come back. It is asked before the browser
	// leaves, and again when it comes back.
	Route(ctx context.Context, poolID, provider string) (Route, error)
	// Begin gives the address at which the person signs in.
	Begin(ctx context.Context, poolID, provider string, a federation.Attempt) (address string, err error)
	// Finish gives the user of the person who comes back.
	Finish(ctx context.Context, client *Client, provider string, a federation.Attempt, got federation.Answer) (User, error)
	// Spend marks an attempt as used. ok is false if it was used before.
	Spend(ctx context.Context, id string, until time.Time) (try string, ok bool, err error)
	// Release makes a try of Spend count for nothing: the attempt may be used again.
	Release(ctx context.Context, try string, until time.Time) error
}

// Route is how the answers of another provider come back.
type Route struct {
	// Own is the last segment of the provider's own redirect URI.
	Own string
	// Shared says that the provider still shares a redirect URI with others.
	Shared bool
	// Ambiguous says that answers at the shared redirect URI may be mixed up.
	Ambiguous bool
	// Binding changes with the provider's settings: an answer counts for the settings
	// that the sign-in began with.
	Binding string
}

// segment is the last segment of the redirect URI in use; "" is the shared one.
func (r Route) segment() string {
	if r.Shared {
		return ""
	}
	return r.Own
}

// Config is what a [Provider] is made of. All up to IssuerURL are required.
type Config struct {
	Clients Clients
	Issuer  Issuer
	Users   Users
	Box     *seal.Box // seals codes and cookies
	// PublicURL is how clients reach the service, without a trailing slash.
	PublicURL string
	// IssuerURL gives the iss claim of a pool's tokens.
	IssuerURL func(poolID string) string
	// Elsewhere signs people in at other providers; without it there are none.
	Elsewhere Elsewhere
	// OptionalPKCE lets public clients leave PKCE out, as Cognito does.
	OptionalPKCE bool
	// ErrorPage shows a person what went wrong where no redirect is safe. The
	// default is a line of text. It sets the status.
	ErrorPage func(w http.ResponseWriter, r *http.Request, e *RequestError)
	// SignedOut shows a person that the browser is signed out of a client, where
	// the client named no place to go on to. The default is a line of text.
	SignedOut func(w http.ResponseWriter, r *http.Request, clientID string)
	// Note learns the error of each answer that is one: an OAuth error's code,
	// not_found or method_not_allowed. ctx is the request's.
	Note   func(ctx context.Context, code string)
	Logger *slog.Logger
	Now    func() time.Time
}

// Provider serves the endpoints. It is safe for concurrent use. Each part has its own
// exported methods.
type Provider struct {
	*front
	*requests
	*refusals
	*browserSessions
	*pageMemory
	*authorizeEndpoint
	*returnEndpoint
	*tokenEndpoint
	*revocationEndpoint
	*userInfoEndpoint
	*logoutEndpoint
	discovery
}

// New makes a Provider.
func New(c Config) *Provider {
	c = c.withDefaults()
	front := &front{clients: c.Clients, note: c.Note, log: c.Logger}
	sealer := sealer{c.Box}
	cookies := cookies{https: strings.HasPrefix(c.PublicURL, "https://")}
	requests := &requests{clients: c.Clients, issuerURL: c.IssuerURL, optionalPKCE: c.OptionalPKCE}
	refusals := &refusals{page: c.ErrorPage, note: c.Note, log: c.Logger}
	sessions := &browserSessions{sealer: sealer, cookies: cookies, users: c.Users, now: c.Now}
	codes := codes{sealer: sealer, now: c.Now}
	away := &departures{
		elsewhere: c.Elsewhere, requests: requests, refusals: refusals, sealer: sealer, cookies: cookies,
		publicURL: c.PublicURL, log: c.Logger, now: c.Now,
	}
	authorize := &authorizeEndpoint{
		front: front, requests: requests, refusals: refusals, sessions: sessions, codes: codes, departures: away,
		issuer: c.Issuer, users: c.Users, now: c.Now,
	}
	replies := &replies{note: c.Note, log: c.Logger}
	authenticator := &authenticator{clients: c.Clients, replies: replies}
	return &Provider{
		front: front, requests: requests, refusals: refusals, browserSessions: sessions,
		pageMemory:         &pageMemory{sealer: sealer, cookies: cookies, now: c.Now},
		authorizeEndpoint:  authorize,
		returnEndpoint:     &returnEndpoint{front: front, requests: requests, refusals: refusals, departures: away, authorize: authorize, log: c.Logger, now: c.Now},
		tokenEndpoint:      &tokenEndpoint{front: front, authenticator: authenticator, replies: replies, codes: codes, issuer: c.Issuer},
		revocationEndpoint: &revocationEndpoint{front: front, authenticator: authenticator, replies: replies, issuer: c.Issuer},
		userInfoEndpoint:   &userInfoEndpoint{front: front, replies: replies, users: c.Users},
		logoutEndpoint:     &logoutEndpoint{front: front, requests: requests, refusals: refusals, sessions: sessions, users: c.Users, page: c.SignedOut},
		discovery:          discovery{issuerURL: c.IssuerURL, publicURL: c.PublicURL},
	}
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ErrorPage == nil {
		c.ErrorPage = plainError
	}
	if c.SignedOut == nil {
		c.SignedOut = plainSignedOut
	}
	if c.Note == nil {
		c.Note = func(context.Context, string) {}
	}
	return c
}
