package identitypool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// PoolSettings are a pool's settings as they are stored: Cognito's own shapes,
// so that settings without effect are returned as they were sent.
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

// pools reads and changes the stored identity pools.
type pools struct {
	store   storage.Store
	clock   clock
	decoded settings.Cache[PoolSettings]
}

// load reads a pool; callers must not change the settings.
func (p *pools) load(tx storage.Tx, id string) (storage.IdentityPool, *PoolSettings, error) {
	pool, err := tx.IdentityPools.Pool(id)
	if err != nil {
		return pool, nil, notFound(err, wire.IdentityPoolNotFound(id))
	}
	set, err := p.decoded.Decode(pool.ID, pool.Settings)
	return pool, set, err
}

// settings is load in a transaction that reads nothing else.
func (p *pools) settings(ctx context.Context, id string) (set *PoolSettings, err error) {
	err = p.store.View(ctx, func(tx storage.Tx) (err error) {
		_, set, err = p.load(tx, id)
		return err
	})
	return set, err
}

// change writes a pool whose name and settings edit has changed. Edit gets a shallow
// copy of the settings: it replaces their maps and does not write to them.
func (p *pools) change(ctx context.Context, id string, edit func(*storage.IdentityPool, *PoolSettings) error) error {
	return p.store.Update(ctx, func(tx storage.Tx) error {
		pool, set, err := p.load(tx, id)
		if err != nil {
			return err
		}
		changed := *set
		if err := edit(&pool, &changed); err != nil {
			return err
		}
		if pool.Settings, err = settings.Encode(&changed); err != nil {
			return err
		}
		pool.ModifiedAt = p.clock.after(pool.ModifiedAt)
		return tx.IdentityPools.Update(pool)
	})
}
