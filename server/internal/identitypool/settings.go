package identitypool

import (
	"fmt"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
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

// settingsCache keeps decoded settings until their pool changes. It holds one
// entry a pool.
type settingsCache struct{ entries sync.Map } // id → cachedSettings

type cachedSettings struct {
	modified time.Time
	settings *PoolSettings
}

// decode gives the pool's settings; callers must not change them.
func (c *settingsCache) decode(pool storage.IdentityPool) (*PoolSettings, error) {
	if e, ok := c.entries.Load(pool.ID); ok {
		if entry := e.(cachedSettings); entry.modified.Equal(pool.ModifiedAt) {
			return entry.settings, nil
		}
	}
	settings := new(PoolSettings)
	if err := wire.Unmarshal(pool.Settings, settings); err != nil {
		return nil, fmt.Errorf("identitypool: stored settings of %s: %v", pool.ID, err)
	}
	c.entries.Store(pool.ID, cachedSettings{pool.ModifiedAt, settings})
	return settings, nil
}

func (c *settingsCache) forget(id string) { c.entries.Delete(id) }

func (s *Service) loadPool(tx storage.Tx, id string) (storage.IdentityPool, *PoolSettings, error) {
	pool, err := tx.IdentityPools.Pool(id)
	if err != nil {
		return pool, nil, notFound(err, wire.IdentityPoolNotFound(id))
	}
	set, err := s.settings.decode(pool)
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
	if pool.Settings, err = wire.Marshal(&changed); err != nil {
		return err
	}
	pool.ModifiedAt = s.after(pool.ModifiedAt)
	return tx.IdentityPools.Update(pool)
}
