package sqlite

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type codes struct{ *txn }

func (t codes) Code(poolID, sub, purpose string) (c storage.Code, err error) {
	err = t.one("code for "+purpose+" of user "+sub+" in pool "+poolID,
		`SELECT pool_id, user_sub, purpose, hash, address, tries, created_at, expires_at FROM codes
		WHERE pool_id = $1 AND user_sub = $2 AND purpose = $3`,
		func(r *row) {
			c = storage.Code{PoolID: r.text(), UserSub: r.text(), Purpose: r.text(), Hash: r.blob(), Address: r.text()}
			c.Tries, c.CreatedAt, c.ExpiresAt = int(r.integer()), r.instant(), r.instant()
		}, poolID, sub, purpose)
	return c, err
}

func (t codes) Put(c storage.Code) error {
	_, err := t.exec(`INSERT INTO codes (pool_id, user_sub, purpose, hash, address, tries, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (pool_id, user_sub, purpose) DO UPDATE SET hash = excluded.hash, address = excluded.address,
		tries = excluded.tries, created_at = excluded.created_at, expires_at = excluded.expires_at`,
		c.PoolID, c.UserSub, c.Purpose, c.Hash, c.Address, c.Tries, c.CreatedAt, c.ExpiresAt)
	return orphaned(err, "user "+c.UserSub+" in pool "+c.PoolID)
}

func (t codes) Delete(poolID, sub, purpose string) error {
	_, err := t.exec(`DELETE FROM codes WHERE pool_id = $1 AND user_sub = $2 AND purpose = $3`, poolID, sub, purpose)
	return err
}

func (t codes) Prune(before time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM codes WHERE (pool_id, user_sub, purpose) IN
		(SELECT pool_id, user_sub, purpose FROM codes WHERE expires_at IS NULL OR expires_at < $1 LIMIT $2 + 0)`,
		before, max(limit, 0))
	return int(n), err
}
