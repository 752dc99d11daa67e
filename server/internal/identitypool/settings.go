package identitypool

import (
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// PoolSettings are a pool's settings as they are stored: Cognito's own shapes,
// so that what is not served is still given back as it came.
type PoolSettings struct {
	wire.IdentityPoolSettings
	Roles        map[string]string           `json:",omitzero"`
	RoleMappings map[string]wire.RoleMapping `json:",omitzero"`
	// Tags are the principal tags by provider.
	Tags map[string]TagMap `json:",omitzero"`
}

// TagMap says which claims become principal tags: the claim's name by the tag's.
type TagMap struct {
	UseDefaults   bool              `json:",omitzero"`
	PrincipalTags map[string]string `json:",omitzero"`
}

func (s *Service) loadPool(tx storage.Tx, id string) (storage.IdentityPool, *PoolSettings, error) {
	pool, err := tx.IdentityPools.Pool(id)
	if err != nil {
		return pool, nil, notFound(err, wire.IdentityPoolNotFound(id))
	}
	set, err := s.settings.Decode(pool.ID, pool.Settings)
	return pool, set, err
}

// changePool writes a pool with settings that change has edited. What change is
// given is a copy of its own; the maps in it are to be replaced, not written to.
func (s *Service) changePool(tx storage.Tx, id string, change func(*storage.IdentityPool, *PoolSettings) error) error {
	pool, set, err := s.loadPool(tx, id)
	if err != nil {
		return err
	}
	changed := *set
	if err := change(&pool, &changed); err != nil {
		return err
	}
	if pool.Settings, err = settings.Encode(&changed); err != nil {
		return err
	}
	pool.ModifiedAt = s.after(pool.ModifiedAt)
	return tx.IdentityPools.Update(pool)
}
