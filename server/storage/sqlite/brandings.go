package sqlite

import (
	"github.com/latchkey-auth/latchkey/server/storage"
)

type brandings struct{ *txn }

func (t brandings) Branding(poolID, clientID string) (b storage.Branding, err error) {
	err = t.one("branding of client "+clientID+" of pool "+poolID,
		`SELECT settings, logo, created_at, modified_at FROM brandings WHERE pool_id = $1 AND coalesce(client_id, '') = $2`,
		func(r *row) {
			b = storage.Branding{
				PoolID: poolID, ClientID: clientID, Settings: r.blob(), Logo: r.blob(), CreatedAt: r.instant(), ModifiedAt: r.instant(),
			}
		}, poolID, clientID)
	return b, err
}

// Put looks for the client in its pool, which no foreign key can: without a client
// the column is NULL.
func (t brandings) Put(b storage.Branding) error {
	if b.ClientID != "" {
		err := t.one("client "+b.ClientID+" of pool "+b.PoolID,
			`SELECT 1 FROM clients WHERE id = $1 AND pool_id = $2`, func(*row) {}, b.ClientID, b.PoolID)
		if err != nil {
			return err
		}
	}
	_, err := t.exec(`INSERT INTO brandings (pool_id, client_id, settings, logo, created_at, modified_at)
		VALUES ($1, nullif($2, ''), $3, $4, $5, $6)
		ON CONFLICT (pool_id, coalesce(client_id, '')) DO UPDATE SET settings = excluded.settings, logo = excluded.logo,
		created_at = excluded.created_at, modified_at = excluded.modified_at`,
		b.PoolID, b.ClientID, b.Settings, b.Logo, b.CreatedAt, b.ModifiedAt)
	return orphaned(err, "pool "+b.PoolID)
}

func (t brandings) Delete(poolID, clientID string) error {
	_, err := t.exec(`DELETE FROM brandings WHERE pool_id = $1 AND coalesce(client_id, '') = $2`, poolID, clientID)
	return err
}
