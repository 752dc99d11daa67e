package identitypool

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

const (
	// discoveryAge is how old a provider's configuration gets before it is fetched
	// again. Its keys have a schedule of their own (jwt.RemoteKeys).
	discoveryAge = time.Hour
	// discoveryPause is the least time between two attempts of which the first
	// failed, so that a provider that is down is not asked at every sign-in.
	discoveryPause = 2 * time.Second
	// openIDLeeway is how far a provider's clock may be off from this one.
	openIDLeeway = 5 * time.Second
	// openIDCache is how many verified tokens of a provider are remembered.
	openIDCache = 1024
)

// remotes are the OpenID providers that were asked for. There are as many as the
// identity pools name.
type remotes struct {
	providers Providers
	client    *http.Client
	log       *slog.Logger
	now       func() time.Time

	mu    sync.Mutex
	known map[string]*remote // by issuer
}

func newRemotes(p Providers, log *slog.Logger, now func() time.Time) *remotes {
	return &remotes{providers: p, client: newFetcher(p), log: log, now: now, known: map[string]*remote{}}
}

// remote is one issuer. turn is held, by a token in it, while its configuration is
// fetched: the others wait for that, as long as they want to.
type remote struct {
	turn      chan struct{}
	attempted time.Time
	failure   error
	fetched   time.Time
	jwksURI   string
	keys      *jwt.RemoteKeys
	verifiers map[string]*jwt.Verifier // by client ids
}

// proveOpenID verifies an ID token of another provider.
func (s *Service) proveOpenID(ctx context.Context, p provider, raw string) (*jwt.IDToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, refused(wire.MessageLoginNotOpenID)
	}
	issuer := decoded.Claims.Issuer()
	if withoutScheme(issuer) != p.issuer || s.remotes.providers.checkURL(issuer) != nil {
		return nil, refused(wire.MessageLoginIssuerMismatch)
	}
	if len(p.clients) == 0 {
		s.log.WarnContext(ctx, "no audience is configured for a login provider", "provider", p.issuer)
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	verifier, err := s.remotes.verifier(ctx, issuer, slices.Sorted(maps.Keys(p.clients)))
	if err != nil {
		return nil, s.unavailable(ctx, issuer, err)
	}
	token, err := verifier.VerifyID(ctx, raw)
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return nil, s.unavailable(ctx, issuer, err)
	}
	return nil, s.loginRefusal(err, decoded.Claims)
}

// unavailable says that nothing could be found out about a token. It must never
// look like a refusal, after which clients throw sessions away.
func (s *Service) unavailable(ctx context.Context, issuer string, err error) error {
	s.log.WarnContext(ctx, "a login provider does not answer", "issuer", issuer, "error", err)
	return wire.NewException(wire.ExternalServiceException, wire.MessageProviderUnavailable)
}

// verifier gives the verifier of an issuer's tokens for these clients.
func (r *remotes) verifier(ctx context.Context, issuer string, clients []string) (*jwt.Verifier, error) {
	one := r.remote(issuer)
	select {
	case one.turn <- struct{}{}:
		defer func() { <-one.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := r.refresh(ctx, one, issuer); err != nil {
		return nil, err
	}
	name := strings.Join(clients, " ") // client ids have no spaces
	if v, ok := one.verifiers[name]; ok {
		return v, nil
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, ClientIDs: clients, OpenID: true, Keys: one.keys,
		Leeway: openIDLeeway, Now: r.now, CacheSize: openIDCache,
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

func (r *remotes) remote(issuer string) *remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, ok := r.known[issuer]
	if !ok {
		one = &remote{turn: make(chan struct{}, 1), verifiers: map[string]*jwt.Verifier{}}
		r.known[issuer] = one
	}
	return one
}

// refresh fetches the configuration when there is none or it is old. When that
// fails, the old one serves on.
func (r *remotes) refresh(ctx context.Context, one *remote, issuer string) error {
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
func (r *remotes) fetch(ctx context.Context, one *remote, issuer string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	found, err := discover(ctx, r.client, r.providers, issuer)
	if err != nil {
		return err
	}
	one.fetched = time.Now()
	if one.keys != nil && one.jwksURI == found.JWKSURI {
		return nil
	}
	keys, err := jwt.NewRemoteKeys(found.JWKSURI, func(o *jwt.RemoteOptions) { o.HTTPClient = r.client })
	if err != nil {
		return err
	}
	one.keys, one.jwksURI = keys, found.JWKSURI
	clear(one.verifiers)
	return nil
}
