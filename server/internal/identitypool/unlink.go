package identitypool

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// unlink removes logins from an identity for a caller that proves one of its
// logins. A login that was removed gets a new identity at its next sign-in.
func (a *admission) unlink(ctx context.Context, in *wire.UnlinkIdentityRequest) error {
	var set *PoolSettings
	err := a.store.View(ctx, func(tx storage.Tx) error {
		identity, err := tx.Identities.Identity(in.IdentityId)
		if err == nil {
			_, set, err = a.pools.load(tx, identity.PoolID)
		}
		return notFound(err, wire.IdentityNotFound(in.IdentityId))
	})
	if err != nil {
		return err
	}
	logins, err := a.logins.prove(ctx, set, in.Logins)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, key := range in.LoginsToRemove {
		name := bare(key)
		if p, ok := a.logins.providers.find(set, key); ok {
			name = p.name
		}
		names[name] = true
	}
	return a.store.Update(ctx, func(tx storage.Tx) error {
		identity, err := tx.Identities.Identity(in.IdentityId)
		if err != nil {
			return notFound(err, wire.IdentityNotFound(in.IdentityId))
		}
		if !slices.ContainsFunc(logins, func(p proven) bool { return slices.Contains(identity.Logins, p.login) }) {
			return refused(wire.MessageLoginsDoNotMatch)
		}
		return a.linker.unlink(tx, identity, func(login storage.Login) bool { return names[login.Provider] })
	})
}
