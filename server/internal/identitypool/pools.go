package identitypool

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// CreateIdentityPool makes an identity pool with the key that signs its OpenID
// tokens. Making the key is slow and happens outside the transaction.
func (s *Service) CreateIdentityPool(ctx context.Context, in *wire.CreateIdentityPoolRequest) (*wire.CreateIdentityPoolResponse, error) {
	if err := s.checkSettings(&in.IdentityPoolSettings); err != nil {
		return nil, err
	}
	id, err := s.idOfPool(ctx, in.IdentityPoolTags)
	if err != nil {
		return nil, err
	}
	data, err := settings.Encode(&PoolSettings{IdentityPoolSettings: in.IdentityPoolSettings})
	if err != nil {
		return nil, err
	}
	signing, err := s.keys.Create(ctx, id, keys.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	pool := storage.IdentityPool{ID: id, Name: in.IdentityPoolName, Settings: data, CreatedAt: now, ModifiedAt: now}
	err = s.store.Update(ctx, func(tx storage.Tx) error { return insertPool(tx, pool, signing) })
	if err != nil {
		return nil, err
	}
	return &wire.CreateIdentityPoolResponse{IdentityPool: shape(id, in.IdentityPoolSettings)}, nil
}

// idOfPool takes the id from the tag that pins it, or draws one. It looks
// whether a pinned id is free before the key is made; insertPool decides.
func (s *Service) idOfPool(ctx context.Context, tags map[string]string) (string, error) {
	id, pinned := tags[tagging.CustomID]
	if !pinned {
		return newID(s.region), nil
	}
	if !isID(id) {
		return "", invalid("The tag %s must be an identity pool id such as us-east-1:00000000-0000-4000-8000-000000000000: a region, a colon and a UUID, at most %d characters.", tagging.CustomID, maxID)
	}
	err := s.store.View(ctx, func(tx storage.Tx) error {
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

// poolIDTaken is the answer to a pinned id that a pool has already.
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

// checkSettings checks what the constraints of single members cannot.
func (s *Service) checkSettings(w *wire.IdentityPoolSettings) error {
	for i, p := range w.CognitoIdentityProviders {
		if _, ok := s.userPoolOf(p.ProviderName); !ok || p.ClientId == "" {
			return invalid("CognitoIdentityProviders, entry %d: ProviderName must name a user pool of this service, as in cognito-idp.us-east-1.amazonaws.com/us-east-1_Example01, and ClientId an app client of it.", i+1)
		}
	}
	for _, arn := range w.OpenIdConnectProviderARNs {
		if _, ok := openIDName(arn); !ok {
			return invalid("OpenIdConnectProviderARNs: %q is not of the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>.", arn)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.SupportedLoginProviders)) {
		if _, ok := s.userPoolOf(name); ok {
			return invalid("SupportedLoginProviders: %q is a user pool; it belongs into CognitoIdentityProviders.", name)
		}
		if len(audiences(w.SupportedLoginProviders[name])) == 0 {
			return invalid("SupportedLoginProviders: %q has no client id.", name)
		}
	}
	if name := w.DeveloperProviderName; name != "" {
		_, taken := s.provider(&PoolSettings{IdentityPoolSettings: *w}, name)
		if taken || name == ownProvider {
			return invalid("DeveloperProviderName %q is the name of another provider.", name)
		}
	}
	return nil
}

// shape is a pool as answers show it.
func shape(id string, settings wire.IdentityPoolSettings) wire.IdentityPool {
	if settings.AllowClassicFlow == nil {
		settings.AllowClassicFlow = new(false)
	}
	return wire.IdentityPool{IdentityPoolId: id, IdentityPoolSettings: settings}
}

// DescribeIdentityPool shows a pool with its settings.
func (s *Service) DescribeIdentityPool(ctx context.Context, in *wire.DescribeIdentityPoolRequest) (*wire.DescribeIdentityPoolResponse, error) {
	var out wire.DescribeIdentityPoolResponse
	err := s.store.View(ctx, func(tx storage.Tx) error {
		pool, set, err := s.loadPool(tx, in.IdentityPoolId)
		if err == nil {
			out.IdentityPool = shape(pool.ID, set.IdentityPoolSettings)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// UpdateIdentityPool replaces a pool's settings. It removes what the
// request omits, except roles, principal tags and tags, which separate operations set.
func (s *Service) UpdateIdentityPool(ctx context.Context, in *wire.UpdateIdentityPoolRequest) (*wire.UpdateIdentityPoolResponse, error) {
	if err := s.checkSettings(&in.IdentityPoolSettings); err != nil {
		return nil, err
	}
	if err := taggedPool(in.IdentityPoolId).CheckPinned(in.IdentityPoolTags); err != nil {
		return nil, err
	}
	var settings wire.IdentityPoolSettings
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.changePool(tx, in.IdentityPoolId, func(pool *storage.IdentityPool, set *PoolSettings) error {
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
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateIdentityPoolResponse{IdentityPool: shape(in.IdentityPoolId, settings)}, nil
}

// DeleteIdentityPool removes a pool with its identities. Credentials that were
// handed out stay good until they expire.
func (s *Service) DeleteIdentityPool(ctx context.Context, in *wire.DeleteIdentityPoolRequest) (*wire.DeleteIdentityPoolResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return notFound(tx.IdentityPools.Delete(in.IdentityPoolId), wire.IdentityPoolNotFound(in.IdentityPoolId))
	})
	if err != nil {
		return nil, err
	}
	s.settings.Forget(in.IdentityPoolId)
	s.keys.Forget(in.IdentityPoolId)
	return &wire.DeleteIdentityPoolResponse{}, nil
}
