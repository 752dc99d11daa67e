package userpool

import "github.com/latchkey-auth/latchkey/server/storage"

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

// verifierContext binds a sealed verifier to its user.
func verifierContext(u storage.User) []byte { return []byte(u.PoolID + "/" + u.Sub) }
