package sqlite

import (
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type sessions struct{ *txn }

const sessionColumns = `id, pool_id, client_id, user_sub, origin_jti, device_key, scope, provider, user_epoch, generation,
	created_at, refreshed_at, rotated_at, tokens_end_at, expires_at, revoked_at`

func scanSession(r *row) *storage.Session {
	return &storage.Session{
		ID: r.text(), PoolID: r.text(), ClientID: r.text(), UserSub: r.text(), OriginJTI: r.text(),
		DeviceKey: r.text(), Scope: r.text(), Provider: r.text(), UserEpoch: r.integer(), Generation: r.integer(),
		CreatedAt: r.instant(), RefreshedAt: r.instant(), RotatedAt: r.instant(),
		TokensEndAt: r.instant(), ExpiresAt: r.instant(), RevokedAt: r.instant(),
	}
}

func (t sessions) Insert(s storage.Session) error {
	touch(t.txn, t.cache.sessions, s.ID)
	if t.changeable() {
		t.batch.bounds.inserted(userKey{s.PoolID, s.UserSub})
	}
	err := t.insert("session "+s.ID, `INSERT INTO sessions (`+sessionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
		s.ID, s.PoolID, s.ClientID, s.UserSub, s.OriginJTI, s.DeviceKey, s.Scope, s.Provider, s.UserEpoch, s.Generation,
		s.CreatedAt, s.RefreshedAt, s.RotatedAt, s.TokensEndAt, s.ExpiresAt, s.RevokedAt)
	return orphaned(err, "user "+s.UserSub+" in pool "+s.PoolID+" or client "+s.ClientID)
}

func (t sessions) Session(id string) (storage.Session, error) {
	s, err := cached(t.txn, t.cache.sessions, id, func() (s *storage.Session, err error) {
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
	advanceTo = `UPDATE sessions SET refreshed_at = max(coalesce(refreshed_at, $3), $3), tokens_end_at = max(coalesce(tokens_end_at, $4), $4)`
	advanceIf = ` WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)`

	advance          = advanceTo + advanceIf
	advanceAndRotate = advanceTo + `, rotated_at = $3, generation = generation + 1` + advanceIf
)

func (t sessions) Advance(id string, generation int64, rotate bool, now, tokensEnd time.Time) (bool, error) {
	before, known := t.known(id)
	touch(t.txn, t.cache.sessions, id)
	sql := advance
	if rotate {
		sql = advanceAndRotate
	}
	n, err := t.exec(sql, id, generation, now, tokensEnd)
	if err != nil || n != 1 {
		return false, err
	}
	if known {
		t.cache.sessions.stage(id, advanced(before, rotate, now, tokensEnd))
	}
	return true, nil
}

// known gives the row from the cache, if that has it and the running batch has
// not changed it. A session is refreshed again and again: what the update makes
// of its row is worth knowing without reading it.
func (t sessions) known(id string) (*storage.Session, bool) {
	shelf := t.cache.sessions
	if !t.changeable() || shelf.touched(id) {
		return nil, false
	}
	return shelf.get(id, t.seen)
}

// advanced is what the two texts above make of a row.
func advanced(s *storage.Session, rotate bool, now, tokensEnd time.Time) *storage.Session {
	after := *s
	now = now.UTC().Truncate(time.Microsecond)
	after.RefreshedAt = latest(after.RefreshedAt, now)
	after.TokensEndAt = latest(after.TokensEndAt, tokensEnd.UTC().Truncate(time.Microsecond))
	if rotate {
		after.RotatedAt = now
		after.Generation++
	}
	return &after
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Each text of a selection uses one index.
const (
	selectSession  = `pool_id = $1 AND id = $2 AND id <> $5 AND ($3 = '' OR user_sub = $3) AND ($4 = '' OR client_id = $4) AND ($6 = '' OR provider = $6)`
	selectUser     = `pool_id = $1 AND $2 = '' AND id <> $5 AND user_sub = $3 AND ($4 = '' OR client_id = $4) AND ($6 = '' OR provider = $6)`
	selectClient   = `pool_id = $1 AND $2 = '' AND id <> $5 AND $3 = '' AND client_id = $4 AND ($6 = '' OR provider = $6)`
	selectProvider = `pool_id = $1 AND $2 = '' AND id <> $5 AND $3 = '' AND $4 = '' AND provider = $6 AND provider <> ''`
)

// selection is the condition of the selected sessions, over the parameters $1 to $6
// that args gives; "" selects none.
func selection(e storage.Ended) (sql string, args []any) {
	args = []any{e.PoolID, e.SessionID, e.UserSub, e.ClientID, e.Except, e.Provider}
	switch {
	case e.SessionID != "":
		return selectSession, args
	case e.UserSub != "":
		return selectUser, args
	case e.ClientID != "":
		return selectClient, args
	case e.Provider != "":
		return selectProvider, args
	}
	return "", nil
}

func (t sessions) Revoke(ended storage.Ended, now time.Time) (int, error) {
	condition, args := selection(ended)
	if condition == "" {
		return 0, t.changes()
	}
	return t.each(revokeSelected+condition+notRevoked, append(args, now)...)
}

const (
	revokeSelected = `UPDATE sessions SET revoked_at = $7 WHERE `
	notRevoked     = ` AND revoked_at IS NULL RETURNING id`

	ofUser      = ` FROM sessions WHERE pool_id = $1 AND user_sub = $2 AND revoked_at IS NULL`
	countOfUser = `SELECT COUNT(*) FROM (SELECT 1 FROM sessions WHERE pool_id = $1 AND user_sub = $2 AND revoked_at IS NULL LIMIT $3 + 0)`
	// beyond leaves out sessions that are over by themselves: their refresh token
	// and all their tokens are expired.
	beyond = ` AND (expires_at IS NULL OR expires_at > $3 OR tokens_end_at > $3)
		ORDER BY refreshed_at DESC, id LIMIT -1 OFFSET $4 + 0`
)

// Excess first finds out whether there are so many sessions at all, by the user's bound or
// in the index alone.
func (t sessions) Excess(poolID, sub string, most, keep int, now time.Time) ([]storage.Session, error) {
	most, keep = max(most, 0), max(keep, 0)
	user := userKey{poolID, sub}
	if t.changeable() && t.batch.bounds.atMost(user, int64(most)) {
		return nil, nil
	}
	var count int64
	err := t.one("", countOfUser, func(r *row) { count = r.integer() }, poolID, sub, most+1)
	if err != nil {
		return nil, err
	}
	if count <= int64(most) {
		if t.changeable() {
			t.batch.bounds.counted(user, count)
		}
		return nil, nil
	}
	var list []storage.Session
	err = t.query(`SELECT `+sessionColumns+ofUser+beyond,
		func(r *row) error {
			list = append(list, *scanSession(r))
			return nil
		}, poolID, sub, now, keep)
	if len(list)+keep <= most {
		return nil, err // some were expired
	}
	slices.Reverse(list)
	return list, err
}

func (t sessions) Prune(before time.Time, limit int) (int, error) {
	return t.each(`DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2 + 0) RETURNING id`, before, max(limit, 0))
}

// each changes sessions by a statement that returns their ids, and counts them.
func (t sessions) each(sql string, args ...any) (int, error) {
	count := 0
	err := t.returning(sql, func(r *row) error {
		touch(t.txn, t.cache.sessions, r.text())
		count++
		return nil
	}, args...)
	return count, err
}
