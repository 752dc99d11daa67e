package memory

import "github.com/latchkey-auth/latchkey/server/storage"

type groups struct{ *tx }

func cloneGroup(g storage.Group) *storage.Group {
	if g.Precedence != nil {
		precedence := *g.Precedence
		g.Precedence = &precedence
	}
	g.CreatedAt, g.ModifiedAt = micros(g.CreatedAt), micros(g.ModifiedAt)
	return &g
}

func (t groups) Insert(g storage.Group) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.groups.has(key{g.PoolID, g.Name}) {
		return exists("group", g.PoolID, g.Name)
	}
	if !t.pools.has(key{g.PoolID}) {
		return notFound("pool", g.PoolID)
	}
	t.groups = t.groups.put(key{g.PoolID, g.Name}, cloneGroup(g))
	return nil
}

func (t groups) Group(poolID, name string) (storage.Group, error) {
	if err := t.reads(); err != nil {
		return storage.Group{}, err
	}
	g, ok := t.groups.get(key{poolID, name})
	if !ok {
		return storage.Group{}, notFound("group", poolID, name)
	}
	return *cloneGroup(*g), nil
}

func (t groups) Update(g storage.Group) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.groups.has(key{g.PoolID, g.Name}) {
		return notFound("group", g.PoolID, g.Name)
	}
	t.groups = t.groups.put(key{g.PoolID, g.Name}, cloneGroup(g))
	return nil
}

func (t groups) Delete(poolID, name string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.groups.has(key{poolID, name}) {
		return notFound("group", poolID, name)
	}
	for k := range t.members.within(key{poolID, name}, poolID, name) {
		t.members = t.members.remove(k)
		t.memberships = t.memberships.remove(key{poolID, k[2], name})
	}
	t.groups = t.groups.remove(key{poolID, name})
	return nil
}

func (t groups) List(poolID, after string, limit int) ([]storage.Group, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Group
	for _, g := range t.groups.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		list = append(list, *cloneGroup(*g))
	}
	return list, nil
}

type members struct{ *tx }

func (t members) Add(poolID, group, sub string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.groups.has(key{poolID, group}) {
		return notFound("group", poolID, group)
	}
	if !t.users.has(key{poolID, sub}) {
		return notFound("user", poolID, sub)
	}
	t.members = t.members.put(key{poolID, group, sub}, struct{}{})
	t.memberships = t.memberships.put(key{poolID, sub, group}, struct{}{})
	return nil
}

func (t members) Remove(poolID, group, sub string) error {
	if err := t.changes(); err != nil {
		return err
	}
	t.members = t.members.remove(key{poolID, group, sub})
	t.memberships = t.memberships.remove(key{poolID, sub, group})
	return nil
}

func (t members) GroupsOf(poolID, sub, after string, limit int) ([]storage.Group, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Group
	for k := range t.memberships.within(key{poolID, sub, after}, poolID, sub) {
		if len(list) >= limit {
			break
		}
		g, _ := t.groups.get(key{poolID, k[2]})
		list = append(list, *cloneGroup(*g))
	}
	return list, nil
}

func (t members) UsersIn(poolID, group, after string, limit int) ([]storage.User, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.User
	for k := range t.members.within(key{poolID, group, after}, poolID, group) {
		if len(list) >= limit {
			break
		}
		u, _ := t.users.get(key{poolID, k[2]})
		list = append(list, *cloneUser(*u))
	}
	return list, nil
}
