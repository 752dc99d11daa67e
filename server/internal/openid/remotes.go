package openid

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

const (
	// refreshAge is the age at which a provider's configuration is fetched again,
	// while the old one serves. Its keys have their own schedule (jwt.RemoteKeys).
	refreshAge = time.Hour
	// maxAge is the age at which a configuration that could not be fetched again is
	// no longer used.
	maxAge = 24 * time.Hour
	// failurePause is the least time between a failed fetch and the next one, of
	// configurations and of keys, so that sign-ins do not wait for a provider that
	// is known to be down.
	failurePause = 30 * time.Second
	// leeway is the tolerated difference between a provider's clock and this one.
	leeway = 5 * time.Second
	// cacheSize is the number of verified tokens that are cached per provider.
	cacheSize = 1024
)

// Remotes caches the configurations and keys of other providers. Its size is bounded
// by the number of providers in the settings of pools. It is safe for concurrent use.
type Remotes struct {
	reach  Reach
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	known  map[string]*remote  // by issuer
	pinned map[string]*keyring // by issuer and jwks_uri
}

// NewRemotes returns Remotes. A nil log discards messages; a nil now is time.Now.
func NewRemotes(reach Reach, log *slog.Logger, now func() time.Time) *Remotes {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Remotes{
		reach: reach, client: reach.client(), log: log, now: now,
		known: map[string]*remote{}, pinned: map[string]*keyring{},
	}
}

// Reach returns the rules for the addresses of providers.
func (r *Remotes) Reach() Reach { return r.reach }

// remote is one issuer that is discovered.
type remote struct {
	mu       sync.Mutex
	current  *configuration // nil before the first success
	flight   *flight        // the fetch in progress
	failure  error          // of the last fetch; nil after a success
	failedAt time.Time      // when the last fetch failed
}

// configuration is an issuer's metadata with its keys. It is immutable, but for the
// keyring, which the next configuration inherits if it has the same jwks_uri.
type configuration struct {
	metadata Metadata
	keyring  *keyring
	fetched  time.Time
}

// flight is a fetch that several callers may wait for.
type flight struct {
	done   chan struct{}
	result *configuration // valid once done is closed, as is err
	err    error
}

