package tokens

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Issuer is the iss claim of a pool's tokens, whether or not there is such a pool.
func (s *Service) Issuer(poolID string) string { return s.issuer(poolID) }

// VerifyID verifies an ID token of a pool, of any app client, as the proof of a
// sign-in. The issuer may be one that the pool had
// before the service's public URL changed. Its errors are those of [jwt.Verifier];
// a pool that does not exist has no keys.
func (s *Service) VerifyID(ctx context.Context, poolID, raw string) (*jwt.IDToken, error) {
	verifier, err := s.idVerifier(ctx, poolID, raw)
	if err != nil {
		return nil, err
	}
	return verifier.VerifyID(ctx, raw)
}

// IDTokenHint reads an ID token of a pool that may have expired, as a logout request brings
// it: the app client that it is for, and the user's sub. Both are empty for a text that no
// key of the pool has signed.
func (s *Service) IDTokenHint(ctx context.Context, poolID, raw string) (clientID, sub string, err error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return "", "", nil
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: s.issuer(poolID), AnyClient: true, Keys: s.keys.Public(poolID), CacheSize: -1,
		Now: decoded.IssuedAt, // whether it has expired since does not matter
	})
	if err != nil {
		return "", "", err
	}
	token, err := verifier.VerifyID(ctx, raw)
	switch {
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return "", "", err
	case err != nil:
		return "", "", nil
	}
	return token.ClientID(), token.Subject(), nil
}

// Active reports whether the session of a verified ID token is live: it was not
// revoked, and its user is there, enabled and has not signed out everywhere since.
// The expiry of its refresh token does not matter, because the ID token expires
// separately.
func (s *Service) Active(ctx context.Context, token *jwt.IDToken) (bool, error) {
	active := false
	err := s.store.View(ctx, func(tx storage.Tx) error {
		session, err := tx.Sessions.Session(token.EventID())
		if err != nil {
			return err
		}
		user, err := tx.Users.BySub(session.PoolID, session.UserSub)
		active = session.UserSub == token.Subject() && session.ClientID == token.ClientID() &&
			session.RevokedAt.IsZero() && session.UserEpoch == user.SignOuts && user.Enabled
		if err == nil && active {
			active, err = s.stands(tx, user, session)
		}
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return active, err
}
