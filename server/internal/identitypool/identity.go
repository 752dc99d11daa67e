package identitypool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// GetId gives a login's identity, the same at every call and on every device.
// Without Logins it makes a new guest at every call, which the client is to keep.
func (s *Service) GetId(ctx context.Context, in *wire.GetIdRequest) (*wire.GetIdResponse, error) {
	var set *PoolSettings
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		_, set, err = s.loadPool(tx, in.IdentityPoolId)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(in.Logins) == 0 && !isTrue(set.AllowUnauthenticatedIdentities) {
		return nil, refused(wire.MessageGuestsNotSupported)
	}
	logins, err := s.prove(ctx, set, in.Logins)
	if err != nil {
		return nil, err
	}
	identity, err := s.owner(ctx, in.IdentityPoolId, "", logins)
	if err != nil {
		return nil, err
	}
	return &wire.GetIdResponse{IdentityId: identity.ID}, nil
}

// visitor is who an identity was asked for by, once that is decided.
type visitor struct {
	pool     storage.IdentityPool
	set      *PoolSettings
	identity storage.Identity
	logins   []proven // none for a guest
}

// flow is what an identity is asked for.
type flow int

const (
	enhancedFlow flow = iota // credentials
	classicFlow              // the identity's own token, where the pool gives it away
)

// admit decides who may have an identity: a guest's, whoever knows its id; a
// user's, who proves one of its logins. Logins make a guest's identity the
// user's, or lead to the identity that the user has.
func (s *Service) admit(ctx context.Context, identityID string, logins wire.Parameters, f flow) (*visitor, error) {
	v := &visitor{}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if v.identity, err = tx.Identities.Identity(identityID); err != nil {
			return notFound(err, wire.IdentityNotFound(identityID))
		}
		v.pool, v.set, err = s.loadPool(tx, v.identity.PoolID)
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
		return v, s.noteGuest(ctx, v.identity)
	}
	if token, ok := logins[ownProvider]; ok {
		return v, s.returning(ctx, v, token, len(logins))
	}
	if v.logins, err = s.prove(ctx, v.set, logins); err != nil {
		return nil, err
	}
	v.identity, err = s.owner(ctx, v.pool.ID, identityID, v.logins)
	return v, err
}

// guest refuses who is none.
func (v *visitor) guest() error {
	switch {
	case v.identity.Disabled || len(v.identity.Logins) > 0:
		return wire.IdentityForbidden(v.identity.ID)
	case !isTrue(v.set.AllowUnauthenticatedIdentities):
		return refused(wire.MessageGuestsNotSupported)
	}
	return nil
}