// Verifier returns the verifier of an issuer's ID tokens for these clients, which are
// sorted.
func (r *Remotes) Verifier(ctx context.Context, issuer string, clients []string) (*jwt.Verifier, error) {
	found, err := r.configuration(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return found.keyring.verifier(clients)
}

// PinnedVerifier is Verifier for an issuer whose jwks_uri an administrator has set,
// without discovery.
func (r *Remotes) PinnedVerifier(issuer, jwksURI string, clients []string) (*jwt.Verifier, error) {
	if err := r.reach.CheckURL(jwksURI); err != nil {
		return nil, err
	}
	r.mu.Lock()
	name := issuer + " " + jwksURI
	ring, ok := r.pinned[name]
	if !ok {
		var err error
		if ring, err = r.newKeyring(issuer, jwksURI); err != nil {
			r.mu.Unlock()
			return nil, err
		}
		r.pinned[name] = ring
	}
	r.mu.Unlock()
	return ring.verifier(clients)
}

// RefreshKeys fetches an issuer's keys now, or waits for the fetch in progress. jwksURI
// is that of PinnedVerifier; "" is the discovered one. It is for key ids that come from
// the issuer itself, which may have rotated its keys since the last fetch.
func (r *Remotes) RefreshKeys(ctx context.Context, issuer, jwksURI string) error {
	if jwksURI == "" {
		found, err := r.configuration(ctx, issuer)
		if err != nil {
			return err
		}
		return found.keyring.keys.Refresh(ctx)
	}
	r.mu.Lock()
	ring, ok := r.pinned[issuer+" "+jwksURI]
	r.mu.Unlock()
	if !ok {
		return nil
	}
	return ring.keys.Refresh(ctx)
}

// Metadata returns an issuer's configuration. A configuration of up to an hour is
// returned as it is. An older one is returned too, while one refresh runs in the
// background, until it is 24 hours old. Otherwise Metadata waits for a fetch; it
// returns the error of the last one if that failed within the last 30 seconds.
func (r *Remotes) Metadata(ctx context.Context, issuer string) (Metadata, error) {
	found, err := r.configuration(ctx, issuer)
	if err != nil {
		return Metadata{}, err
	}
	m := found.metadata
	m.TokenAuthMethods, m.SigningAlgs = slices.Clone(m.TokenAuthMethods), slices.Clone(m.SigningAlgs)
	return m, nil
}

func (r *Remotes) configuration(ctx context.Context, issuer string) (*configuration, error) {
	one := r.remote(issuer)
	current, f, failure := r.begin(one, issuer)
	switch {
	case current != nil:
		return current, nil
	case f == nil:
		return nil, failure
	}
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin returns the configuration if it may be used, and otherwise the fetch to wait
// for, or the failure that forbids one. It starts a fetch where one is due.
func (r *Remotes) begin(one *remote, issuer string) (current *configuration, f *flight, failure error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	now := time.Now()
	if one.current != nil {
		age := since(one.current.fetched, now)
		if age < maxAge {
			current = one.current
		}
		if age < refreshAge {
			return current, nil, nil
		}
	}
	if one.flight == nil {
		if one.failure != nil && since(one.failedAt, now) < failurePause {
			return current, nil, one.failure
		}
		one.flight = &flight{done: make(chan struct{})}
		go r.fetch(one, issuer, one.flight)
	}
	return current, one.flight, nil
}

// since is the time from then to now by the clock that says more: the monotonic clock
// stops while a machine sleeps, and the wall clock can be set back.
func since(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

func (r *Remotes) remote(issuer string) *remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, ok := r.known[issuer]
	if !ok {
		one = new(remote)
		r.known[issuer] = one
	}
	return one
}

// fetch fetches a configuration for all who wait for f. It is not bound to the
// context of the caller that started it.
func (r *Remotes) fetch(one *remote, issuer string, f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	found, err := r.discover(ctx, issuer)

	one.mu.Lock()
	defer one.mu.Unlock()
	if err == nil {
		f.result, err = r.configure(one.current, found)
	}
	one.flight, one.failure, f.err = nil, err, err
	switch {
	case err == nil:
		one.current = f.result
	case one.current != nil:
		one.failedAt = time.Now()
		r.log.Warn("cannot fetch the configuration of a provider; the last one is used for up to 24 hours", "issuer", issuer, "fetched", one.current.fetched, "error", err)
	default:
		one.failedAt = time.Now()
	}
	close(f.done)
}

func (r *Remotes) configure(old *configuration, found Metadata) (*configuration, error) {
	c := &configuration{metadata: found, fetched: time.Now()}
	if old != nil && old.metadata.JWKSURI == found.JWKSURI {
		c.keyring = old.keyring
		return c, nil
	}
	var err error
	c.keyring, err = r.newKeyring(found.Issuer, found.JWKSURI)
	return c, err
}

// keyring is the keys of an issuer with the verifiers that use them.
type keyring struct {
	issuer string
	keys   *jwt.RemoteKeys
	now    func() time.Time

	mu        sync.Mutex
	verifiers map[string]*jwt.Verifier // by client ids
}

func (r *Remotes) newKeyring(issuer, jwksURI string) (*keyring, error) {
	keys, err := jwt.NewRemoteKeys(jwksURI, func(o *jwt.RemoteOptions) {
		o.HTTPClient, o.FailurePause = r.client, failurePause
		o.OnError = func(err error) { r.log.Warn("cannot fetch the keys of a provider", "issuer", issuer, "error", err) }
	})
	if err != nil {
		return nil, err
	}
	return &keyring{issuer: issuer, keys: keys, now: r.now, verifiers: map[string]*jwt.Verifier{}}, nil
}

// maxVerifiers bounds the verifiers of a keyring: one for each list of clients that
// the settings of pools have, or had since the last time the bound was reached.
const maxVerifiers = 16

func (k *keyring) verifier(clients []string) (*jwt.Verifier, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := strings.Join(clients, " ") // client ids have no spaces
	if v, ok := k.verifiers[name]; ok {
		return v, nil
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: k.issuer, ClientIDs: clients, OpenID: true, Keys: k.keys,
		Leeway: leeway, Now: k.now, CacheSize: cacheSize,
	})
	if err != nil {
		return nil, err
	}
	if len(k.verifiers) >= maxVerifiers {
		clear(k.verifiers)
	}
	k.verifiers[name] = v
	return v, nil
}
