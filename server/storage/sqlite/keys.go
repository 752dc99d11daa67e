package sqlite

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type keys struct{ *txn }

func (t keys) Insert(k storage.Key) error {
	if err := t.changes(); err != nil {
		return err
	}
	err := t.one("pool "+k.PoolID, `SELECT 1 FROM pools WHERE id = $1 UNION ALL SELECT 1 FROM identity_pools WHERE id = $1`,
		func(*row) {}, k.PoolID)
	if err != nil {
		return err
	}
	return t.insert("key "+k.ID+" in pool "+k.PoolID,
		`INSERT INTO signing_keys (pool_id, id, use, public_key, private_key, created_at, active_at, retire_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		k.PoolID, k.ID, k.Use, k.Public, k.Private, k.CreatedAt, k.ActiveAt, k.RetireAt)
}

func (t keys) Update(k storage.Key) error {
	return t.change("key "+k.ID+" in pool "+k.PoolID,
		`UPDATE signing_keys SET use = $3, public_key = $4, private_key = $5, created_at = $6, active_at = $7, retire_at = $8
		WHERE pool_id = $1 AND id = $2`,
		k.PoolID, k.ID, k.Use, k.Public, k.Private, k.CreatedAt, k.ActiveAt, k.RetireAt)
}

func (t keys) Delete(poolID, id string) error {
	return t.change("key "+id+" in pool "+poolID,
		`DELETE FROM signing_keys WHERE pool_id = $1 AND id = $2`, poolID, id)
}

// List sorts a NULL time, which stands for the zero Time, first.
func (t keys) List(poolID string) ([]storage.Key, error) {
	var list []storage.Key
	err := t.query(`SELECT pool_id, id, use, public_key, private_key, created_at, active_at, retire_at
		FROM signing_keys WHERE pool_id = $1 ORDER BY created_at NULLS FIRST, id`, func(r *row) error {
		list = append(list, storage.Key{
			PoolID: r.text(), ID: r.text(), Use: r.text(), Public: r.blob(), Private: r.blob(),
			CreatedAt: r.instant(), ActiveAt: r.instant(), RetireAt: r.instant(),
		})
		return nil
	}, poolID)
	return list, err
}

type attempts struct{ *txn }

func (t attempts) Attempt(key string) (storage.Attempt, error) {
	a := storage.Attempt{Key: key}
	err := t.query(`SELECT failures, last_at, locked_until FROM attempts WHERE id = $1`, func(r *row) error {
		a.Failures, a.LastAt, a.LockedUntil = int(r.integer()), r.instant(), r.instant()
		return nil
	}, key)
	return a, err
}

func (t attempts) Put(a storage.Attempt) error {
	_, err := t.exec(`INSERT INTO attempts (id, failures, last_at, locked_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET failures = $2, last_at = $3, locked_until = $4`,
		a.Key, a.Failures, a.LastAt, a.LockedUntil)
	return err
}

func (t attempts) Delete(key string) error {
	_, err := t.exec(`DELETE FROM attempts WHERE id = $1`, key)
	return err
}

// Prune counts a counter that was never touched as touched long ago.
func (t attempts) Prune(before time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM attempts WHERE id IN
		(SELECT id FROM attempts WHERE last_at IS NULL OR last_at < $1 LIMIT $2 + 0)`, before, max(limit, 0))
	return int(n), err
}

type spent struct{ *txn }

func (t spent) Spend(id string, until time.Time) (bool, error) {
	n, err := t.exec(`INSERT INTO spent (id, until_time) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, until)
	return n == 1, err
}

func (t spent) Used(id string) (used bool, err error) {
	err = t.query(`SELECT 1 FROM spent WHERE id = $1`, func(*row) error {
		used = true
		return nil
	}, id)
	return used, err
}

func (t spent) Prune(before time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM spent WHERE id IN
		(SELECT id FROM spent WHERE until_time < $1 LIMIT $2 + 0)`, before, max(limit, 0))
	return int(n), err
}
