package latchkey

import (
	"log/slog"
	"reflect"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/version"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Client keeps the users of one app client signed in. It is safe for concurrent
// use, and cheap enough to make one per request; several clients, in one
// process or in many, may share a [store.Store].
type Client struct {
	cfg    Config // with its defaults filled in; never changed
	engine *session.Engine
	pool   *cognito.UserPool
	log    *slog.Logger
	// release closes the connections of a transport that New made.
	release func()

	used authflow.Used // flows of sign-ins by redirect
	// keys are those of the pool's issuer, fetched by the first sign-in that needs them.
	keys func() (*jwt.RemoteKeys, error)
}

// New makes a client. It does no I/O except to read Config.CAFile; the store is
// read by the first call that needs it. Errors are of kind ErrConfig.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	transport, release, err := cognito.HTTPClient(cfg.HTTPClient, cfg.CAFile)
	if err != nil {
		return nil, asError("New", err)
	}
	endpoint := func(url string, service wire.Service) *cognito.Endpoint {
		return &cognito.Endpoint{URL: url, Service: service, Client: transport, Agent: "latchkey/" + version.Number, Timeout: cfg.Timeout}
	}
	c := &Client{
		cfg: cfg, log: cfg.Logger, release: release,
		pool: &cognito.UserPool{
			Endpoint: endpoint(cfg.userPoolURL(), wire.UserPools), Secret: cfg.ClientSecret,
			Tokens: cognito.Audience{ClientID: cfg.ClientID, AcceptsIssuer: cfg.acceptsIssuer},
		},
	}
	c.keys = sync.OnceValues(func() (*jwt.RemoteKeys, error) { return cfg.remoteKeys(transport) })
	c.engine = session.New(session.Config{
		Scope: cfg.scope(), FormerScopes: cfg.formerScopes(), Ours: cfg.ours, FormerIssuer: cfg.formerIssuer,
		FormerIdentityOrigins: cfg.formerIdentityOrigins(), Store: cfg.Store, UserPool: c.pool,
		IdentityPool:   &cognito.IdentityPool{Endpoint: endpoint(cfg.identityPoolURL(), wire.IdentityPools), ID: cfg.IdentityPoolID},
		IdentityPoolID: cfg.IdentityPoolID, IdentityOrigin: origin.Of(cfg.identityPoolURL()), Guests: cfg.AllowGuests, Ahead: cfg.RefreshAhead,
		Sources: sourcesOf(cfg.ProviderTokens), Log: cfg.Logger,
	})
	c.pool.Reached = c.engine.Reached
	return c, nil
}

// isNil reports whether an interface holds a nil of some type, which would panic when it
// is used.
func isNil(s store.Store) bool {
	switch v := reflect.ValueOf(s); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// Close waits for a refresh that is under way, because its answer is the
// session, and for a revocation that is (five seconds at most), and closes the connections
// of the transport that [New] made. Sessions stay in the store: Close is not
// a sign-out. It fails with ErrStore if the latest tokens could not be stored.
// Calls that come later fail with ErrClosed.
func (c *Client) Close() error {
	err := c.engine.Close()
	c.release()
	return asError("Close", err)
}
