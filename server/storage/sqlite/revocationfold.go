package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// fold replaces entries of users who have more than n allows, among those who have
// entries after the number last.
func (t revocations) fold(ended storage.Ended, n storage.Notice, last int64) error {
	var users []string
	sql, args := `SELECT $2`, []any{ended.PoolID, ended.UserSub}
	switch {
	case ended.SessionID != "":
		sql, args[1] = `SELECT user_sub FROM sessions WHERE pool_id = $1 AND id = $2`, ended.SessionID
	case ended.UserSub == "":
		sql = `SELECT user_sub FROM revocations WHERE pool_id = $1 AND before_time IS NULL
			GROUP BY user_sub HAVING COUNT(*) > $2 AND MAX(seq) > $3`
		args = []any{ended.PoolID, n.PerUser, last}
	}
	err := t.query(sql, func(r *row) error {
		users = append(users, r.text())
		return nil
	}, args...)
	if err != nil {
		return err
	}
	for _, sub := range users {
		if sub == "" {
			continue // entries from before users were noted
		}
		if err := t.foldUser(sub, ended, n, last); err != nil {
			return err
		}
	}
	return nil
}

// foldUser replaces the settled entries of one user's sessions by an entry for the
// user, if there are too many. Followers have seen entries up to the number last.
func (t revocations) foldUser(sub string, ended storage.Ended, n storage.Notice, last int64) error {
	whole, err := t.ofUser(ended.PoolID, sub)
	if err != nil {
		return err
	}
	before := latest(whole.Before, n.Before())
	most := n.Most(len(whole.Except))
	settled := 0
	const old = `SELECT COUNT(*) FROM (SELECT 1 FROM revocations WHERE pool_id = $1 AND user_sub = $2 AND before_time IS NULL
		AND issued_at < $3 LIMIT $4 + 0)`
	err = t.one("", old, func(r *row) { settled = int(r.integer()) }, ended.PoolID, sub, before, most+1)
	if err != nil || settled <= most {
		return err
	}
	whole = storage.Revocation{PoolID: ended.PoolID, UserSub: sub, At: n.At, Before: before, Until: whole.Until}
	if err := t.replace(&whole, last); err != nil {
		return err
	}
	if whole.Except, err = t.goingOn(sub, ended, n); err != nil {
		return err
	}
	return t.put(whole)
}

// ofUser is the user's entry for a user; a zero one if there is none.
func (t revocations) ofUser(poolID, sub string) (whole storage.Revocation, err error) {
	err = t.query(`SELECT `+revocationColumns+` FROM revocations
		WHERE pool_id = $1 AND user_sub = $2 AND before_time IS NOT NULL`, func(r *row) error {
		whole, err = scanRevocation(r)
		return err
	}, poolID, sub)
	return whole, err
}

// replace deletes the entries that whole covers and its predecessor, and notes in
// whole what followers have seen of them and until when they last.
func (t revocations) replace(whole *storage.Revocation, last int64) error {
	err := t.returning(`DELETE FROM revocations WHERE pool_id = $1 AND user_sub = $2
		AND (before_time IS NOT NULL OR issued_at < $3) RETURNING seq, session_id, until_time`, func(r *row) error {
		seq, session := r.integer(), r.text()
		whole.Until = latest(whole.Until, r.instant())
		if seq <= last && session != "" {
			whole.Replaced = append(whole.Replaced, session)
		}
		return nil
	}, whole.PoolID, whole.UserSub, whole.Before)
	slices.Sort(whole.Replaced)
	return err
}

const goingOfUser = `SELECT id FROM sessions WHERE pool_id = $1 AND user_sub = $7 AND revoked_at IS NULL
	AND (expires_at IS NULL OR expires_at > $8 OR tokens_end_at + $9 > $8) AND NOT (`

// goingOn lists the sessions of a user that have not ended and are not selected.
func (t revocations) goingOn(sub string, ended storage.Ended, n storage.Notice) ([]string, error) {
	condition, args := selection(ended)
	var ids []string
	err := t.query(goingOfUser+condition+`)`,
		func(r *row) error {
			ids = append(ids, r.text())
			return nil
		}, append(args, sub, n.At, n.Margin.Microseconds())...)
	slices.Sort(ids)
	return ids, err
}

// put adds an entry for a user.
func (t revocations) put(whole storage.Revocation) error {
	_, last, err := t.Bounds(whole.PoolID)
	if err != nil {
		return err
	}
	except, err := json.Marshal(whole.Except)
	replaced, err2 := json.Marshal(whole.Replaced)
	if err := cmp.Or(err, err2); err != nil {
		return fmt.Errorf("sqlite: exceptions of user %s: %w", whole.UserSub, err)
	}
	whole.Seq = max(last+1, whole.At.UnixMicro())
	_, err = t.exec(`INSERT INTO revocations (`+revocationColumns+`) VALUES ($1, $2, $3, '', '', NULL, $4, $5, $6, $7, $8)`,
		whole.PoolID, whole.Seq, whole.UserSub, whole.At, whole.Until, whole.Before, string(except), string(replaced))
	if err != nil {
		return err
	}
	return t.numbered(whole.PoolID, whole.Seq)
}

func (t revocations) Admit(s storage.Session, at time.Time) (bool, error) {
	if err := t.changes(); err != nil {
		return false, err
	}
	whole, err := t.ofUser(s.PoolID, s.UserSub)
	if err != nil || !s.RefreshedAt.Truncate(time.Microsecond).Before(whole.Before) {
		return false, err
	}
	place, found := slices.BinarySearch(whole.Except, s.ID)
	if found {
		return false, nil
	}
	const predecessor = `DELETE FROM revocations WHERE pool_id = $1 AND seq = $2`
	if _, err := t.exec(predecessor, whole.PoolID, whole.Seq); err != nil {
		return false, err
	}
	whole.At, whole.Except = at, slices.Insert(whole.Except, place, s.ID)
	return true, t.put(whole)
}
