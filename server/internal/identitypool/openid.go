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
func (lv *loginVerifier) proveOpenID(ctx context.Context, p provider, raw string) (*jwt.IDToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, refused(wire.MessageLoginNotOpenID)
	}
	issuer := decoded.Issuer()
	if withoutScheme(issuer) != p.issuer || !hasScheme(issuer) || lv.remotes.Reach().CheckURL(issuer) != nil {
		return nil, refused(wire.MessageLoginIssuerMismatch)
	}
	if len(p.clients) == 0 {
		lv.log.WarnContext(ctx, "no audience is configured for a login provider", "provider", p.issuer)
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	verifier, err := lv.remotes.Verifier(ctx, issuer, slices.Sorted(maps.Keys(p.clients)))
	if err != nil {
		return nil, lv.unavailable(ctx, issuer, err)
	}
	token, err := verifier.VerifyID(ctx, raw)
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return nil, lv.unavailable(ctx, issuer, err)
	}
	return nil, loginRefusal(err, decoded.Claims(), lv.clock)
}

// unavailable is the answer if a provider's keys cannot be fetched. It is not a
// refusal, after which clients discard their session.
func (lv *loginVerifier) unavailable(ctx context.Context, issuer string, err error) error {
	lv.log.WarnContext(ctx, "a login provider does not answer", "issuer", issuer, "error", err)
	return wire.NewException(wire.ExternalServiceException, wire.MessageProviderUnavailable)
}
