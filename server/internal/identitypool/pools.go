package identitypool

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// poolOperations answers the operations of identity pools.
type poolOperations struct {
	store     storage.Store
	pools     *pools
	providers *providers
	keys      *keys.Ring
	lists     paging.Lists
	region    string
	clock     clock
}

func (o *poolOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"CreateIdentityPool":   wire.Handle(o.create),
		"DescribeIdentityPool": wire.Handle(o.describe),
		"UpdateIdentityPool":   wire.Handle(o.update),
		"DeleteIdentityPool":   wire.Handle(o.delete),
		"ListIdentityPools":    wire.Handle(o.list),
	}
}

// create makes an identity pool with the key that signs its OpenID
// tokens. Making the key is slow and happens outside the transaction.
func (o *poolOperations) create(ctx context.Context, in *wire.CreateIdentityPoolRequest) (*wire.CreateIdentityPoolResponse, error) {
	if err := o.checkSettings(&in.IdentityPoolSettings); err != nil {
		return nil, err
	}
	id, err := o.idOfPool(ctx, in.IdentityPoolTags)
	if err != nil {
		return nil, err
	}
	data, err := settings.Encode(&PoolSettings{IdentityPoolSettings: in.IdentityPoolSettings})
	if err != nil {
		return nil, err
	}
	signing, err := o.keys.Create(ctx, id, keys.ID)
	if err != nil {
		return nil, err
	}
	now := o.clock.now()
	pool := storage.IdentityPool{ID: id, Name: in.IdentityPoolName, Settings: data, CreatedAt: now, ModifiedAt: now}
	err = o.store.Update(ctx, func(tx storage.Tx) error { return insertPool(tx, pool, signing) })
	if err != nil {
		return nil, err
	}
	return &wire.CreateIdentityPoolResponse{IdentityPool: shape(id, in.IdentityPoolSettings)}, nil
}

// idOfPool takes the id from the tag that pins it, or draws one. It looks
// up whether a pinned id is free before the key is made; insertPool decides.
func (o *poolOperations) idOfPool(ctx context.Context, tags map[string]string) (string, error) {
	id, pinned := tags[tagging.CustomID]
	if !pinned {
		return newID(o.region), nil
	}
	if !isID(id) {
		return "", invalid("The tag %s must be an identity pool id such as us-east-1:00000000-0000-4000-8000-000000000000: a region, a colon and a UUID, at most %d characters.", tagging.CustomID, maxID)
	}
	err := o.store.View(ctx, func(tx storage.Tx) error {
		_, err := tx.IdentityPools.Pool(id)
		return err
	})
	switch {
	case err == nil:
		return "", poolIDTaken(id)
	case errors.Is(err, storage.ErrNotFound):
		return id, nil
	}
	return "", err
}

// poolIDTaken is the answer to a pinned id that another pool has.
func poolIDTaken(id string) error {
	return invalid("The identity pool id %s of the tag %s is taken: an identity pool with it exists already.", id, tagging.CustomID)
}

// insertPool writes a pool with its keys, both or neither.
func insertPool(tx storage.Tx, pool storage.IdentityPool, signing []storage.Key) error {
	err := tx.IdentityPools.Insert(pool)
	if errors.Is(err, storage.ErrExists) {
		return poolIDTaken(pool.ID)
	}
	for _, key := range signing {
		if err == nil {
			err = tx.Keys.Insert(key)
		}
	}
	return err
}

// checkSettings checks what the constraints of single members do not cover.
func (o *poolOperations) checkSettings(w *wire.IdentityPoolSettings) error {
	for i, p := range w.CognitoIdentityProviders {
		if _, ok := o.providers.userPoolOf(p.ProviderName); !ok || p.ClientId == "" {
			return invalid("CognitoIdentityProviders, entry %d: ProviderName must name a user pool of this service, as in cognito-idp.us-east-1.amazonaws.com/us-east-1_Example01, and ClientId an app client of it.", i+1)
		}
	}
	for _, arn := range w.OpenIdConnectProviderARNs {
		if _, ok := openIDName(arn); !ok {
			return invalid("OpenIdConnectProviderARNs: %q is not of the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>.", arn)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.SupportedLoginProviders)) {
		if _, ok := o.providers.userPoolOf(name); ok {
			return invalid("SupportedLoginProviders: %q is a user pool; it belongs into CognitoIdentityProviders.", name)
		}
		if len(audiences(w.SupportedLoginProviders[name])) == 0 {
			return invalid("SupportedLoginProviders: %q has no client id.", name)
		}
	}
	if name := w.DeveloperProviderName; name != "" {
		_, taken := o.providers.find(&PoolSettings{IdentityPoolSettings: *w}, name)
		if taken || name == ownProvider {
			return invalid("DeveloperProviderName %q is the name of another provider.", name)
		}
	}
	return nil
}

