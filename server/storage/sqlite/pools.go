package sqlite

import (
	"bytes"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type pools struct{ *txn }

const poolColumns = `id, name, settings, created_at, modified_at`

func scanPool(r *row) *storage.Pool {
	return &storage.Pool{
		ID: r.text(), Name: r.text(), Settings: r.blob(),
		CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func (t pools) Insert(p storage.Pool) error {
	touch(t.txn, t.cache.pools, p.ID)
	return t.insert("pool "+p.ID,
		`INSERT INTO pools (`+poolColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		p.ID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
}

func (t pools) Pool(id string) (storage.Pool, error) {
	p, err := cached(t.txn, t.cache.pools, id, func() (p *storage.Pool, err error) {
		err = t.one("pool "+id, `SELECT `+poolColumns+` FROM pools WHERE id = $1`,
			func(r *row) { p = scanPool(r) }, id)
		return p, err
	})
	if err != nil {
		return storage.Pool{}, err
	}
	clone := *p
	clone.Settings = bytes.Clone(p.Settings)
	return clone, nil
}

func (t pools) Update(p storage.Pool) error {
	touch(t.txn, t.cache.pools, p.ID)
	return t.change("pool "+p.ID,
		`UPDATE pools SET name = $2, settings = $3, created_at = $4, modified_at = $5 WHERE id = $1`,
		p.ID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
}

// Delete relies on the foreign keys for what belongs to the pool.
func (t pools) Delete(id string) error {
	touchEverything(t.txn)
	return t.change("pool "+id, `DELETE FROM pools WHERE id = $1`, id)
}

func (t pools) List(after string, limit int) ([]storage.Pool, error) {
	var list []storage.Pool
	err := t.query(`SELECT `+poolColumns+` FROM pools WHERE id > $1 ORDER BY id LIMIT $2 + 0`,
		func(r *row) error {
			list = append(list, *scanPool(r))
			return nil
		}, after, max(limit, 0))
	return list, err
}

type clients struct{ *txn }

const clientColumns = `id, pool_id, name, secret, settings, created_at, modified_at`

func scanClient(r *row) *storage.Client {
	return &storage.Client{
		ID: r.text(), PoolID: r.text(), Name: r.text(), Secret: r.blob(), Settings: r.blob(),
		CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func (t clients) Insert(c storage.Client) error {
	touch(t.txn, t.cache.clients, c.ID)
	err := t.insert("client "+c.ID,
		`INSERT INTO clients (`+clientColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		c.ID, c.PoolID, c.Name, c.Secret, c.Settings, c.CreatedAt, c.ModifiedAt)
	return orphaned(err, "pool "+c.PoolID)
}

func (t clients) Client(id string) (storage.Client, error) {
	c, err := cached(t.txn, t.cache.clients, id, func() (c *storage.Client, err error) {
		err = t.one("client "+id, `SELECT `+clientColumns+` FROM clients WHERE id = $1`,
			func(r *row) { c = scanClient(r) }, id)
		return c, err
	})
	if err != nil {
		return storage.Client{}, err
	}
	clone := *c
	clone.Secret, clone.Settings = bytes.Clone(c.Secret), bytes.Clone(c.Settings)
	return clone, nil
}

func (t clients) Update(c storage.Client) error {
	touch(t.txn, t.cache.clients, c.ID)
	return t.change("client "+c.ID,
		`UPDATE clients SET name = $3, secret = $4, settings = $5, created_at = $6, modified_at = $7
		WHERE id = $1 AND pool_id = $2`,
		c.ID, c.PoolID, c.Name, c.Secret, c.Settings, c.CreatedAt, c.ModifiedAt)
}

// Delete relies on the foreign keys for the branding and for the sessions, of
// which there may be very many: all of them leave the cache.
func (t clients) Delete(id string) error {
	touch(t.txn, t.cache.clients, id)
	touchAll(t.txn, t.cache.sessions)
	return t.change("client "+id, `DELETE FROM clients WHERE id = $1`, id)
}

func (t clients) List(poolID, after string, limit int) ([]storage.Client, error) {
	var list []storage.Client
	err := t.query(`SELECT `+clientColumns+` FROM clients WHERE pool_id = $1 AND id > $2 ORDER BY id LIMIT $3 + 0`,
		func(r *row) error {
			list = append(list, *scanClient(r))
			return nil
		}, poolID, after, max(limit, 0))
	return list, err
}
