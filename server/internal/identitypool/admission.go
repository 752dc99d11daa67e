package identitypool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// admission decides which identity a caller may use.
type admission struct {
	store  storage.Store
	pools  *pools
	logins *loginVerifier
	linker *linker
	guests *guests
	tokens *identityTokens
}

// visitor is a caller whose identity is decided.
type visitor struct {
	pool     storage.IdentityPool
	set      *PoolSettings
	identity storage.Identity
	logins   []proven // none for a guest
}

// flow is what the caller requests for an identity.
type flow int

const (
	enhancedFlow flow = iota // credentials
	classicFlow              // the identity's own token, if the pool allows it
)

// identify returns the identity of logins in a pool: the one that they have, or a new
// one. Without logins it is a new guest's.
func (a *admission) identify(ctx context.Context, poolID string, logins wire.Parameters) (storage.Identity, error) {
	set, err := a.pools.settings(ctx, poolID)
	if err != nil {
		return storage.Identity{}, err
	}
	if len(logins) == 0 && !isTrue(set.AllowUnauthenticatedIdentities) {
		return storage.Identity{}, refused(wire.MessageGuestsNotSupported)
	}
	proven, err := a.logins.prove(ctx, set, logins)
	if err != nil {
		return storage.Identity{}, err
	}
	return a.linker.owner(ctx, poolID, "", proven)
}

// admit admits a caller to an identity. The identity of a guest needs only its id, that
// of a user a proof of one of its logins. With logins a guest's identity becomes the
// user's, or the visitor gets the identity that the user already has.
func (a *admission) admit(ctx context.Context, identityID string, logins wire.Parameters, f flow) (*visitor, error) {
	v := &visitor{}
	err := a.store.View(ctx, func(tx storage.Tx) (err error) {
		if v.identity, err = tx.Identities.Identity(identityID); err != nil {
			return notFound(err, wire.IdentityNotFound(identityID))
		}
		v.pool, v.set, err = a.pools.load(tx, v.identity.PoolID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if f == classicFlow && !isTrue(v.set.AllowClassicFlow) {
		return nil, invalid(wire.MessageBasicFlowDisabled)
	}
	if len(logins) == 0 {
		if err := v.guest(); err != nil {
			return v, err
		}
		return v, a.guests.note(ctx, v.identity)
	}
	if token, ok := logins[ownProvider]; ok {
		return v, a.returning(ctx, v, token, len(logins))
	}
	if v.logins, err = a.logins.prove(ctx, v.set, logins); err != nil {
		return nil, err
	}
	v.identity, err = a.linker.owner(ctx, v.pool.ID, identityID, v.logins)
	return v, err
}

// guest returns an error unless the visitor's identity is a guest's and guests are allowed.
func (v *visitor) guest() error {
	switch {
	case v.identity.Disabled || len(v.identity.Logins) > 0:
		return wire.IdentityForbidden(v.identity.ID)
	case !isTrue(v.set.AllowUnauthenticatedIdentities):
		return refused(wire.MessageGuestsNotSupported)
	}
	return nil
}
