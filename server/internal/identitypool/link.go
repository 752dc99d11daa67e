package identitypool

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// linker assigns identities to logins.
type linker struct {
	store storage.Store
	clock clock
}

// linking is the change to an identity that proven logins cause.
type linking struct {
	identity storage.Identity
	fresh    bool              // it does not exist yet
	changed  bool              // it gets logins
	merged   *storage.Identity // the guest's, which it replaces
}

// nothing reports whether there is nothing to write.
func (l *linking) nothing() bool { return !l.fresh && !l.changed && l.merged == nil }

// owner finds or makes the identity of proven logins. It decides on a read-only
// snapshot, and again in the transaction that writes if there is something to write:
// other sign-ins may have been committed in between.
func (lk *linker) owner(ctx context.Context, poolID, requested string, logins []proven) (storage.Identity, error) {
	var l linking
	err := lk.store.View(ctx, func(tx storage.Tx) (err error) {
		l, err = lk.link(tx, poolID, requested, logins)
		return err
	})
	if err != nil || l.nothing() {
		return l.identity, err
	}
	err = lk.store.Update(ctx, func(tx storage.Tx) (err error) {
		if l, err = lk.link(tx, poolID, requested, logins); err != nil {
			return err
		}
		return l.write(tx)
	})
	return l.identity, err
}

// link decides. requested is the identity that the caller named, or "" for none.
func (lk *linker) link(tx storage.Tx, poolID, requested string, logins []proven) (l linking, err error) {
	has, err := hasLogins(tx, poolID, logins)
	if err != nil {
		return l, err
	}
	if requested == "" {
		l.identity, l.fresh = lk.fresh(poolID), has == nil
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
	return l, l.add(logins, lk.clock.now())
}

// answer decides between the requested identity and the one that has the logins, if any
// has. A developer may add a user to an identity that has other logins; a user who has an
// identity already is an error.
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
	case asked.Disabled: // the client repeats a merge whose answer was lost
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
func (l *linking) add(logins []proven, now time.Time) error {
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
		l.identity.ModifiedAt = now
	}
	if l.merged != nil {
		l.merged.Disabled, l.merged.MergedInto, l.merged.ModifiedAt = true, l.identity.ID, now
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

// fresh is a new identity without logins.
func (lk *linker) fresh(poolID string) storage.Identity {
	now := lk.clock.now()
	return storage.Identity{ID: newID(regionOf(poolID)), PoolID: poolID, CreatedAt: now, ModifiedAt: now}
}

// unlink removes the logins that match from an identity, of which there must be at least
// one. An identity that loses its last login is disabled: it must not become a guest's
// again, whose id others may know.
func (lk *linker) unlink(tx storage.Tx, identity storage.Identity, match func(storage.Login) bool) error {
	before := len(identity.Logins)
	identity.Logins = slices.DeleteFunc(identity.Logins, match)
	if len(identity.Logins) == before {
		return invalid("Identity '%s' has no such login to remove.", identity.ID)
	}
	identity.Disabled = len(identity.Logins) == 0
	identity.ModifiedAt = lk.clock.now()
	return tx.Identities.Update(identity)
}
