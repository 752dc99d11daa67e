package identitypool

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// ownProvider is the Logins key of an identity's own token, with which a client
// gets credentials after its server got the token for it.
const ownProvider = "cognito-identity.amazonaws.com"

// returning admits a developer's user by the identity's own token. It links nothing:
// the login was linked when the token was issued. The login must still be linked, so that
// a user who was unlinked since is refused. Tokens of guests and of other logins are
// refused too: with one a guest could become a user.
func (a *admission) returning(ctx context.Context, v *visitor, raw string, logins int) error {
	if logins > 1 {
		return invalid("Logins has other tokens beside that of %s.", ownProvider)
	}
	token, err := a.tokens.verify(ctx, v.pool.ID, raw)
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
