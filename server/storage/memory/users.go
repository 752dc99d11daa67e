package memory

import (
	"bytes"
	"fmt"
	"iter"
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
		t.unindex(old)
	}
	for _, login := range u.Logins {
		t.logins = t.logins.put(key{u.PoolID, login}, u.Sub)
	}
	for k := range valueKeys(&u) {
		t.userValues = t.userValues.put(k, struct{}{})
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

func (t users) List(poolID string, filter storage.UserFilter, after storage.UserCursor, limit int) ([]storage.User, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.User
	for sub := range t.matching(poolID, filter, after) {
		if len(list) >= limit {
			break
		}
		u, _ := t.users.get(key{poolID, sub})
		list = append(list, *cloneUser(*u))
	}
	return list, nil
}

// matching walks the subs of the users that pass, in the order of the list.
func (t users) matching(poolID string, filter storage.UserFilter, after storage.UserCursor) iter.Seq[string] {
	return func(yield func(string) bool) {
		if filter.Attribute == "" {
			for k := range t.users.within(key{poolID, after.Sub}, poolID) {
				if !yield(k[1]) {
					return
				}
			}
			return
		}
		value := valuePart(filter.Attribute, filter.Value)
		start := key{poolID, value, after.Sub}
		if filter.Match == storage.StartsWith && after != (storage.UserCursor{}) {
			start[1] = valuePart(filter.Attribute, after.Value)
		}
		for k := range t.userValues.within(start, poolID) {
			passes := k[1] == value || filter.Match == storage.StartsWith && strings.HasPrefix(k[1], value)
			if !passes || !yield(k[2]) {
				return
			}
		}
	}
}

// valuePart is a value in the index of users: behind the name's length, so that no
// two names share a prefix.
func valuePart(name, value string) string { return fmt.Sprintf("%d %s %s", len(name), name, value) }

// valueKeys are the keys by which filters find a user.
func valueKeys(u *storage.User) iter.Seq[key] {
	return func(yield func(key) bool) {
		for name := range u.Attributes {
			if !slices.Contains(ownNames, name) && !yield(key{u.PoolID, valuePart(name, u.Attributes[name]), u.Sub}) {
				return
			}
		}
		for _, name := range ownNames {
			value, _ := storage.UserFilter{Attribute: name}.Compared(*u)
			if !yield(key{u.PoolID, valuePart(name, value), u.Sub}) {
				return
			}
		}
	}
}

// ownNames are what filters compare beside the attributes.
var ownNames = []string{"username", "cognito:user_status", "sub", "status"}

func (t pools) CountUsers(poolID string, most int) (int, error) {
	if err := t.reads(); err != nil {
		return 0, err
	}
	n := 0
	for range t.users.within(key{poolID, ""}, poolID) {
		if n >= most {
			break
		}
		n++
	}
	return n, nil
}

// removeUser takes the user out with logins, memberships and sessions.
func (t *tx) removeUser(poolID, sub string) {
	u, _ := t.users.get(key{poolID, sub})
	t.unindex(u)
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
	for k := range t.former.within(key{poolID, sub}, poolID, sub) {
		t.former = t.former.remove(k)
	}
	t.users = t.users.remove(key{poolID, sub})
}

// unindex removes what u is found by.
func (t *tx) unindex(u *storage.User) {
	for _, login := range u.Logins {
		t.logins = t.logins.remove(key{u.PoolID, login})
	}
	for k := range valueKeys(u) {
		t.userValues = t.userValues.remove(k)
	}
}
