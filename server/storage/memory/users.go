package memory

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type users struct{ *tx }

func cloneUser(u storage.User) *storage.User {
	u.Logins = slices.Clone(u.Logins)
	u.Attributes = maps.Clone(u.Attributes)
	u.Salt, u.Verifier = bytes.Clone(u.Salt), bytes.Clone(u.Verifier)
	u.TemporaryUntil = micros(u.TemporaryUntil)
	u.CreatedAt, u.ModifiedAt = micros(u.CreatedAt), micros(u.ModifiedAt)
	return &u
}

func (t users) Insert(u storage.User) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.users.has(key{u.PoolID, u.Sub}) {
		return exists("user", u.PoolID, u.Sub)
	}
	if !t.pools.has(key{u.PoolID}) {
		return notFound("pool", u.PoolID)
	}
	return t.store(u)
}

func (t users) Lookup(poolID, login string) (storage.User, error) {
	if err := t.reads(); err != nil {
		return storage.User{}, err
	}
	sub, ok := t.logins.get(key{poolID, login})
	if !ok {
		return storage.User{}, notFound("user with that login in pool", poolID)
	}
	return t.BySub(poolID, sub)
}

func (t users) BySub(poolID, sub string) (storage.User, error) {
	if err := t.reads(); err != nil {
		return storage.User{}, err
	}
	u, ok := t.users.get(key{poolID, sub})
	if !ok {
		return storage.User{}, notFound("user", poolID, sub)
	}
	return *cloneUser(*u), nil
}

func (t users) Update(u storage.User) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.users.has(key{u.PoolID, u.Sub}) {
		return notFound("user", u.PoolID, u.Sub)
	}
	return t.store(u)
}

// store puts u with its logins in the place of what was there. It checks all
// logins first, because a closure may carry on after a taken one.
func (t users) store(u storage.User) error {
	for _, login := range u.Logins {
		if owner, ok := t.logins.get(key{u.PoolID, login}); ok && owner != u.Sub {
			return &storage.LoginTakenError{Login: login}
		}
	}
	if old, ok := t.users.get(key{u.PoolID, u.Sub}); ok {
		t.removeLogins(old)
	}
	for _, login := range u.Logins {
		t.logins = t.logins.put(key{u.PoolID, login}, u.Sub)
	}
	t.users = t.users.put(key{u.PoolID, u.Sub}, cloneUser(u))
	return nil
}

func (t users) Delete(poolID, sub string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.users.has(key{poolID, sub}) {
		return notFound("user", poolID, sub)
	}
	t.removeUser(poolID, sub)
	return nil
}

func (t users) List(poolID string, filter storage.UserFilter, after string, limit int) ([]storage.User, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.User
	for _, u := range t.users.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		if passes(u, filter) {
			list = append(list, *cloneUser(*u))
		}
	}
	return list, nil
}

func (t users) Count(poolID string) (int, error) {
	if err := t.reads(); err != nil {
		return 0, err
	}
	n := 0
	for range t.users.within(key{poolID, ""}, poolID) {
		n++
	}
	return n, nil
}

func passes(u *storage.User, filter storage.UserFilter) bool {
	value, ok := "", true
	switch filter.Attribute {
	case "":
		return true
	case "username":
		value = u.Username
	case "cognito:user_status":
		value = u.Status
	case "sub":
		value = u.Sub
	case "status":
		value = "Disabled"
		if u.Enabled {
			value = "Enabled"
		}
	default:
		value, ok = u.Attributes[filter.Attribute]
	}
	if filter.Match == storage.StartsWith {
		return ok && strings.HasPrefix(value, filter.Value)
	}
	return ok && value == filter.Value
}

// removeUser takes the user out with logins, memberships and sessions.
func (t *tx) removeUser(poolID, sub string) {
	u, _ := t.users.get(key{poolID, sub})
	t.removeLogins(u)
	for k := range t.memberships.within(key{poolID, sub}, poolID, sub) {
		t.memberships = t.memberships.remove(k)
		t.members = t.members.remove(key{poolID, k[2], sub})
	}
	for k := range t.userSession.within(key{poolID, sub}, poolID, sub) {
		s, _ := t.sessions.get(key{k[2]})
		t.removeSession(s)
	}
	for k := range t.codes.within(key{poolID, sub}, poolID, sub) {
		t.codes = t.codes.remove(k)
	}
	t.users = t.users.remove(key{poolID, sub})
}

func (t *tx) removeLogins(u *storage.User) {
	for _, login := range u.Logins {
		t.logins = t.logins.remove(key{u.PoolID, login})
	}
}
