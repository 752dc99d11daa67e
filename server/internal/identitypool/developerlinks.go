package identitypool

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// developerLinkOperations answers the operations that change which identity a developer's user
// has.
type developerLinkOperations struct {
	store  storage.Store
	pools  *pools
	linker *linker
	clock  clock
}

func (o *developerLinkOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"MergeDeveloperIdentities": wire.Handle(o.merge),
		"UnlinkDeveloperIdentity":  wire.Handle(o.unlink),
	}
}

// check returns an error unless name is the pool's developer provider.
func (o *developerLinkOperations) check(tx storage.Tx, poolID, name string) error {
	_, set, err := o.pools.load(tx, poolID)
	if err == nil && (name == "" || set.DeveloperProviderName != name) {
		return invalid("The identity pool %s has no developer provider %q.", poolID, name)
	}
	return err
}

// merge gives the identity of the destination user all logins of the source user's, which
// is disabled. Two identities with different users of one other provider are not merged.
func (o *developerLinkOperations) merge(ctx context.Context, in *wire.MergeDeveloperIdentitiesRequest) (*wire.MergeDeveloperIdentitiesResponse, error) {
	out := &wire.MergeDeveloperIdentitiesResponse{}
	err := o.store.Update(ctx, func(tx storage.Tx) error {
		if err := o.check(tx, in.IdentityPoolId, in.DeveloperProviderName); err != nil {
			return err
		}
		source, err := developerUser(tx, in.IdentityPoolId, in.DeveloperProviderName, in.SourceUserIdentifier)
		if err != nil {
			return err
		}
		destination, err := developerUser(tx, in.IdentityPoolId, in.DeveloperProviderName, in.DestinationUserIdentifier)
		out.IdentityId = destination.ID
		if err != nil || source.ID == destination.ID {
			return err
		}
		return o.mergeInto(tx, source, destination, in.DeveloperProviderName)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (o *developerLinkOperations) mergeInto(tx storage.Tx, source, destination storage.Identity, developer string) error {
	for _, login := range source.Logins {
		conflict := func(other storage.Login) bool { return other.Provider == login.Provider && login.Provider != developer }
		if slices.ContainsFunc(destination.Logins, conflict) {
			return wire.NewException(wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		}
	}
	destination.Logins = append(destination.Logins, source.Logins...)
	source.Logins, source.Disabled, source.MergedInto = nil, true, destination.ID
	source.ModifiedAt, destination.ModifiedAt = o.clock.now(), o.clock.now()
	return errors.Join(tx.Identities.Update(source), tx.Identities.Update(destination))
}

// unlink removes a developer's user from an identity.
func (o *developerLinkOperations) unlink(ctx context.Context, in *wire.UnlinkDeveloperIdentityRequest) (*wire.UnlinkDeveloperIdentityResponse, error) {
	err := o.store.Update(ctx, func(tx storage.Tx) error {
		if err := o.check(tx, in.IdentityPoolId, in.DeveloperProviderName); err != nil {
			return err
		}
		identity, err := inPool(tx, in.IdentityPoolId, in.IdentityId)
		if err != nil {
			return err
		}
		login := storage.Login{Provider: in.DeveloperProviderName, Subject: in.DeveloperUserIdentifier}
		return o.linker.unlink(tx, identity, func(other storage.Login) bool { return other == login })
	})
	if err != nil {
		return nil, err
	}
	return &wire.UnlinkDeveloperIdentityResponse{}, nil
}
