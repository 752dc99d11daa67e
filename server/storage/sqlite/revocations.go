package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/latchkey-auth/latchkey/server/storage"
)

type revocations struct{ *txn }

// appendEnded numbers the entries of the selected sessions. Its parameters after
// those of the selection are the last number, the time and the margin.
const (
	appendEnded = `INSERT INTO revocations (pool_id, seq, user_sub, session_id, origin_jti, issued_at, at, until_time)
		SELECT pool_id, $7 + row_number() OVER (ORDER BY id), user_sub, id, origin_jti, refreshed_at, $8, tokens_end_at + $9
		FROM sessions WHERE `
	stillAlive = ` AND revoked_at IS NULL AND tokens_end_at + $9 > $8`
)

func (t revocations) Append(ended storage.Ended, n storage.Notice) (int, error) {
	condition, args := selection(ended)
	if condition == "" {
		return 0, t.changes()
	}
	_, last, err := t.Bounds(ended.PoolID)
	if err != nil {
		return 0, err
	}
	last = max(last, n.At.UnixMicro()-1)
	count, err := t.exec(appendEnded+condition+stillAlive, append(args, last, n.At, n.Margin.Microseconds())...)
	if err != nil || count == 0 {
		return 0, err
	}
	if err := t.numbered(ended.PoolID, last+count); err != nil {
		return 0, err
	}
	return int(count), t.fold(ended, n, last)
}

// numbered records the last number that was given out.
func (t revocations) numbered(poolID string, seq int64) error {
	_, err := t.exec(`INSERT INTO revocation_feeds (pool_id, pruned_seq, last_seq) VALUES ($1, 0, $2)
		ON CONFLICT (pool_id) DO UPDATE SET last_seq = $2`, poolID, seq)
	return err
}

const revocationColumns = `pool_id, seq, user_sub, session_id, origin_jti, issued_at, at, until_time, before_time, except_ids, replaced_ids`

func scanRevocation(r *row) (storage.Revocation, error) {
	e := storage.Revocation{
		PoolID: r.text(), Seq: r.integer(), UserSub: r.text(), SessionID: r.text(), OriginJTI: r.text(),
		IssuedAt: r.instant(), At: r.instant(), Until: r.instant(), Before: r.instant(),
	}
	except, replaced := r.text(), r.text()
	if r.err != nil {
		return e, r.err
	}
	err := errors.Join(json.Unmarshal([]byte(except), &e.Except), json.Unmarshal([]byte(replaced), &e.Replaced))
	if err != nil {
		return e, fmt.Errorf("sqlite: revocation %d of pool %s: %w", e.Seq, e.PoolID, err)
	}
	return e, nil
}

func (t revocations) List(poolID string, after int64, limit int) ([]storage.Revocation, error) {
	var list []storage.Revocation
	err := t.query(`SELECT `+revocationColumns+` FROM revocations
		WHERE pool_id = $1 AND seq > $2 ORDER BY seq LIMIT $3 + 0`, func(r *row) error {
		e, err := scanRevocation(r)
		list = append(list, e)
		return err
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
