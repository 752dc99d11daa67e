package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/latchkey-auth/latchkey/server/storage"
)

type users struct{ *txn }

const userColumns = `u.pool_id, u.sub, u.username, u.logins, u.status, u.enabled, u.attributes, u.salt, u.verifier,
	u.password_epoch, u.temporary_until, u.sign_outs, u.created_at, u.modified_at`

func scanUser(r *row) (*storage.User, error) {
	u := &storage.User{PoolID: r.text(), Sub: r.text(), Username: r.text()}
	logins := r.text()
	u.Status, u.Enabled = r.text(), r.boolean()
	attributes := r.text()
	u.Salt, u.Verifier, u.PasswordEpoch = r.blob(), r.blob(), r.integer()
	u.TemporaryUntil, u.SignOuts = r.instant(), r.integer()
	u.CreatedAt, u.ModifiedAt = r.instant(), r.instant()
	if r.err != nil {
		return nil, r.err
	}
	if err := json.Unmarshal([]byte(logins), &u.Logins); err != nil {
		return nil, fmt.Errorf("sqlite: logins of user %s: %w", u.Sub, err)
	}
	if err := json.Unmarshal([]byte(attributes), &u.Attributes); err != nil {
		return nil, fmt.Errorf("sqlite: attributes of user %s: %w", u.Sub, err)
	}
	return u, nil
}

// values are the columns of the row in their order.
func userValues(u storage.User) ([]any, error) {
	logins, err := json.Marshal(u.Logins)
	if err != nil {
		return nil, fmt.Errorf("sqlite: logins of user %s: %w", u.Sub, err)
	}
	attributes, err := json.Marshal(u.Attributes, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("sqlite: attributes of user %s: %w", u.Sub, err)
	}
	return []any{
		u.PoolID, u.Sub, u.Username, string(logins), u.Status, u.Enabled, string(attributes), u.Salt, u.Verifier,
		u.PasswordEpoch, u.TemporaryUntil, u.SignOuts, u.CreatedAt, u.ModifiedAt,
	}, nil
}

