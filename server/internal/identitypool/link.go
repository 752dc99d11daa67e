package identitypool

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// linking is what becomes of an identity when logins are proven for it.
type linking struct {
	identity storage.Identity
	fresh    bool              // it is to be made
	changed  bool              // it gets logins
	merged   *storage.Identity // the guest's that it takes the place of
}

// nothing reports whether there is nothing to write.
func (l *linking) nothing() bool { return !l.fresh && !l.changed && l.merged == nil }

// owner finds the identity of proven logins. It decides on a state that stands
// still, and once more in the transaction that writes when there is something to
// write: the sign-ins that came in between then have their say.
func (s *Service) owner(ctx context.Context, poolID, requested string, logins []proven) (storage.Identity, error) {
	var l linking
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		l, err = s.link(tx, poolID, requested, logins)
		return err
	})
	if err != nil || l.nothing() {
		return l.identity, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if l, err = s.link(tx, poolID, requested, logins); err != nil {
			return err
		}
		return l.write(tx)
	})
	return l.identity, err
}

// link decides. requested is the identity that the caller named, or "" for none.
func (s *Service) link(tx storage.Tx, poolID, requested string, logins []proven) (l linking, err error) {
	has, err := hasLogins(tx, poolID, logins)
	if err != nil {
		return l, err
	}
	if requested == "" {
		l.identity, l.fresh = s.fresh(poolID), has == nil
		if has != nil {
			l.identity = *has
		}
	} else {
		asked, err := tx.Identities.Identity(requested)
		if err != nil {
			return l, notFound(err, wire.IdentityNotFound(requested))
		}
		if l, err = answer(asked, has, logins); err != nil {
			return l, err
		}
	}
	return l, l.add(logins, s)
}

// answer decides between the identity that was asked for and the one that has
// the logins, if any has. A developer may add a user to an identity of others', and
// is told of a user who has one already.
func answer(asked storage.Identity, has *storage.Identity, logins []proven) (linking, error) {
	owns := has != nil && has.ID == asked.ID
	trusted := slices.ContainsFunc(logins, func(p proven) bool { return p.provider.developer })
	switch {
	case trusted && asked.Disabled:
		return linking{}, wire.IdentityForbidden(asked.ID)
	case trusted && has != nil && !owns:
		return linking{}, wire.NewException(wire.DeveloperUserAlreadyRegisteredException, wire.MessageDeveloperUserRegistered)
	case trusted:
		return linking{identity: asked}, nil
	case asked.Disabled && (has == nil || asked.MergedInto != has.ID):
		return linking{}, wire.IdentityForbidden(asked.ID)
	case asked.Disabled: // a merge whose answer was lost, asked for again
		return linking{identity: *has}, nil
	case len(asked.Logins) > 0 && !owns:
		return linking{}, refused(wire.MessageLoginsDoNotMatch)
	case has == nil || owns:
		return linking{identity: asked}, nil
	}
	return linking{identity: *has, merged: &asked}, nil
}

// hasLogins finds the one identity that has any of the logins.
func hasLogins(tx storage.Tx, poolID string, logins []proven) (*storage.Identity, error) {
	var has *storage.Identity
	for _, p := range logins {
		identity, err := tx.Identities.Lookup(poolID, p.login)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return nil, err
		case has != nil && has.ID != identity.ID:
			return nil, wire.NewException(wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		default:
			has = &identity
		}
	}
	return has, nil
}

// add gives the identity the logins that it lacks. It has one of each provider.
// A developer's users may share one.
func (l *linking) add(logins []proven, s *Service) error {
	for _, p := range logins {
		if slices.Contains(l.identity.Logins, p.login) {
			continue
		}
		if !p.provider.developer && slices.ContainsFunc(l.identity.Logins, func(other storage.Login) bool { return other.Provider == p.login.Provider }) {
			return wire.NewException(wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		}
		l.identity.Logins, l.changed = append(l.identity.Logins, p.login), true
	}
	if l.changed {
		l.identity.ModifiedAt = s.now()
	}
	if l.merged != nil {
		l.merged.Disabled, l.merged.MergedInto, l.merged.ModifiedAt = true, l.identity.ID, s.now()
	}
	return nil
}

func (l *linking) write(tx storage.Tx) error {
	if l.merged != nil {
		if err := tx.Identities.Update(*l.merged); err != nil {
			return err
		}
	}
	switch {
	case l.fresh:
		return notFound(tx.Identities.Insert(l.identity), wire.IdentityPoolNotFound(l.identity.PoolID))
	case l.changed:
		return tx.Identities.Update(l.identity)
	}
	return nil
}

// fresh is a new identity of nobody's.
func (s *Service) fresh(poolID string) storage.Identity {
	now := s.now()
	return storage.Identity{ID: newID(regionOf(poolID)), PoolID: poolID, CreatedAt: now, ModifiedAt: now}
}
