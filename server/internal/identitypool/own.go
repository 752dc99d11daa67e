package identitypool

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// ownProvider is the Logins key of an identity's own token, with which a client
// gets credentials after its server got the token for it.
const ownProvider = "cognito-identity.amazonaws.com"

// returning admits who comes with the identity's own token. It links nothing: what
// the token says was decided when it was made. It must still be so, though: a user
// who was unlinked since has lost the identity. Tokens of guests and of other logins
// are refused, or a guest could turn into a user with one.
func (s *Service) returning(ctx context.Context, v *visitor, raw string, logins int) error {
	if logins > 1 {
		return invalid("Logins has other tokens beside that of %s.", ownProvider)
	}
	token, err := s.verifyOwn(ctx, v.pool.ID, raw)
	if err != nil {
		return err
	}
	if token.Subject() != v.identity.ID {
		return refused(wire.MessageLoginsDoNotMatch)
	}
	if v.identity.Disabled {
		return wire.IdentityForbidden(v.identity.ID)
	}
	var claims struct {
		Methods []string  `json:"amr"`
		Tags    tagsClaim `json:"https://aws.amazon.com/tags"`
	}
	if err := token.Decode(&claims); err != nil {
		return refused(wire.MessageLoginNotOpenID)
	}
	for _, login := range v.identity.Logins {
		if login.Provider != v.set.DeveloperProviderName || !slices.Contains(claims.Methods, method(login, v.pool.ID)) {
			continue
		}
		p := proven{provider: developer(login.Provider), login: login, client: v.pool.ID, claims: token.Claims(), tags: map[string]string{}}
		for name, values := range claims.Tags.PrincipalTags {
			if len(values) == 1 {
				p.tags[name] = values[0]
			}
		}
		v.logins = []proven{p}
		return nil
	}
	return refused(wire.MessageLoginsDoNotMatch)
}

// developer is the application as a provider.
func developer(name string) provider { return provider{name: name, developer: true} }

// verifyOwn verifies a token of mint's.
func (s *Service) verifyOwn(ctx context.Context, poolID, raw string) (*jwt.IDToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, refused(wire.MessageLoginNotOpenID)
	}
	verifier, err := s.ownVerifier(poolID)
	if err != nil {
		return nil, err
	}
	token, err := verifier.VerifyID(ctx, raw)
	if errors.Is(err, jwt.ErrClient) {
		return nil, refused(wire.MessageLoginsDoNotMatch)
	}
	if err != nil {
		return nil, s.loginRefusal(err, decoded.Claims)
	}
	return token, nil
}

func (s *Service) ownVerifier(poolID string) (*jwt.Verifier, error) {
	if v, ok := s.own.Load(poolID); ok {
		return v.(*jwt.Verifier), nil
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: s.issuer(poolID), ClientIDs: []string{poolID}, OpenID: true,
		Keys: s.keys.Public(poolID), Now: s.clock, CacheSize: 256,
	})
	if err != nil {
		return nil, err
	}
	s.own.Store(poolID, verifier)
	return verifier, nil
}
