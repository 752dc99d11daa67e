package sqlite

import (
	"github.com/latchkey-auth/latchkey/server/storage"
)

type providers struct{ *txn }

const providerColumns = `pool_id, name, settings, created_at, modified_at`

func scanProvider(r *row) storage.IdentityProvider {
	return storage.IdentityProvider{
		PoolID: r.text(), Name: r.text(), Settings: r.blob(), CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func providerName(poolID, name string) string {
	return "identity provider " + name + " of pool " + poolID
}

func (t providers) Insert(p storage.IdentityProvider) error {
	err := t.insert(providerName(p.PoolID, p.Name),
		`INSERT INTO identity_providers (`+providerColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		p.PoolID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
	return orphaned(err, "pool "+p.PoolID)
}

func (t providers) IdentityProvider(poolID, name string) (p storage.IdentityProvider, err error) {
	err = t.one(providerName(poolID, name),
		`SELECT `+providerColumns+` FROM identity_providers WHERE pool_id = $1 AND name = $2`,
		func(r *row) { p = scanProvider(r) }, poolID, name)
	return p, err
}

func (t providers) Update(p storage.IdentityProvider) error {
	return t.change(providerName(p.PoolID, p.Name),
		`UPDATE identity_providers SET settings = $3, created_at = $4, modified_at = $5 WHERE pool_id = $1 AND name = $2`,
		p.PoolID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
}

func (t providers) Delete(poolID, name string) error {
	return t.change(providerName(poolID, name),
		`DELETE FROM identity_providers WHERE pool_id = $1 AND name = $2`, poolID, name)
}

func (t providers) List(poolID, after string, limit int) (list []storage.IdentityProvider, err error) {
	err = t.query(`SELECT `+providerColumns+` FROM identity_providers
		WHERE pool_id = $1 AND name > $2 ORDER BY name LIMIT $3 + 0`,
		func(r *row) error {
			list = append(list, scanProvider(r))
			return nil
		}, poolID, after, max(limit, 0))
	return list, err
}
