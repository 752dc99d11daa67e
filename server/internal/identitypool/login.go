package identitypool

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// proven is a login whose token was verified.
type proven struct {
	provider provider
	login    storage.Login
	client   string // the app client or audience of the token
	claims   jwt.Claims
	// tags are principal tags that were decided already; nil for the pool to map.
	tags map[string]string
}

// prove verifies every token of Logins, in the order of the keys. One that is
// refused refuses the call: a caller who sends a bad token is not to be served by
// leaving it out.
func (s *Service) prove(ctx context.Context, set *PoolSettings, logins wire.Parameters) ([]proven, error) {
	var list []proven
	for _, key := range slices.Sorted(maps.Keys(logins)) {
		p, ok, err := s.loginProvider(ctx, set, key)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, refused(wire.MessageUnsupportedProvider)
		}
		if slices.ContainsFunc(list, func(other proven) bool { return other.provider.name == p.name }) {
			return nil, invalid("Logins has two tokens of the provider %s.", p.name)
		}
		one, err := s.proveOne(ctx, p, logins[key])
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (s *Service) proveOne(ctx context.Context, p provider, token string) (proven, error) {
	verify := s.proveOpenID
	if p.userPool != "" {
		verify = s.proveUserPool
	}
	verified, err := verify(ctx, p, token)
	if err != nil {
		return proven{}, err
	}
	claims := verified.Claims()
	return proven{
		provider: p, login: storage.Login{Provider: p.name, Subject: claims.Subject()},
		client: p.client(claims.Audience()), claims: claims,
	}, nil
}

// client is the accepted one of a token's audiences.
func (p provider) client(audience []string) string {
	for _, client := range audience {
		if _, ok := p.clients[client]; ok {
			return client
		}
	}
	return ""
}

// proveUserPool verifies an ID token of one of this service's user pools.
func (s *Service) proveUserPool(ctx context.Context, p provider, raw string) (*jwt.IDToken, error) {
	token, err := s.userPools.VerifyID(ctx, p.userPool, raw)
	if err != nil {
		return nil, s.userPoolRefusal(ctx, p, raw, err)
	}
	check, ok := p.clients[token.ClientID()]
	if !ok {
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	if check {
		active, err := s.userPools.Active(ctx, token)
		if err != nil {
			return nil, err
		}
		if !active {
			return nil, refused(wire.MessageTokenInactive)
		}
	}
	return token, nil
}

// userPoolRefusal says first what can be seen without a key.
func (s *Service) userPoolRefusal(ctx context.Context, p provider, raw string, err error) error {
	decoded, malformed := jwt.Decode(raw)
	if malformed != nil {
		return refused(wire.MessageLoginNotCognito)
	}
	known, failure := s.userPools.KnownIssuer(ctx, p.userPool, decoded.Claims.Issuer())
	switch {
	case failure != nil:
		return failure
	case !known:
		return refused(wire.MessageLoginIssuerMismatch)
	}
	return s.loginRefusal(err, decoded.Claims)
}

// loginRefusal puts Cognito's words for what is wrong with a token. The verifier
// reports an expired token only when its signature is right, so the exp that is
// repeated is the issuer's.
func (s *Service) loginRefusal(err error, claims jwt.Claims) error {
	switch {
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return err
	case errors.Is(err, jwt.ErrExpired):
		return wire.LoginTokenExpired(s.clock().Unix(), claims.Expiry().Unix())
	case errors.Is(err, jwt.ErrNotYetValid):
		return refused(wire.MessageLoginNotYetValid)
	case errors.Is(err, jwt.ErrIssuer):
		return refused(wire.MessageLoginIssuerMismatch)
	case errors.Is(err, jwt.ErrUse):
		return refused(wire.MessageLoginMissingAudience)
	case errors.Is(err, jwt.ErrClient):
		return refused(wire.MessageUnsupportedProvider)
	}
	return refused(wire.MessageLoginSignature)
}
