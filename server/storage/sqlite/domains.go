package sqlite

import (
	"github.com/latchkey-auth/latchkey/server/storage"
)

type domains struct{ *txn }

const domainColumns = `name, pool_id, settings, created_at, modified_at`

func scanDomain(r *row) storage.Domain {
	return storage.Domain{
		Name: r.text(), PoolID: r.text(), Settings: r.blob(), CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func (t domains) Insert(d storage.Domain) error {
	err := t.insert("domain "+d.Name,
		`INSERT INTO domains (`+domainColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		d.Name, d.PoolID, d.Settings, d.CreatedAt, d.ModifiedAt)
	return orphaned(err, "pool "+d.PoolID)
}

func (t domains) Domain(name string) (d storage.Domain, err error) {
	err = t.one("domain "+name, `SELECT `+domainColumns+` FROM domains WHERE name = $1`,
		func(r *row) { d = scanDomain(r) }, name)
	return d, err
}

func (t domains) Update(d storage.Domain) error {
	return t.change("domain "+d.Name+" of pool "+d.PoolID,
		`UPDATE domains SET settings = $3, created_at = $4, modified_at = $5 WHERE name = $1 AND pool_id = $2`,
		d.Name, d.PoolID, d.Settings, d.CreatedAt, d.ModifiedAt)
}

func (t domains) Delete(name string) error {
	return t.change("domain "+name, `DELETE FROM domains WHERE name = $1`, name)
}

func (t domains) List(poolID string) (list []storage.Domain, err error) {
	err = t.query(`SELECT `+domainColumns+` FROM domains WHERE pool_id = $1 ORDER BY name`,
		func(r *row) error {
			list = append(list, scanDomain(r))
			return nil
		}, poolID)
	return list, err
}

type resources struct{ *txn }

const resourceColumns = `pool_id, identifier, name, settings, created_at, modified_at`

func scanResource(r *row) storage.ResourceServer {
	return storage.ResourceServer{
		PoolID: r.text(), Identifier: r.text(), Name: r.text(), Settings: r.blob(),
		CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func resourceName(poolID, identifier string) string {
	return "resource server " + identifier + " in pool " + poolID
}

func (t resources) Insert(r storage.ResourceServer) error {
	err := t.insert(resourceName(r.PoolID, r.Identifier),
		`INSERT INTO resource_servers (`+resourceColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		r.PoolID, r.Identifier, r.Name, r.Settings, r.CreatedAt, r.ModifiedAt)
	return orphaned(err, "pool "+r.PoolID)
}

func (t resources) ResourceServer(poolID, identifier string) (found storage.ResourceServer, err error) {
	err = t.one(resourceName(poolID, identifier),
		`SELECT `+resourceColumns+` FROM resource_servers WHERE pool_id = $1 AND identifier = $2`,
		func(r *row) { found = scanResource(r) }, poolID, identifier)
	return found, err
}

func (t resources) Update(r storage.ResourceServer) error {
	return t.change(resourceName(r.PoolID, r.Identifier),
		`UPDATE resource_servers SET name = $3, settings = $4, created_at = $5, modified_at = $6
		WHERE pool_id = $1 AND identifier = $2`,
		r.PoolID, r.Identifier, r.Name, r.Settings, r.CreatedAt, r.ModifiedAt)
}

func (t resources) Delete(poolID, identifier string) error {
	return t.change(resourceName(poolID, identifier),
		`DELETE FROM resource_servers WHERE pool_id = $1 AND identifier = $2`, poolID, identifier)
}

func (t resources) List(poolID, after string, limit int) (list []storage.ResourceServer, err error) {
	err = t.query(`SELECT `+resourceColumns+` FROM resource_servers
		WHERE pool_id = $1 AND identifier > $2 ORDER BY identifier LIMIT $3 + 0`,
		func(r *row) error {
			list = append(list, scanResource(r))
			return nil
		}, poolID, after, max(limit, 0))
	return list, err
}
