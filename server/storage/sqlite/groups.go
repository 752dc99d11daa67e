package sqlite

import (
	"slices"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type groups struct{ *txn }

const groupColumns = `g.pool_id, g.name, g.description, g.role_arn, g.precedence, g.created_at, g.modified_at`

func scanGroup(r *row) storage.Group {
	g := storage.Group{PoolID: r.text(), Name: r.text(), Description: r.text(), RoleARN: r.text()}
	if !r.null() {
		precedence := int32(r.integer())
		g.Precedence = &precedence
	}
	g.CreatedAt, g.ModifiedAt = r.instant(), r.instant()
	return g
}

func groupValues(g storage.Group) []any {
	var precedence any
	if g.Precedence != nil {
		precedence = int64(*g.Precedence)
	}
	return []any{g.PoolID, g.Name, g.Description, g.RoleARN, precedence, g.CreatedAt, g.ModifiedAt}
}

func (t groups) Insert(g storage.Group) error {
	err := t.insert("group "+g.Name+" in pool "+g.PoolID,
		`INSERT INTO user_groups (pool_id, name, description, role_arn, precedence, created_at, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, groupValues(g)...)
	return orphaned(err, "pool "+g.PoolID)
}

func (t groups) Group(poolID, name string) (g storage.Group, err error) {
	err = t.one("group "+name+" in pool "+poolID,
		`SELECT `+groupColumns+` FROM user_groups g WHERE g.pool_id = $1 AND g.name = $2`,
		func(r *row) { g = scanGroup(r) }, poolID, name)
	return g, err
}

// Update changes what every member's list of groups shows.
func (t groups) Update(g storage.Group) error {
	touchAll(t.txn, t.cache.belongs)
	return t.change("group "+g.Name+" in pool "+g.PoolID,
		`UPDATE user_groups SET description = $3, role_arn = $4, precedence = $5, created_at = $6, modified_at = $7
		WHERE pool_id = $1 AND name = $2`, groupValues(g)...)
}

// Delete leaves the memberships to the foreign keys.
func (t groups) Delete(poolID, name string) error {
	touchAll(t.txn, t.cache.belongs)
	return t.change("group "+name+" in pool "+poolID,
		`DELETE FROM user_groups WHERE pool_id = $1 AND name = $2`, poolID, name)
}

func (t groups) List(poolID, after string, limit int) ([]storage.Group, error) {
	return t.groups(`SELECT `+groupColumns+` FROM user_groups g
		WHERE g.pool_id = $1 AND g.name > $2 ORDER BY g.name LIMIT $3 + 0`, poolID, after, max(limit, 0))
}

type members struct{ *txn }

func (t members) Add(poolID, group, sub string) error {
	touch(t.txn, t.cache.belongs, userKey{poolID, sub})
	_, err := t.exec(`INSERT INTO members (pool_id, group_name, sub) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		poolID, group, sub)
	return orphaned(err, "group "+group+" or user "+sub+" in pool "+poolID)
}

func (t members) Remove(poolID, group, sub string) error {
	touch(t.txn, t.cache.belongs, userKey{poolID, sub})
	_, err := t.exec(`DELETE FROM members WHERE pool_id = $1 AND group_name = $2 AND sub = $3`, poolID, group, sub)
	return err
}

// GroupsOf reads the beginning of the list from the cache: every token that is
// made asks for it.
func (t members) GroupsOf(poolID, sub, after string, limit int) ([]storage.Group, error) {
	if after != "" {
		return t.groupsAfter(poolID, sub, after, limit)
	}
	m, err := cached(t.txn, t.cache.belongs, userKey{poolID, sub}, func() (membership, error) {
		groups, err := t.groupsAfter(poolID, sub, "", maxMembership)
		return membership{groups, len(groups) < maxMembership}, err
	})
	if err != nil {
		return nil, err
	}
	if limit > len(m.groups) && !m.complete {
		return t.groupsAfter(poolID, sub, "", limit)
	}
	return cloneGroups(m.groups[:min(max(limit, 0), len(m.groups))]), nil
}

// cloneGroups copies what the cache keeps.
func cloneGroups(groups []storage.Group) []storage.Group {
	if len(groups) == 0 {
		return nil
	}
	cloned := slices.Clone(groups)
	for i, g := range cloned {
		if g.Precedence != nil {
			cloned[i].Precedence = new(*g.Precedence)
		}
	}
	return cloned
}

func (t members) groupsAfter(poolID, sub, after string, limit int) ([]storage.Group, error) {
	return t.groups(`SELECT `+groupColumns+` FROM members m
		JOIN user_groups g ON g.pool_id = m.pool_id AND g.name = m.group_name
		WHERE m.pool_id = $1 AND m.sub = $2 AND m.group_name > $3 ORDER BY m.group_name LIMIT $4 + 0`,
		poolID, sub, after, max(limit, 0))
}

func (t members) UsersIn(poolID, group, after string, limit int) ([]storage.User, error) {
	return t.list(`SELECT `+userColumns+` FROM members m
		JOIN users u ON u.pool_id = m.pool_id AND u.sub = m.sub
		WHERE m.pool_id = $1 AND m.group_name = $2 AND m.sub > $3 ORDER BY m.sub LIMIT $4 + 0`,
		poolID, group, after, max(limit, 0))
}

func (t *txn) groups(sql string, args ...any) ([]storage.Group, error) {
	var list []storage.Group
	err := t.query(sql, func(r *row) error {
		list = append(list, scanGroup(r))
		return nil
	}, args...)
	return list, err
}
