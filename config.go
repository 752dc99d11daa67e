package latchkey

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// Secret is a token, password or key. It prints as "[redacted]" in every way Go
// can print. Its methods are those of [store.Secret]: Reveal returns the value, Equal
// compares in constant time, IsZero reports whether it is empty.
type Secret = store.Secret

// NewSecret wraps value.
func NewSecret(value string) Secret { return store.NewSecret(value) }

// Config names the service of a [Client] and the store of its sessions. Every field has a
// useful zero value, except those that are marked as required.
//
// The fields up to OAuth are what Amplify's configuration files carry;
// [LoadConfig] fills them in. The rest is set in the program.
type Config struct {
	// UserPoolID and ClientID name the user pool and its app client. They are
	// required, unless there is an identity pool and users never sign in. The
	// text before the pool id's "_" is its AWS region.
	UserPoolID string
	ClientID   string
	// ClientSecret is needed if the app client has one.
	ClientSecret Secret
	// IdentityPoolID, of the form "region:uuid", names the identity pool that gives
	// AWS credentials. Without one its facets answer ErrNoIdentityPool.
	IdentityPoolID string
	// AllowGuests lets users who are not signed in have an identity and AWS
	// credentials, if the identity pool does.
	AllowGuests bool

	// UserPoolEndpoint is where the user pool is called. The default is
	// https://cognito-idp.<region>.amazonaws.com/. An endpoint with http must be on
	// the loopback interface, unless InsecureHTTP is set.
	UserPoolEndpoint string
	// IdentityPoolEndpoint is where the identity pool is called. The default is
	// https://cognito-identity.<region>.amazonaws.com/, with the region of its id.
	IdentityPoolEndpoint string
	// OAuthBaseURL is what /oauth2/authorize, /oauth2/token and /logout stand below.
	// The default is https:// and OAuth.Domain.
	OAuthBaseURL string
	// Issuer is the iss claim that the pool's tokens must carry. Without one,
	// the claim must end in "/" and the pool id.
	Issuer string
	// FormerEndpoints are addresses that the service had before, such as
	// http://127.0.0.1:9229. Sessions that were begun there belong to this service. A
	// configuration file cannot name any: its author would receive these
	// sessions. Without them, users of a service that moved sign in again.
	FormerEndpoints []string
	// CAFile names a PEM file of authorities to trust beside the system's.
	CAFile string
	// InsecureHTTP permits plain http to other machines. Without it New refuses such
	// a UserPoolEndpoint, IdentityPoolEndpoint and OAuthBaseURL, and such an Issuer if
	// the client has sign-in pages, because it fetches the issuer's keys then. Everyone
	// on the network path can read what plain http carries, tokens and passwords
	// included, and change it. The loopback interface needs no permission: 127.0.0.0/8,
	// ::1, localhost and names below localhost. It does not concern callback URLs.
	InsecureHTTP bool

	// OAuth is what sign-in by redirect needs; see [Client.AuthCodeURL] and
	// [Client.SignInBrowser].
	OAuth *OAuthConfig
	// ProviderTokens are sources of other providers' tokens, by the provider's
	// name, for a session that an earlier run of the program began with
	// [Client.Federate]: without one it ends with its AWS credentials.
	ProviderTokens map[string]ProviderTokenSource

	// Store keeps sessions; nil keeps them in memory, until the process ends.
	Store store.Store
	// HTTPClient lends its Transport and Timeout; nil stands for Go's defaults.
	// Redirects are not followed and cookies not kept, whatever it says.
	HTTPClient *http.Client
	// OpenBrowser opens an address in the person's browser, for [Client.SignInBrowser]
	// and for the sign-out of its sessions; nil stands for the
	// commands that the environment variable BROWSER names (separated by colons, tried in
	// turn; %s stands for the address), else the system's own (open, rundll32, xdg-open).
	// It returns once the browser was started, and before ctx ends.
	OpenBrowser func(ctx context.Context, address string) error
	// Logger receives what a caller cannot see, such as a background refresh that failed
	// while the token is still valid. nil logs nothing. No secret is logged.
	Logger *slog.Logger
	// RefreshAhead is how long before they expire tokens are refreshed; 0 stands
	// for five minutes or a tenth of their life, whichever is less. More than
	// half of their life counts as half.
	RefreshAhead time.Duration
	// Timeout bounds one call to the service; 0 stands for ten seconds.
	Timeout time.Duration

	// file is what LoadConfig or ParseConfig read, so that errors name its members.
	file *configFile
}

