package sqlite

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type revocations struct{ *txn }

// One text for each index that can find the sessions.
const (
	appendEnded = `INSERT INTO revocations (pool_id, seq, session_id, origin_jti, at, until_time)
		SELECT pool_id, $6 + row_number() OVER (ORDER BY id), id, origin_jti, $7, refreshed_at + $8
		FROM sessions WHERE pool_id = $1 AND id <> $5 AND revoked_at IS NULL AND refreshed_at + $8 > $7
		AND ($2 = '' OR id = $2) AND ($3 = '' OR user_sub = $3) AND ($4 = '' OR client_id = $4)`
	appendSession = appendEnded + ` AND id = $2`
	appendUser    = appendEnded + ` AND user_sub = $3`
	appendClient  = appendEnded + ` AND client_id = $4`
)

func (t revocations) Append(ended storage.Ended, at time.Time, life time.Duration) (int, error) {
	var sql string
	switch {
	case ended.SessionID != "":
		sql = appendSession
	case ended.UserSub != "":
		sql = appendUser
	case ended.ClientID != "":
		sql = appendClient
	default:
		return 0, t.changes()
	}
	_, last, err := t.Bounds(ended.PoolID)
	if err != nil {
		return 0, err
	}
	before := max(last, at.UnixMicro()-1)
	n, err := t.exec(sql, ended.PoolID, ended.SessionID, ended.UserSub, ended.ClientID, ended.Except,
		before, at, life.Microseconds())
	if err != nil || n == 0 {
		return 0, err
	}
	_, err = t.exec(`INSERT INTO revocation_feeds (pool_id, pruned_seq, last_seq) VALUES ($1, 0, $2)
		ON CONFLICT (pool_id) DO UPDATE SET last_seq = $2`, ended.PoolID, before+n)
	return int(n), err
}

func (t revocations) List(poolID string, after int64, limit int) ([]storage.Revocation, error) {
	var list []storage.Revocation
	err := t.query(`SELECT pool_id, seq, session_id, origin_jti, at, until_time FROM revocations
		WHERE pool_id = $1 AND seq > $2 ORDER BY seq LIMIT $3 + 0`, func(r *row) error {
		list = append(list, storage.Revocation{
			PoolID: r.text(), Seq: r.integer(), SessionID: r.text(), OriginJTI: r.text(),
			At: r.instant(), Until: r.instant(),
		})
		return nil
	}, poolID, after, max(limit, 0))
	return list, err
}

func (t revocations) Bounds(poolID string) (pruned, last int64, err error) {
	err = t.query(`SELECT pruned_seq, last_seq FROM revocation_feeds WHERE pool_id = $1`, func(r *row) error {
		pruned, last = r.integer(), r.integer()
		return nil
	}, poolID)
	return pruned, last, err
}

func (t revocations) Prune(before time.Time, limit int) (int, error) {
	count, newest := 0, map[string]int64{}
	err := t.returning(`DELETE FROM revocations WHERE (pool_id, seq) IN
		(SELECT pool_id, seq FROM revocations WHERE until_time < $1 LIMIT $2 + 0) RETURNING pool_id, seq`, func(r *row) error {
		pool, seq := r.text(), r.integer()
		newest[pool] = max(newest[pool], seq)
		count++
		return nil
	}, before, max(limit, 0))
	if err != nil {
		return 0, err
	}
	for pool, seq := range newest {
		_, err := t.exec(`UPDATE revocation_feeds SET pruned_seq = max(pruned_seq, $2) WHERE pool_id = $1`, pool, seq)
		if err != nil {
			return 0, err
		}
	}
	return count, nil
}
