package identitypool

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/openid"
)

// Providers says which OpenID providers beyond this service's user pools are
// reached, and how. Their names stand in the settings of identity pools, which only
// an administrator writes; still, what is fetched from them is bounded, and the
// addresses are those of the public Internet unless it says otherwise here.
type Providers struct {
	// Audiences are the client ids whose tokens are accepted of a provider that
	// pools name by an IAM ARN: by issuer without "https://".
	Audiences map[string][]string
	// AllowLoopback admits providers on this machine, over http too.
	AllowLoopback bool
	// AllowPrivate admits providers in private networks (RFC 1918, RFC 4193,
	// RFC 6598). Link-local addresses are never admitted: there clouds keep secrets.
	AllowPrivate bool
	// Roots are the certificate authorities of providers; nil is the system's.
	Roots *x509.CertPool
}

// Reach is the part of it that says where providers may be.
func (p Providers) Reach() openid.Reach {
	return openid.Reach{AllowLoopback: p.AllowLoopback, AllowPrivate: p.AllowPrivate, Roots: p.Roots}
}

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
