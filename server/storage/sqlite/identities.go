package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/latchkey-auth/latchkey/server/storage"
)

type identityPools struct{ *txn }

const identityPoolColumns = `id, name, settings, created_at, modified_at`

func scanIdentityPool(r *row) *storage.IdentityPool {
	return &storage.IdentityPool{
		ID: r.text(), Name: r.text(), Settings: r.blob(),
		CreatedAt: r.instant(), ModifiedAt: r.instant(),
	}
}

func (t identityPools) Insert(p storage.IdentityPool) error {
	touch(t.txn, t.cache.identityPools, p.ID)
	return t.insert("identity pool "+p.ID,
		`INSERT INTO identity_pools (`+identityPoolColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		p.ID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
}

func (t identityPools) Pool(id string) (storage.IdentityPool, error) {
	p, err := cached(t.txn, t.cache.identityPools, id, func() (p *storage.IdentityPool, err error) {
		err = t.one("identity pool "+id, `SELECT `+identityPoolColumns+` FROM identity_pools WHERE id = $1`,
			func(r *row) { p = scanIdentityPool(r) }, id)
		return p, err
	})
	if err != nil {
		return storage.IdentityPool{}, err
	}
	clone := *p
	clone.Settings = bytes.Clone(p.Settings)
	return clone, nil
}

func (t identityPools) Update(p storage.IdentityPool) error {
	touch(t.txn, t.cache.identityPools, p.ID)
	return t.change("identity pool "+p.ID,
		`UPDATE identity_pools SET name = $2, settings = $3, created_at = $4, modified_at = $5 WHERE id = $1`,
		p.ID, p.Name, p.Settings, p.CreatedAt, p.ModifiedAt)
}

// Delete relies on foreign keys and a trigger for what belongs to the pool.
func (t identityPools) Delete(id string) error {
	touch(t.txn, t.cache.identityPools, id)
	touchAll(t.txn, t.cache.identities)
	touchAll(t.txn, t.cache.identityLogins)
	return t.change("identity pool "+id, `DELETE FROM identity_pools WHERE id = $1`, id)
}

func (t identityPools) List(after string, limit int) ([]storage.IdentityPool, error) {
	var list []storage.IdentityPool
	err := t.query(`SELECT `+identityPoolColumns+` FROM identity_pools WHERE id > $1 ORDER BY id LIMIT $2 + 0`,
		func(r *row) error {
			list = append(list, *scanIdentityPool(r))
			return nil
		}, after, max(limit, 0))
	return list, err
}

type identities struct{ *txn }

const identityColumns = `id, pool_id, logins, disabled, merged_into, used_at, created_at, modified_at`

func scanIdentity(r *row) (*storage.Identity, error) {
	i := &storage.Identity{ID: r.text(), PoolID: r.text()}
	logins := r.text()
	i.Disabled, i.MergedInto = r.boolean(), r.text()
	i.UsedAt, i.CreatedAt, i.ModifiedAt = r.instant(), r.instant(), r.instant()
	if r.err != nil {
		return nil, r.err
	}
	if err := json.Unmarshal([]byte(logins), &i.Logins); err != nil {
		return nil, fmt.Errorf("sqlite: logins of identity %s: %w", i.ID, err)
	}
	return i, nil
}

// identityValues are the columns of the row in their order.
func identityValues(i storage.Identity) ([]any, error) {
	logins, err := json.Marshal(i.Logins)
	if err != nil {
		return nil, fmt.Errorf("sqlite: logins of identity %s: %w", i.ID, err)
	}
	return []any{i.ID, i.PoolID, string(logins), i.Disabled, i.MergedInto, i.UsedAt, i.CreatedAt, i.ModifiedAt}, nil
}

func (t identities) Insert(i storage.Identity) error {
	if _, err := t.row(i.ID); err == nil {
		return fmt.Errorf("%w: identity %s", storage.ErrExists, i.ID)
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	values, err := t.ready(i)
	if err != nil {
		return err
	}
	touch(t.txn, t.cache.identities, i.ID)
	_, err = t.exec(`INSERT INTO identities (`+identityColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, values...)
	if err != nil {
		return orphaned(err, "identity pool "+i.PoolID)
	}
	return t.index(nil, i)
}

func (t identities) Identity(id string) (storage.Identity, error) {
	i, err := t.row(id)
	if err != nil {
		return storage.Identity{}, err
	}
	clone := *i
	clone.Logins = slices.Clone(i.Logins)
	return clone, nil
}

// row returns the identity that the cache may share: read it, do not change it.
func (t identities) row(id string) (*storage.Identity, error) {
	return cached(t.txn, t.cache.identities, id, func() (*storage.Identity, error) {
		list, err := t.list(`SELECT `+identityColumns+` FROM identities WHERE id = $1`, id)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%w: identity %s", storage.ErrNotFound, id)
		}
		return &list[0], nil
	})
}

func (t identities) Lookup(poolID string, login storage.Login) (storage.Identity, error) {
	id, err := cached(t.txn, t.cache.identityLogins, identityLogin{poolID, login}, func() (id string, err error) {
		err = t.one("identity with that login in pool "+poolID,
			`SELECT identity_id FROM identity_logins WHERE pool_id = $1 AND provider = $2 AND subject = $3`,
			func(r *row) { id = r.text() }, poolID, login.Provider, login.Subject)
		return id, err
	})
	if err != nil {
		return storage.Identity{}, err
	}
	return t.Identity(id)
}

func (t identities) Update(i storage.Identity) error {
	if err := t.changes(); err != nil {
		return err
	}
	old, err := t.row(i.ID)
	if err != nil {
		return err
	}
	if old.PoolID != i.PoolID {
		return fmt.Errorf("%w: identity %s in pool %s", storage.ErrNotFound, i.ID, i.PoolID)
	}
	values, err := t.ready(i)
	if err != nil {
		return err
	}
	touch(t.txn, t.cache.identities, i.ID)
	_, err = t.exec(`UPDATE identities SET logins = $3, disabled = $4, merged_into = $5, used_at = $6, created_at = $7,
		modified_at = $8
		WHERE id = $1 AND pool_id = $2`, values...)
	if err != nil {
		return err
	}
	return t.index(old.Logins, i)
}

func (t identities) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	old, err := t.row(id)
	if err != nil {
		return err
	}
	for _, login := range old.Logins {
		touch(t.txn, t.cache.identityLogins, identityLogin{old.PoolID, login})
	}
	touch(t.txn, t.cache.identities, id)
	return t.change("identity "+id, `DELETE FROM identities WHERE id = $1`, id)
}