// OAuthConfig is the part of a configuration that redirect sign-in needs.
type OAuthConfig struct {
	Domain            string   // host of the sign-in pages, without a scheme
	Scopes            []string // such as "openid", "email"; openid is always asked for
	RedirectSignIn    []string // URLs to come back to after sign-in
	RedirectSignOut   []string // URLs to come back to after sign-out
	ResponseType      string   // "code" or "token"; this package uses the code grant for either
	IdentityProviders []string // as the file names them, such as "GOOGLE"
}

// defaultTimeout is longer than Cognito takes even when it is busy, and shorter
// than people wait before they try again.
const defaultTimeout = 10 * time.Second

// Region returns the AWS region that the pool ids name; empty if they name none.
func (c Config) Region() string {
	if region, _, ok := strings.Cut(c.UserPoolID, "_"); ok {
		return region
	}
	region, _, _ := strings.Cut(c.IdentityPoolID, ":")
	return region
}

// complete checks a configuration and returns it with its defaults filled in. What the
// caller may change later is copied.
func (c Config) complete() (Config, error) {
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Store == nil {
		c.Store = store.NewMemory()
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OAuth != nil {
		oauth := *c.OAuth
		for _, list := range []*[]string{&oauth.Scopes, &oauth.RedirectSignIn, &oauth.RedirectSignOut, &oauth.IdentityProviders} {
			*list = slices.Clone(*list)
		}
		c.OAuth = &oauth
	}
	c.ProviderTokens, c.FormerEndpoints = maps.Clone(c.ProviderTokens), slices.Clone(c.FormerEndpoints)
	return c, nil
}

// check says what is wrong with a configuration.
func (c Config) check() error {
	if c.UserPoolID == "" && c.IdentityPoolID == "" {
		return c.noUserPool("New")
	}
	if c.Store != nil && isNil(c.Store) {
		return problem("New", ErrConfig, "Config.Store is a nil pointer; leave the field empty for a store in memory")
	}
	if c.UserPoolID != "" {
		if err := c.checkPool(); err != nil {
			return err
		}
	}
	// Its region becomes part of a host name.
	if region, id, _ := strings.Cut(c.IdentityPoolID, ":"); c.IdentityPoolID != "" &&
		(region == "" || id == "" || strings.ContainsAny(region, "/?#@. ")) {
		return c.malformed("New", c.identityPoolMember(), "region:uuid")
	}
	if c.RefreshAhead < 0 || c.Timeout < 0 {
		return problem("New", ErrConfig, "Config.RefreshAhead and Config.Timeout must not be negative")
	}
	for _, address := range c.FormerEndpoints { // compared, never called
		u, err := url.Parse(address)
		if err := c.checkURL(member{field: "FormerEndpoints"}, u, err); err != nil {
			return err
		}
	}
	return c.checkAddresses()
}

// checkPool looks at the ids. A pool id becomes part of a host name, so that
// one with a slash or a colon in it would send passwords elsewhere.
func (c Config) checkPool() error {
	region, id, _ := strings.Cut(c.UserPoolID, "_")
	if region == "" || id == "" || strings.ContainsAny(c.UserPoolID, "/:?# ") {
		return c.malformed("New", c.userPoolMember(), "region_id, such as us-east-1_abc123DEF")
	}
	if c.ClientID == "" {
		return c.missing("New", c.clientMember())
	}
	return nil
}

// userPoolURL is where the user pool is called.
func (c Config) userPoolURL() string {
	return serviceURL(c.UserPoolEndpoint, "cognito-idp", c.Region())
}

// identityPoolURL is where the identity pool is called, which may be in another
// region than the user pool.
func (c Config) identityPoolURL() string {
	region, _, _ := strings.Cut(c.IdentityPoolID, ":")
	return serviceURL(c.IdentityPoolEndpoint, "cognito-identity", region)
}

// serviceURL is an endpoint of the configuration's, or AWS's own.
func serviceURL(endpoint, service, region string) string {
	if own, err := url.Parse(endpoint); err == nil && own.Host != "" {
		if own.Path == "" {
			own.Path = "/"
		}
		return own.String()
	}
	// The China regions are a separate partition with another domain.
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://" + service + "." + region + "." + domain + "/"
}

// acceptsIssuer reports whether tokens of an issuer come from the pool.
func (c Config) acceptsIssuer(issuer string) bool {
	if c.Issuer != "" {
		return issuer == c.Issuer
	}
	// Pool ids are unique in AWS, and an issuer is a URL that ends in one
	// (cognito-idp.<region>.amazonaws.com/<pool>, or the service's own address).
	// The tokens came over TLS from the endpoint itself; this guards against an
	// endpoint that serves another pool.
	return strings.HasSuffix(issuer, "/"+c.UserPoolID)
}
