package userpool

import (
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// ownProviderName is the name of the user pool itself among the providers of a client
// (SupportedIdentityProviders).
const ownProviderName = "COGNITO"

// signedInAt is the provider at which a user signed in. Where that was not noted, a user of
// an identity provider signed in there, and any other user with a password here.
func signedInAt(user storage.User, noted string) string {
	if noted != "" {
		return noted
	}
	if !isExternal(user) {
		return ownProviderName
	}
	for _, one := range activeIdentities(user) {
		if one.Primary {
			return one.ProviderName
		}
	}
	return "" // it was disabled for the user
}

// vouched reports whether a sign-in at a provider still stands: the provider exists, and
// the user has an identity there, of an issuer that the provider has. A sign-in at the pool
// itself needs neither.
func (s *Service) vouched(tx storage.Tx, user storage.User, provider string) (bool, error) {
	switch provider {
	case ownProviderName:
		return true, nil
	case "":
		return false, nil
	}
	p, set, err := s.loadProvider(tx, user.PoolID, provider)
	if wire.IsException(err, wire.ResourceNotFoundException) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(activeIdentities(user), func(one identity) bool {
		return set.isOf(one, p, one.UserID)
	}), err
}
