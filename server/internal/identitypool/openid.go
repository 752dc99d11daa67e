package identitypool

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// proveOpenID verifies an ID token of another provider.
func (s *Service) proveOpenID(ctx context.Context, p provider, raw string) (*jwt.IDToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, refused(wire.MessageLoginNotOpenID)
	}
	issuer := decoded.Claims.Issuer()
	if withoutScheme(issuer) != p.issuer || !hasScheme(issuer) || s.remotes.Reach().CheckURL(issuer) != nil {
		return nil, refused(wire.MessageLoginIssuerMismatch)
	}
	if len(p.clients) == 0 {
		s.log.WarnContext(ctx, "no audience is configured for a login provider", "provider", p.issuer)
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	verifier, err := s.remotes.Verifier(ctx, issuer, slices.Sorted(maps.Keys(p.clients)))
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
