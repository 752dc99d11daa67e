package latchkey

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Client keeps the users of one app client signed in. It is safe for concurrent
// use, and cheap enough to make one per request; several clients, in one
// process or in many, may share a [store.Store].
type Client struct {
	cfg    Config      // with its defaults filled in; never changed
	scope  store.Scope // what this client's accounts are kept under
	store  store.Store
	pool   endpoint // the user pool
	vendor endpoint // the identity pool
	log    *slog.Logger
	events broadcaster

	// current is what FetchSession hands out; nil before the store was read.
	current atomic.Pointer[snapshot]

	// change is held, as a lock that gives way to a context, by what replaces
	// the active session: sign-in, sign-out, switch. Refreshes do not hold it.
	change chan struct{}
	// peeking is held, in the same way, from the load of a record that nobody asked
	// for until what it damaged is mended; see peek.
	peeking chan struct{}

	mu      sync.Mutex // guards what follows and every write to current
	epoch   uint64     // grows with each change of the active session
	flights map[flightKey]*flight
	trouble trouble // of the user pool
	drought trouble // of the identity pool
	// identity is the identity id that subscribers know.
	identity string
	// sources are where new tokens of other providers come from, by provider.
	sources map[string]TokenSourceFunc
	closed  bool // no more work is begun
	gone    bool // all work has ended

	// Of revokeQueued: whether its goroutine runs, whether more came meanwhile,
	// and when it looked last.
	revoking, revokeMore bool
	swept                time.Time
	// Of sign-ins by redirect: the keys of the pool, and the states of flows that
	// are used, with the time until which they are remembered.
	keys  *jwt.RemoteKeys
	spent map[string]time.Time

	unfollow context.CancelFunc   // ends the watch of the store; nil if there is none
	keepers  map[*keeper]struct{} // see Keep

	work sync.WaitGroup // goroutines that must end before Close returns
	life context.Context
	end  context.CancelFunc
}

// New makes a client. It does no I/O except to read Config.CAFile; the store is
// read by the first call that needs it. Errors are of kind ErrConfig.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	transport, err := newHTTPClient(cfg.HTTPClient, cfg.CAFile)
	if err != nil {
		return nil, err
	}
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		cfg: cfg, scope: cfg.scope(), store: cfg.Store, log: cfg.Logger,
		pool:   endpoint{url: cfg.userPoolURL(), service: wire.UserPools, client: transport, timeout: cfg.Timeout},
		vendor: endpoint{url: cfg.identityPoolURL(), service: wire.IdentityPools, client: transport, timeout: cfg.Timeout},
		change: make(chan struct{}, 1), peeking: make(chan struct{}, 1),
		flights: make(map[flightKey]*flight), keepers: make(map[*keeper]struct{}), sources: maps.Clone(cfg.ProviderTokens),
	}
	c.pool.reached = c.reached
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Close waits for a refresh that is under way, because its answer is the
// session, and for a revocation that is (five seconds at most), and lets go of connections. Sessions stay in the store: Close is not
// a sign-out. It fails with ErrStore if the latest tokens could not be stored.
// Calls that come later fail with ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.work.Wait()
	c.mu.Lock()
	c.gone = true
	last := c.current.Swap(nil)
	c.mu.Unlock()
	c.events.close()
	if own, ok := c.pool.client.Transport.(*http.Transport); ok && c.cfg.HTTPClient == nil {
		own.CloseIdleConnections()
	}
	if last != nil && last.live() && last.kept != last.record.Generation {
		return fault("Close", ErrStore, "the latest tokens were never stored; sign in again after a restart")
	}
	return nil
}

// recheck is how old a signed-out state may be before the store is asked
// whether somebody else, such as a command in another terminal, has signed in.
const recheck = time.Second

// ready returns what is known, and reads the store if nothing is.
func (c *Client) ready(ctx context.Context) (*snapshot, error) {
	s := c.current.Load()
	if s != nil && (s.live() || time.Since(s.readAt) < recheck) {
		return s, nil
	}
	// However many callers come while the program starts, the store is read once.
	f, err := c.takeOff(ctx, flightKey{load: true}, c.load)
	if err != nil {
		return nil, err
	}
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if s := c.current.Load(); s != nil {
		return s, nil // also when the store could not be read again
	}
	if f.err == nil {
		return nil, errClosed
	}
	return nil, f.err
}

// load reads the active account's record.
func (c *Client) load(ctx context.Context, f *flight) {
	account, err := c.store.Active(ctx, c.scope)
	record := store.Record{Account: account}
	if err == nil && account.Username != "" { // the guest's record is not a user's
		record, err = c.store.Load(ctx, account)
	}
	// No pointer, or a pointer to nothing, is nobody signed in. Any other failure
	// is reported and not taken for that: the session may be there all the same.
	if errors.Is(err, store.ErrNotFound) {
		record, err = store.Record{Account: store.Account{Scope: c.scope, Username: account.Username}}, nil
	}
	if err != nil {
		f.err = storeFault("FetchSession", err)
		c.log.ErrorContext(ctx, "latchkey: the stored session cannot be read", "error", err)
		return
	}
	found := c.newSnapshot(record, record.Generation, time.Now(), nil)
	if !found.live() {
		c.loadGuest(ctx, found, c.current.Load())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != f.epoch || c.closed {
		return
	}
	// What this process knows and could not save is newer than the store.
	old := c.current.Load()
	if old != nil && old.outdoes(record) {
		again := *old
		again.readAt = found.readAt
		if c.ripen(&again); !again.live() {
			c.followGuest(&again, found)
		}
		found = &again
	}
	if old != nil && old.login() != found.login() {
		c.epoch++ // what was asked for the session before is not for this one
		c.drought = trouble{}
	}
	c.publish(found)
	for _, e := range newsOf(old, found) {
		c.emit(e)
	}
	c.noteIdentity(found)
}

// newsOf are the events that tell of what was found in the store, when nothing,
// or nobody of the user pool, was known before.
func newsOf(old, found *snapshot) []Event {
	var news []Event
	restored := Event{Kind: EventRestored, Username: found.session.username, Provider: found.session.provider}
	if old != nil {
		if old.login() == found.login() {
			return nil
		}
		restored.Cause = CauseRemote // it was not there when the store was read before
		if old.session.provider != "" {
			news = append(news, Event{Kind: EventSignedOut, Provider: old.session.provider, Cause: CauseRemote})
		}
	}
	if found.login() != "" {
		news = append(news, restored)
	}
	return news
}

// publish makes s the answer of FetchSession. c.mu is held.
func (c *Client) publish(s *snapshot) {
	s.epoch = c.epoch
	if !c.gone {
		c.current.Store(s)
		c.poke()
	}
}

// activate is publish for what replaces the active session: refreshes of the
// session before it can no longer reach current.
func (c *Client) activate(s *snapshot, events ...Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.activateLocked(s, events...)
}

// activateLocked is activate for callers that hold c.mu.
func (c *Client) activateLocked(s *snapshot, events ...Event) {
	c.epoch++
	c.trouble, c.drought = trouble{}, trouble{}
	c.publish(s)
	for _, e := range events {
		c.emit(e)
	}
	c.noteIdentity(s)
}

// lockChange waits its turn to replace the active session.
func (c *Client) lockChange(ctx context.Context) error {
	select {
	case c.change <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unlockChange lets the next one replace the active session.
func (c *Client) unlockChange() { <-c.change }
