package userpool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// namesBySub reports whether users of the pool sign in under more than one name.
// Verifiers are bound to the sub there: USER_ID_FOR_SRP must not tell which user a
// name belongs to.
func (p *PoolSettings) namesBySub() bool {
	return len(p.UsernameAttributes)+len(p.AliasAttributes) > 0
}

// verifierName gives the name that a new verifier of user is bound to.
func (p *PoolSettings) verifierName(user storage.User) string {
	if p.namesBySub() {
		return user.Sub
	}
	return user.Username
}

// sealVerifier seals a verifier that is bound to the user's verifierName.
func (s *Service) sealVerifier(set *PoolSettings, user storage.User, v []byte) []byte {
	purpose := purposeVerifier
	if set.namesBySub() {
		purpose = purposeSubVerifier
	}
	return s.box.Seal(purpose, v, verifierContext(user))
}

// unsealVerifier opens a sealed verifier of user and gives the name that it is
// bound to: the sub, or the user name in a pool without aliases. Verifiers from
// before the sub was used stay bound to the user name.
func (s *Service) unsealVerifier(set *PoolSettings, user storage.User, sealed []byte) (v []byte, name string, err error) {
	if set.namesBySub() {
		if v, err = s.box.Open(purposeSubVerifier, sealed, verifierContext(user)); err == nil {
			return v, user.Sub, nil
		}
	}
	v, err = s.box.Open(purposeVerifier, sealed, verifierContext(user))
	return v, user.Username, err
}

// HasPassword reports whether a user can sign in with a password: the user exists,
// is enabled and confirmed, and the password is the user's. It counts no attempt, so
// it is not for passwords that callers of the service send.
func (s *Service) HasPassword(ctx context.Context, poolID, username string, password wire.Sensitive) (bool, error) {
	set, user, err := s.viewUser(ctx, poolID, username)
	if wire.IsException(err, wire.UserNotFoundException) {
		return false, nil
	}
	if err != nil || len(user.Verifier) == 0 || s.accountRefusal(user) != nil {
		return false, err
	}
	v, name, err := s.unsealVerifier(set, user, user.Verifier)
	if err != nil {
		return false, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return srp.Verifier{Salt: user.Salt, V: v}.Matches(srpPool(poolID), name, string(password)), nil
}

// verifierContext binds a sealed verifier to its user.
func verifierContext(u storage.User) []byte { return []byte(u.PoolID + "/" + u.Sub) }
