package tokens

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Caller is who holds an access token: the token's user, as stored now.
type Caller struct {
	App     *pool.App
	User    storage.User
	Session storage.Session
}

// Authorize verifies an access token of one of the pools, and that neither it
// nor its user was revoked. It demands the scope of API sign-ins.
func (s *Service) Authorize(ctx context.Context, raw wire.Sensitive) (*Caller, error) {
	token, err := s.verify(ctx, string(raw))
	if err != nil {
		return nil, err
	}
	if !token.HasScope(scopeAPI) {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageAccessTokenScopes)
	}
	c := &Caller{}
	err = s.store.View(ctx, func(tx storage.Tx) error { return s.loadCaller(tx, c, token) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// verify checks signature, issuer, use and time of an access token.
func (s *Service) verify(ctx context.Context, raw string) (*jwt.AccessToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidAccessToken)
	}
	issuer := decoded.Issuer()
	poolID := issuer[strings.LastIndexByte(issuer, '/')+1:]
	if s.issuer(poolID) != issuer {
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidAccessToken)
	}
	verifier, err := s.verifier(poolID)
	if err != nil {
		return nil, err
	}
	token, err := verifier.VerifyAccess(ctx, raw)
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, jwt.ErrSignature), errors.Is(err, jwt.ErrUnknownKey):
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageAccessTokenSignature)
	case errors.Is(err, jwt.ErrExpired):
		return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageAccessTokenExpired)
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return nil, err
	}
	return nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidAccessToken)
}

// verifier gives the pool's verifier, made at first use. Pool ids that come
// here have this service's issuer; one that names no pool has no keys and
// never verifies, and is not kept.
func (s *Service) verifier(poolID string) (*jwt.Verifier, error) {
	if v, ok := s.verifiers.Load(poolID); ok {
		return v.(*jwt.Verifier), nil
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: s.issuer(poolID), AnyClient: true, Keys: s.keys.Public(poolID), Now: s.clock,
	})
	if err != nil {
		return nil, err
	}
	known := s.store.View(context.Background(), func(tx storage.Tx) error {
		_, err := tx.Pools.Pool(poolID)
		return err
	})
	if known == nil {
		s.verifiers.Store(poolID, v)
	}
	return v, nil
}

// loadCaller finds the token's session and user, and refuses what was revoked
// since the token was signed.
func (s *Service) loadCaller(tx storage.Tx, c *Caller, token *jwt.AccessToken) (err error) {
	revoked := wire.NewException(wire.NotAuthorizedException, wire.MessageAccessTokenRevoked)
	if c.Session, err = tx.Sessions.Session(token.EventID()); err != nil {
		return pool.NotFound(err, revoked)
	}
	if c.Session.UserSub != token.Subject() || c.Session.ClientID != token.ClientID() {
		return revoked
	}
	if c.User, err = tx.Users.BySub(c.Session.PoolID, token.Subject()); err != nil {
		return pool.NotFound(err, wire.UserNotFound())
	}
	if !c.Session.RevokedAt.IsZero() || c.Session.UserEpoch != c.User.SignOuts {
		return revoked
	}
	if refusal := s.passwords.AccountRefusal(c.User); refusal != nil {
		return refusal
	}
	stands, err := s.stands(tx, c.User, c.Session)
	if err == nil && !stands {
		err = revoked
	}
	if err != nil {
		return err
	}
	c.App, err = s.pools.LoadApp(tx, c.Session.ClientID)
	return err
}
