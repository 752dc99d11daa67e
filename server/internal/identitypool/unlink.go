package identitypool

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// UnlinkIdentity takes logins from an identity, for who proves one of its logins.
// A login that was taken away gets an identity of its own when it comes next. An
// identity that loses its last login is disabled: it must not become a guest's
// again, whose id others may know.
func (s *Service) UnlinkIdentity(ctx context.Context, in *wire.UnlinkIdentityRequest) (*wire.UnlinkIdentityResponse, error) {
	var set *PoolSettings
	err := s.store.View(ctx, func(tx storage.Tx) error {
		identity, err := tx.Identities.Identity(in.IdentityId)
		if err == nil {
			_, set, err = s.loadPool(tx, identity.PoolID)
		}
		return notFound(err, wire.IdentityNotFound(in.IdentityId))
	})
	if err != nil {
		return nil, err
	}
	logins, err := s.prove(ctx, set, in.Logins)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, key := range in.LoginsToRemove {
		name := bare(key)
		if p, ok := s.provider(set, key); ok {
			name = p.name
		}
		names[name] = true
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		identity, err := tx.Identities.Identity(in.IdentityId)
		if err != nil {
			return notFound(err, wire.IdentityNotFound(in.IdentityId))
		}
		if !slices.ContainsFunc(logins, func(p proven) bool { return slices.Contains(identity.Logins, p.login) }) {
			return refused(wire.MessageLoginsDoNotMatch)
		}
		return s.unlink(tx, identity, func(login storage.Login) bool { return names[login.Provider] })
	})
	if err != nil {
		return nil, err
	}
	return &wire.UnlinkIdentityResponse{}, nil
}

// unlink takes from an identity the logins that are meant, of which there must be
// one at least.
func (s *Service) unlink(tx storage.Tx, identity storage.Identity, meant func(storage.Login) bool) error {
	before := len(identity.Logins)
	identity.Logins = slices.DeleteFunc(identity.Logins, meant)
	if len(identity.Logins) == before {
		return invalid("Identity '%s' has no such login to remove.", identity.ID)
	}
	identity.Disabled = len(identity.Logins) == 0
	identity.ModifiedAt = s.now()
	return tx.Identities.Update(identity)
}