func (t identities) List(poolID string, enabled bool, after string, limit int) ([]storage.Identity, error) {
	return t.list(`SELECT `+identityColumns+` FROM identities
		WHERE pool_id = $1 AND id > $2 AND NOT (disabled AND $4) ORDER BY id LIMIT $3 + 0`,
		poolID, after, max(limit, 0), enabled)
}

// ready gives the columns of an identity whose logins nobody else has. It looks
// at all of them before anything is written, because the closure may carry on
// after one that is taken.
func (t identities) ready(i storage.Identity) ([]any, error) {
	if err := t.changes(); err != nil {
		return nil, err
	}
	for _, login := range i.Logins {
		owner := i.ID
		err := t.query(`SELECT identity_id FROM identity_logins WHERE pool_id = $1 AND provider = $2 AND subject = $3`,
			func(r *row) error {
				owner = r.text()
				return nil
			}, i.PoolID, login.Provider, login.Subject)
		if err != nil {
			return nil, err
		}
		if owner != i.ID {
			return nil, &storage.LoginLinkedError{Login: login}
		}
	}
	return identityValues(i)
}

// index brings what identities are found by from the old logins to those of i.
func (t identities) index(old []storage.Login, i storage.Identity) error {
	for _, login := range old {
		err := t.login(`DELETE FROM identity_logins WHERE pool_id = $1 AND provider = $2 AND subject = $3 AND identity_id = $4`, i, login)
		if err != nil {
			return err
		}
	}
	for _, login := range i.Logins {
		err := t.login(`INSERT INTO identity_logins (pool_id, provider, subject, identity_id)
			VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, i, login)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t identities) login(sql string, i storage.Identity, login storage.Login) error {
	touch(t.txn, t.cache.identityLogins, identityLogin{i.PoolID, login})
	_, err := t.exec(sql, i.PoolID, login.Provider, login.Subject, i.ID)
	return err
}

func (t identities) list(sql string, args ...any) ([]storage.Identity, error) {
	var list []storage.Identity
	err := t.query(sql, func(r *row) error {
		i, err := scanIdentity(r)
		if err == nil {
			list = append(list, *i)
		}
		return err
	}, args...)
	return list, err
}

type guests struct{ *txn }

func (t guests) Prune(before time.Time, limit int) (int, error) {
	count := 0
	err := t.returning(pruneGuests, func(r *row) error {
		touch(t.txn, t.cache.identities, r.text())
		count++
		return nil
	}, before, max(limit, 0))
	return count, err
}

// Guests have no logins that would have to leave the cache.
const pruneGuests = `DELETE FROM identities WHERE id IN (SELECT id FROM identities
	WHERE disabled = 0 AND logins = '[]' AND coalesce(used_at, created_at) < $1 LIMIT $2 + 0) RETURNING id`