// shape is a pool in answers.
func shape(id string, settings wire.IdentityPoolSettings) wire.IdentityPool {
	if settings.AllowClassicFlow == nil {
		settings.AllowClassicFlow = new(false)
	}
	return wire.IdentityPool{IdentityPoolId: id, IdentityPoolSettings: settings}
}

// describe returns a pool with its settings.
func (o *poolOperations) describe(ctx context.Context, in *wire.DescribeIdentityPoolRequest) (*wire.DescribeIdentityPoolResponse, error) {
	set, err := o.pools.settings(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	return &wire.DescribeIdentityPoolResponse{IdentityPool: shape(in.IdentityPoolId, set.IdentityPoolSettings)}, nil
}

// update replaces a pool's settings. It removes what the
// request omits, except roles, principal tags and tags, which separate operations set.
func (o *poolOperations) update(ctx context.Context, in *wire.UpdateIdentityPoolRequest) (*wire.UpdateIdentityPoolResponse, error) {
	if err := o.checkSettings(&in.IdentityPoolSettings); err != nil {
		return nil, err
	}
	if err := taggedPool(in.IdentityPoolId).CheckPinned(in.IdentityPoolTags); err != nil {
		return nil, err
	}
	var settings wire.IdentityPoolSettings
	err := o.pools.change(ctx, in.IdentityPoolId, func(pool *storage.IdentityPool, set *PoolSettings) error {
		if name := set.DeveloperProviderName; name != "" && name != in.DeveloperProviderName {
			return invalid("DeveloperProviderName cannot be changed from %q: the logins of its users go by it.", name)
		}
		settings = in.IdentityPoolSettings
		if settings.IdentityPoolTags == nil {
			settings.IdentityPoolTags = set.IdentityPoolTags
		}
		pool.Name, set.IdentityPoolSettings = settings.IdentityPoolName, settings
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateIdentityPoolResponse{IdentityPool: shape(in.IdentityPoolId, settings)}, nil
}

// delete removes a pool with its identities. Credentials that were
// issued before stay good until they expire.
func (o *poolOperations) delete(ctx context.Context, in *wire.DeleteIdentityPoolRequest) (*wire.DeleteIdentityPoolResponse, error) {
	err := o.store.Update(ctx, func(tx storage.Tx) error {
		return notFound(tx.IdentityPools.Delete(in.IdentityPoolId), wire.IdentityPoolNotFound(in.IdentityPoolId))
	})
	if err != nil {
		return nil, err
	}
	o.pools.decoded.Forget(in.IdentityPoolId)
	o.keys.Forget(in.IdentityPoolId)
	return &wire.DeleteIdentityPoolResponse{}, nil
}

// list lists the identity pools by id.
func (o *poolOperations) list(ctx context.Context, in *wire.ListIdentityPoolsRequest) (*wire.ListIdentityPoolsResponse, error) {
	p, err := o.lists.Page(in.NextToken, in.MaxResults, "ListIdentityPools")
	if err != nil {
		return nil, err
	}
	var list []storage.IdentityPool
	err = o.store.View(ctx, func(tx storage.Tx) (err error) {
		list, err = tx.IdentityPools.List(p.After, p.Want())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &wire.ListIdentityPoolsResponse{}
	list, out.NextToken = paging.Turn(p, list, func(pool storage.IdentityPool) string { return pool.ID })
	for _, pool := range list {
		out.IdentityPools = append(out.IdentityPools, wire.IdentityPoolShortDescription{IdentityPoolId: pool.ID, IdentityPoolName: pool.Name})
	}
	return out, nil
}
