package sqlite

import (
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type sessions struct{ *txn }

const sessionColumns = `id, pool_id, client_id, user_sub, origin_jti, device_key, scope, user_epoch, generation,
	created_at, refreshed_at, rotated_at, expires_at, revoked_at`

func scanSession(r *row) *storage.Session {
	return &storage.Session{
		ID: r.text(), PoolID: r.text(), ClientID: r.text(), UserSub: r.text(), OriginJTI: r.text(),
		DeviceKey: r.text(), Scope: r.text(), UserEpoch: r.integer(), Generation: r.integer(),
		CreatedAt: r.instant(), RefreshedAt: r.instant(), RotatedAt: r.instant(),
		ExpiresAt: r.instant(), RevokedAt: r.instant(),
	}
}

func (t sessions) Insert(s storage.Session) error {
	touch(t.txn, &t.cache.sessions, s.ID)
	err := t.insert("session "+s.ID, `INSERT INTO sessions (`+sessionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
		s.ID, s.PoolID, s.ClientID, s.UserSub, s.OriginJTI, s.DeviceKey, s.Scope, s.UserEpoch, s.Generation,
		s.CreatedAt, s.RefreshedAt, s.RotatedAt, s.ExpiresAt, s.RevokedAt)
	return orphaned(err, "user "+s.UserSub+" in pool "+s.PoolID+" or client "+s.ClientID)
}

func (t sessions) Session(id string) (storage.Session, error) {
	s, err := cached(t.txn, &t.cache.sessions, id, func() (s *storage.Session, err error) {
		err = t.one("session "+id, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1`,
			func(r *row) { s = scanSession(r) }, id)
		return s, err
	})
	if err != nil {
		return storage.Session{}, err
	}
	return *s, nil
}

// Two texts, so that a refresh without rotation does not write what stays.
const (
	advance = `UPDATE sessions SET refreshed_at = $3
		WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)`
	advanceAndRotate = `UPDATE sessions SET refreshed_at = $3, rotated_at = $3, generation = generation + 1
		WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)`
)

func (t sessions) Advance(id string, generation int64, rotate bool, now time.Time) (bool, error) {
	before, known := t.known(id)
	touch(t.txn, &t.cache.sessions, id)
	sql := advance
	if rotate {
		sql = advanceAndRotate
	}
	n, err := t.exec(sql, id, generation, now)
	if err != nil || n != 1 {
		return false, err
	}
	if known {
		t.cache.sessions.stage(id, advanced(before, rotate, now))
	}
	return true, nil
}

// known gives the row from the cache, if that has it and the running batch has
// not changed it. A session is refreshed again and again: what the update makes
// of its row is worth knowing without reading it.
func (t sessions) known(id string) (*storage.Session, bool) {
	shelf := &t.cache.sessions
	if !t.changeable() || shelf.touched(id) {
		return nil, false
	}
	return shelf.get(id, t.seen)
}

// advanced is what the two texts above make of a row.
func advanced(s *storage.Session, rotate bool, now time.Time) *storage.Session {
	after := *s
	after.RefreshedAt = now.UTC().Truncate(time.Microsecond)
	if rotate {
		after.RotatedAt = after.RefreshedAt
		after.Generation++
	}
	return &after
}

func (t sessions) Revoke(id string, now time.Time) (bool, error) {
	touch(t.txn, &t.cache.sessions, id)
	n, err := t.exec(`UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, now)
	return n == 1, err
}

func (t sessions) RevokeUser(poolID, sub, except string, now time.Time) (int, error) {
	return t.each(`UPDATE sessions SET revoked_at = $4
		WHERE pool_id = $1 AND user_sub = $2 AND id <> $3 AND revoked_at IS NULL RETURNING id`, poolID, sub, except, now)
}

func (t sessions) Prune(before time.Time, limit int) (int, error) {
	return t.each(`DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2 + 0) RETURNING id`, before, max(limit, 0))
}

// each changes sessions by a statement that returns their ids, and counts them.
func (t sessions) each(sql string, args ...any) (int, error) {
	count := 0
	err := t.returning(sql, func(r *row) error {
		touch(t.txn, &t.cache.sessions, r.text())
		count++
		return nil
	}, args...)
	return count, err
}
