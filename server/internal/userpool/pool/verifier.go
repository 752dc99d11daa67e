package pool

import (
	"github.com/latchkey-auth/latchkey/server/storage"
)

// NamesBySub reports whether users of the pool sign in under more than one name.
// Verifiers are bound to the sub there: USER_ID_FOR_SRP must not tell which user a
// name belongs to.
func (p *Settings) NamesBySub() bool {
	return len(p.UsernameAttributes)+len(p.AliasAttributes) > 0
}

// verifierName gives the name that a new verifier of user is bound to.
func (p *Settings) verifierName(user storage.User) string {
	if p.NamesBySub() {
		return user.Sub
	}
	return user.Username
}

// SealVerifier seals a verifier that is bound to the user's verifierName.
func (s *Passwords) SealVerifier(set *Settings, user storage.User, v []byte) []byte {
	purpose := purposeVerifier
	if set.NamesBySub() {
		purpose = purposeSubVerifier
	}
	return s.box.Seal(purpose, v, verifierContext(user))
}

// UnsealVerifier opens a sealed verifier of user and gives the name that it is
// bound to: the sub, or the user name in a pool without aliases. Verifiers from
// before the sub was used stay bound to the user name.
func (s *Passwords) UnsealVerifier(set *Settings, user storage.User, sealed []byte) (v []byte, name string, err error) {
	if set.NamesBySub() {
		if v, err = s.box.Open(purposeSubVerifier, sealed, verifierContext(user)); err == nil {
			return v, user.Sub, nil
		}
	}
	v, err = s.box.Open(purposeVerifier, sealed, verifierContext(user))
	return v, user.Username, err
}

// verifierContext binds a sealed verifier to its user.
func verifierContext(u storage.User) []byte { return []byte(u.PoolID + "/" + u.Sub) }

// VerifierSize is the length of an SRP verifier in the 3072-bit group.
const VerifierSize = 384
