package sqlite

import "github.com/latchkey-auth/latchkey/server/storage"

type history struct{ *txn }

func (t history) Add(p storage.FormerPassword, most int) error {
	_, err := t.exec(`INSERT INTO former_passwords (pool_id, user_sub, epoch, salt, verifier) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pool_id, user_sub, epoch) DO UPDATE SET salt = excluded.salt, verifier = excluded.verifier`,
		p.PoolID, p.UserSub, p.Epoch, p.Salt, p.Verifier)
	if err != nil {
		return orphaned(err, "user "+p.UserSub+" in pool "+p.PoolID)
	}
	_, err = t.exec(`DELETE FROM former_passwords WHERE pool_id = $1 AND user_sub = $2 AND epoch NOT IN
		(SELECT epoch FROM former_passwords WHERE pool_id = $1 AND user_sub = $2 ORDER BY epoch DESC LIMIT $3 + 0)`,
		p.PoolID, p.UserSub, max(most, 0))
	return err
}

func (t history) List(poolID, sub string, limit int) (list []storage.FormerPassword, err error) {
	err = t.query(`SELECT pool_id, user_sub, epoch, salt, verifier FROM former_passwords
		WHERE pool_id = $1 AND user_sub = $2 ORDER BY epoch DESC LIMIT $3 + 0`,
		func(r *row) error {
			list = append(list, storage.FormerPassword{
				PoolID: r.text(), UserSub: r.text(), Epoch: r.integer(), Salt: r.blob(), Verifier: r.blob(),
			})
			return r.err
		}, poolID, sub, max(limit, 0))
	return list, err
}
