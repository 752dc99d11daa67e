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
	// discoveryAge is how old a provider's configuration gets before it is fetched
	// again. Its keys have a schedule of their own (jwt.RemoteKeys).
	discoveryAge = time.Hour
	// discoveryPause is the least time between two attempts of which the first
	// failed, so that a provider that is down is not asked at every sign-in.
	discoveryPause = 2 * time.Second
	// leeway is how far a provider's clock may be off from this one.
	leeway = 5 * time.Second
	// cacheSize is how many verified tokens of a provider are remembered.
	cacheSize = 1024
)

// Remotes are the providers that were asked for. There are as many as an
// administrator's settings name. It is safe for concurrent use.
type Remotes struct {
	reach  Reach
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	mu    sync.Mutex
	known map[string]*remote // by issuer, and by jwks_uri where that is pinned
}

// NewRemotes makes Remotes. A nil log is none, a nil now is time.Now.
func NewRemotes(reach Reach, log *slog.Logger, now func() time.Time) *Remotes {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Remotes{reach: reach, client: reach.client(), log: log, now: now, known: map[string]*remote{}}
}

// Reach says which addresses are admitted.
func (r *Remotes) Reach() Reach { return r.reach }

// remote is one issuer. turn is held, by a token in it, while its configuration is
// fetched: the others wait for that, as long as they want to.
type remote struct {
	turn      chan struct{}
	attempted time.Time
	failure   error
	fetched   time.Time
	metadata  Metadata
	keys      *jwt.RemoteKeys
	verifiers map[string]*jwt.Verifier // by client ids
}

// Verifier gives the verifier of an issuer's ID tokens for these clients. clients
// are sorted.
func (r *Remotes) Verifier(ctx context.Context, issuer string, clients []string) (*jwt.Verifier, error) {
	one, done, err := r.fresh(ctx, issuer)
	if err != nil {
		return nil, err
	}
	defer done()
	return r.verifier(one, issuer, clients)
}

// PinnedVerifier is Verifier for an issuer whose keys an administrator has named,
// instead of having them discovered.
func (r *Remotes) PinnedVerifier(ctx context.Context, issuer, jwksURI string, clients []string) (*jwt.Verifier, error) {
	if err := r.reach.CheckURL(jwksURI); err != nil {
		return nil, err
	}
	one := r.remote(issuer + " " + jwksURI)
	if err := one.enter(ctx); err != nil {
		return nil, err
	}
	defer one.leave()
	if one.keys == nil {
		if err := r.setKeys(one, Metadata{Issuer: issuer, JWKSURI: jwksURI}); err != nil {
			return nil, err
		}
	}
	return r.verifier(one, issuer, clients)
}

// Metadata gives an issuer's configuration.
func (r *Remotes) Metadata(ctx context.Context, issuer string) (Metadata, error) {
	one, done, err := r.fresh(ctx, issuer)
	if err != nil {
		return Metadata{}, err
	}
	defer done()
	found := one.metadata
	found.TokenAuthMethods, found.SigningAlgs = slices.Clone(found.TokenAuthMethods), slices.Clone(found.SigningAlgs)
	return found, nil
}

// fresh gives an issuer with its configuration, and the turn at it until done.
func (r *Remotes) fresh(ctx context.Context, issuer string) (one *remote, done func(), err error) {
	one = r.remote(issuer)
	if err := one.enter(ctx); err != nil {
		return nil, nil, err
	}
	if err := r.refresh(ctx, one, issuer); err != nil {
		one.leave()
		return nil, nil, err
	}
	return one, one.leave, nil
}

func (one *remote) enter(ctx context.Context) error {
	select {
	case one.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (one *remote) leave() { <-one.turn }

func (r *Remotes) verifier(one *remote, issuer string, clients []string) (*jwt.Verifier, error) {
	name := strings.Join(clients, " ") // client ids have no spaces
	if v, ok := one.verifiers[name]; ok {
		return v, nil
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, ClientIDs: clients, OpenID: true, Keys: one.keys,
		Leeway: leeway, Now: r.now, CacheSize: cacheSize,
	})
	if err != nil {
		return nil, err
	}
	if len(one.verifiers) >= 16 { // the lists of clients of before are of no use
		clear(one.verifiers)
	}
	one.verifiers[name] = v
	return v, nil
}

func (r *Remotes) remote(name string) *remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, ok := r.known[name]
	if !ok {
		one = &remote{turn: make(chan struct{}, 1), verifiers: map[string]*jwt.Verifier{}}
		r.known[name] = one
	}
	return one
}

// refresh fetches the configuration when there is none or it is old. When that
// fails, the old one serves on.
func (r *Remotes) refresh(ctx context.Context, one *remote, issuer string) error {
	now := time.Now()
	if one.keys != nil && now.Sub(one.fetched) < discoveryAge {
		return nil
	}
	if one.failure != nil && now.Sub(one.attempted) < discoveryPause {
		if one.keys != nil {
			return nil
		}
		return one.failure
	}
	one.attempted = now
	one.failure = r.fetch(ctx, one, issuer)
	if one.failure != nil && one.keys != nil {
		r.log.WarnContext(ctx, "a login provider's configuration could not be fetched again; the last one serves on", "issuer", issuer, "error", one.failure)
		return nil
	}
	return one.failure
}

// fetch goes on when the caller's context ends: others may wait for it.
func (r *Remotes) fetch(ctx context.Context, one *remote, issuer string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	found, err := r.discover(ctx, issuer)
	if err != nil {
		return err
	}
	if one.keys != nil && one.metadata.JWKSURI == found.JWKSURI {
		one.fetched, one.metadata = time.Now(), found
		return nil
	}
	return r.setKeys(one, found)
}

func (r *Remotes) setKeys(one *remote, found Metadata) error {
	keys, err := jwt.NewRemoteKeys(found.JWKSURI, func(o *jwt.RemoteOptions) { o.HTTPClient = r.client })
	if err != nil {
		return err
	}
	one.fetched, one.metadata, one.keys = time.Now(), found, keys
	clear(one.verifiers)
	return nil
}
