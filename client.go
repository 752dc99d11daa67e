package latchkey

import (
	"log/slog"
	"net/http"
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
// process or in many, may share a [store.Store]. Make it with [New]: methods of a nil or
// zero Client fail, or panic in the caller's goroutine.
type Client struct {
	cfg    Config // with its defaults filled in; never changed
	engine *session.Engine
	pool   *cognito.UserPool
	log    *slog.Logger
	// transport performs requests; release closes its connections if New made it.
	transport *http.Client
	release   func()

	used *authflow.Used // flows of sign-ins by redirect
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
	c := &Client{cfg: cfg, log: cfg.Logger, transport: transport, release: release, used: &authflow.Used{}}
	c.keys = sync.OnceValues(func() (*jwt.RemoteKeys, error) { return cfg.remoteKeys(transport) })
	c.start("")
	return c, nil
}

// For returns a client of one account, whichever account is active: a program that serves
// several users over one store has one for each. username is [User.Username], to the letter;
// the account need not exist yet. The client shares the store, transport and
// configuration of c and keeps a separate state: reuse it, and Close it. Close of c does not
// close it.
//
// Its methods are about this account: SignOutAll signs out no other, and of Accounts, which
// lists all, this one is active. SignIn of another user is ErrWrongAccount, and nothing is
// stored; neither sign-in nor sign-out changes which account is active for c. There is no
// guest: while the account is signed out, its identity id and credentials are
// ErrGuestsDisabled. SwitchAccount and Federate are ErrNotSupported. Errors: ErrInvalidParameter without a username, ErrClosed.
func (c *Client) For(username string) (*Client, error) {
	if err := c.engine.Closed(); err != nil {
		return nil, asError("For", err)
	}
	if username == "" {
		return nil, problem("For", ErrInvalidParameter, "name an account, as Accounts lists them")
	}
	of := &Client{cfg: c.cfg, log: c.log, transport: c.transport, release: func() {}, used: c.used, keys: c.keys}
	of.start(username)
	return of, nil
}

// start makes the parts that have a state, for the active account or for one account.
func (c *Client) start(account string) {
	cfg := c.cfg
	endpoint := func(url string, service wire.Service) *cognito.Endpoint {
		return &cognito.Endpoint{URL: url, Service: service, Client: c.transport, Agent: "latchkey/" + version.Number, Timeout: cfg.Timeout}
	}
	c.pool = &cognito.UserPool{
		Endpoint: endpoint(cfg.userPoolURL(), wire.UserPools), Secret: cfg.ClientSecret,
		Tokens: cognito.Audience{ClientID: cfg.ClientID, AcceptsIssuer: cfg.acceptsIssuer},
	}
	c.engine = session.New(session.Config{
		Scope: cfg.scope(), Account: account, FormerScopes: cfg.formerScopes(), Ours: cfg.ours, FormerIssuer: cfg.formerIssuer,
		FormerIdentityOrigins: cfg.formerIdentityOrigins(), Store: cfg.Store, UserPool: c.pool,
		IdentityPool:   &cognito.IdentityPool{Endpoint: endpoint(cfg.identityPoolURL(), wire.IdentityPools), ID: cfg.IdentityPoolID},
		IdentityPoolID: cfg.IdentityPoolID, IdentityOrigin: origin.Of(cfg.identityPoolURL()), Guests: cfg.AllowGuests, Ahead: cfg.RefreshAhead,
		Sources: sourcesOf(cfg.ProviderTokens), Log: cfg.Logger,
	})
	c.pool.Reached = c.engine.Reached
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