func (t users) Insert(u storage.User) error {
	if _, err := t.row(u.PoolID, u.Sub); err == nil {
		return fmt.Errorf("%w: user %s in pool %s", storage.ErrExists, u.Sub, u.PoolID)
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if err := t.free(u); err != nil {
		return err
	}
	values, err := userValues(u)
	if err != nil {
		return err
	}
	touch(t.txn, t.cache.users, userKey{u.PoolID, u.Sub})
	_, err = t.exec(`INSERT INTO users (pool_id, sub, username, logins, status, enabled, attributes, salt, verifier,
		password_epoch, temporary_until, sign_outs, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, values...)
	if err != nil {
		return orphaned(err, "pool "+u.PoolID)
	}
	return t.index(storage.User{PoolID: u.PoolID, Sub: u.Sub}, u)
}

func (t users) Lookup(poolID, login string) (storage.User, error) {
	sub, err := cached(t.txn, t.cache.logins, loginKey{poolID, login}, func() (sub string, err error) {
		err = t.one("user with that login in pool "+poolID,
			`SELECT sub FROM user_logins WHERE pool_id = $1 AND login = $2`,
			func(r *row) { sub = r.text() }, poolID, login)
		return sub, err
	})
	if err != nil {
		return storage.User{}, err
	}
	return t.BySub(poolID, sub)
}

func (t users) BySub(poolID, sub string) (storage.User, error) {
	u, err := t.row(poolID, sub)
	if err != nil {
		return storage.User{}, err
	}
	clone := *u
	clone.Logins, clone.Attributes = slices.Clone(u.Logins), maps.Clone(u.Attributes)
	clone.Salt, clone.Verifier = bytes.Clone(u.Salt), bytes.Clone(u.Verifier)
	return clone, nil
}

// row returns the user that the cache may share: read it, do not change it.
func (t users) row(poolID, sub string) (*storage.User, error) {
	return cached(t.txn, t.cache.users, userKey{poolID, sub}, func() (*storage.User, error) {
		list, err := t.list(`SELECT `+userColumns+` FROM users u WHERE u.pool_id = $1 AND u.sub = $2`, poolID, sub)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%w: user %s in pool %s", storage.ErrNotFound, sub, poolID)
		}
		return &list[0], nil
	})
}

func (t users) Update(u storage.User) error {
	if err := t.changes(); err != nil {
		return err
	}
	old, err := t.row(u.PoolID, u.Sub)
	if err != nil {
		return err
	}
	if err := t.free(u); err != nil {
		return err
	}
	values, err := userValues(u)
	if err != nil {
		return err
	}
	touch(t.txn, t.cache.users, userKey{u.PoolID, u.Sub})
	_, err = t.exec(`UPDATE users SET username = $3, logins = $4, status = $5, enabled = $6, attributes = $7,
		salt = $8, verifier = $9, password_epoch = $10, temporary_until = $11, sign_outs = $12,
		created_at = $13, modified_at = $14
		WHERE pool_id = $1 AND sub = $2`, values...)
	if err != nil {
		return err
	}
	return t.index(*old, u)
}

// Delete leaves memberships and sessions to the foreign keys, but takes the
// sessions itself to know which of them leave the cache.
func (t users) Delete(poolID, sub string) error {
	if err := t.changes(); err != nil {
		return err
	}
	old, err := t.row(poolID, sub)
	if err != nil {
		return err
	}
	touch(t.txn, t.cache.users, userKey{poolID, sub})
	touch(t.txn, t.cache.belongs, userKey{poolID, sub})
	if err := t.index(*old, storage.User{PoolID: poolID, Sub: sub}); err != nil {
		return err
	}
	_, err = sessions(t).each(`DELETE FROM sessions WHERE pool_id = $1 AND user_sub = $2 RETURNING id`, poolID, sub)
	if err != nil {
		return err
	}
	return t.change("user "+sub, `DELETE FROM users WHERE pool_id = $1 AND sub = $2`, poolID, sub)
}

// free reports a login of u that another user has. It looks at all of them
// before anything is written, because the closure may carry on after it.
func (t users) free(u storage.User) error {
	if err := t.changes(); err != nil {
		return err
	}
	for _, login := range u.Logins {
		owner := u.Sub
		err := t.query(`SELECT sub FROM user_logins WHERE pool_id = $1 AND login = $2`, func(r *row) error {
			owner = r.text()
			return nil
		}, u.PoolID, login)
		if err != nil {
			return err
		}
		if owner != u.Sub {
			return &storage.LoginTakenError{Login: login}
		}
	}
	return nil
}

// index brings what users are found by from old to u.
func (t users) index(old, u storage.User) error {
	if slices.Equal(old.Logins, u.Logins) && maps.Equal(old.Attributes, u.Attributes) {
		return nil
	}
	for _, login := range old.Logins {
		if err := t.login(`DELETE FROM user_logins WHERE pool_id = $1 AND login = $2 AND sub = $3`, u, login); err != nil {
			return err
		}
	}
	for _, login := range u.Logins {
		if err := t.login(`INSERT INTO user_logins (pool_id, login, sub) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, u, login); err != nil {
			return err
		}
	}
	for name, value := range old.Attributes {
		if now, ok := u.Attributes[name]; ok && now == value {
			continue
		}
		_, err := t.exec(`DELETE FROM user_attributes WHERE pool_id = $1 AND name = $2 AND value = $3 AND sub = $4`,
			u.PoolID, name, value, u.Sub)
		if err != nil {
			return err
		}
	}
	for name, value := range u.Attributes {
		if was, ok := old.Attributes[name]; ok && was == value {
			continue
		}
		_, err := t.exec(`INSERT INTO user_attributes (pool_id, name, value, sub) VALUES ($1, $2, $3, $4)`,
			u.PoolID, name, value, u.Sub)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t users) login(sql string, u storage.User, login string) error {
	touch(t.txn, t.cache.logins, loginKey{u.PoolID, login})
	_, err := t.exec(sql, u.PoolID, login, u.Sub)
	return err
}

func (t users) List(poolID string, filter storage.UserFilter, after storage.UserCursor, limit int) ([]storage.User, error) {
	q, ok := listQuery(poolID, filter, after, limit)
	if !ok {
		return nil, nil
	}
	return t.list(q.sql, q.args...)
}

func (t pools) CountUsers(poolID string, most int) (n int, err error) {
	err = t.one("users", `SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE pool_id = $1 LIMIT $2 + 0)`,
		func(r *row) { n = int(r.integer()) }, poolID, max(most, 0))
	return n, err
}

func (t *txn) list(sql string, args ...any) ([]storage.User, error) {
	var list []storage.User
	err := t.query(sql, func(r *row) error {
		u, err := scanUser(r)
		if err == nil {
			list = append(list, *u)
		}
		return err
	}, args...)
	return list, err
}
