package tokens

import (
	"context"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxIssuers bounds the issuers that a pool remembers, the newest last. An ID token is
// good for a day, so that older ones do not matter.
const maxIssuers = 10

// noteIssuer stores the issuer of the pool's tokens before the first token with it is
// signed: the service may have another public URL the next time.
func (s *Service) noteIssuer(ctx context.Context, a *pool.App) error {
	issuer := s.issuer(a.Pool.ID)
	if slices.Contains(a.PoolSettings.Issuers, issuer) {
		return nil
	}
	return s.store.Update(ctx, func(tx storage.Tx) error {
		row, set, err := s.pools.LoadPool(tx, a.Pool.ID)
		if err != nil || slices.Contains(set.Issuers, issuer) {
			return err
		}
		changed := *set
		changed.Issuers = append(slices.Clone(set.Issuers), issuer)
		changed.Issuers = changed.Issuers[max(0, len(changed.Issuers)-maxIssuers):]
		if row.Settings, err = settings.Encode(&changed); err != nil {
			return err
		}
		row.ModifiedAt = s.pools.After(row.ModifiedAt)
		return tx.Pools.Update(row)
	})
}

// KnownIssuer reports whether a pool signs tokens with an issuer, or did before the
// service's public URL changed. The scheme of the issuer may be left out.
func (s *Service) KnownIssuer(ctx context.Context, poolID, issuer string) (known bool, err error) {
	same := func(other string) bool {
		_, bare, _ := strings.Cut(other, "://")
		return issuer == other || issuer == bare
	}
	if same(s.issuer(poolID)) {
		return true, nil
	}
	err = s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, poolID)
		if err == nil {
			known = slices.ContainsFunc(set.Issuers, same)
		}
		return err
	})
	if wire.IsException(err, wire.ResourceNotFoundException) {
		return false, nil
	}
	return known, err
}

// idVerifier is the verifier for an ID token of a pool: for the issuer of today, or for
// the token's own if that is one of the pool's from before.
func (s *Service) idVerifier(ctx context.Context, poolID, raw string) (*jwt.Verifier, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil || decoded.Issuer() == s.issuer(poolID) {
		return s.verifier(poolID)
	}
	issuer := decoded.Issuer()
	key := poolID + " " + issuer
	if v, ok := s.former.Load(key); ok {
		return v.(*jwt.Verifier), nil
	}
	known, err := s.KnownIssuer(ctx, poolID, issuer)
	if err != nil {
		return nil, err
	}
	if !known || !strings.Contains(issuer, "://") {
		return s.verifier(poolID)
	}
	v, err := jwt.NewVerifier(jwt.Config{Issuer: issuer, AnyClient: true, Keys: s.keys.Public(poolID), Now: s.clock})
	if err == nil {
		s.former.Store(key, v)
	}
	return v, err
}
