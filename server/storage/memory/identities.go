package memory

import (
	"bytes"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type identityPools struct{ *tx }

func cloneIdentityPool(p storage.IdentityPool) *storage.IdentityPool {
	p.Settings = bytes.Clone(p.Settings)
	p.CreatedAt, p.ModifiedAt = micros(p.CreatedAt), micros(p.ModifiedAt)
	return &p
}

func (t identityPools) Insert(p storage.IdentityPool) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.identityPools.has(key{p.ID}) {
		return exists("identity pool", p.ID)
	}
	t.identityPools = t.identityPools.put(key{p.ID}, cloneIdentityPool(p))
	return nil
}

func (t identityPools) Pool(id string) (storage.IdentityPool, error) {
	if err := t.reads(); err != nil {
		return storage.IdentityPool{}, err
	}
	p, ok := t.identityPools.get(key{id})
	if !ok {
		return storage.IdentityPool{}, notFound("identity pool", id)
	}
	return *cloneIdentityPool(*p), nil
}

func (t identityPools) Update(p storage.IdentityPool) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.identityPools.has(key{p.ID}) {
		return notFound("identity pool", p.ID)
	}
	t.identityPools = t.identityPools.put(key{p.ID}, cloneIdentityPool(p))
	return nil
}

func (t identityPools) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.identityPools.has(key{id}) {
		return notFound("identity pool", id)
	}
	start := key{id}
	for k := range t.poolIdentities.within(start, id) {
		t.removeIdentity(k[1])
	}
	for k := range t.keys.within(start, id) {
		t.keys = t.keys.remove(k)
	}
	t.identityPools = t.identityPools.remove(key{id})
	return nil
}

func (t identityPools) List(after string, limit int) ([]storage.IdentityPool, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.IdentityPool
	for _, p := range t.identityPools.after(key{after}) {
		if len(list) >= limit {
			break
		}
		list = append(list, *cloneIdentityPool(*p))
	}
	return list, nil
}

type identities struct{ *tx }

func cloneIdentity(i storage.Identity) *storage.Identity {
	i.Logins = slices.Clone(i.Logins)
	i.UsedAt, i.CreatedAt, i.ModifiedAt = micros(i.UsedAt), micros(i.CreatedAt), micros(i.ModifiedAt)
	return &i
}

func (t identities) Insert(i storage.Identity) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.identities.has(key{i.ID}) {
		return exists("identity", i.ID)
	}
	if !t.identityPools.has(key{i.PoolID}) {
		return notFound("identity pool", i.PoolID)
	}
	return t.store(i)
}

func (t identities) Identity(id string) (storage.Identity, error) {
	if err := t.reads(); err != nil {
		return storage.Identity{}, err
	}
	i, ok := t.identities.get(key{id})
	if !ok {
		return storage.Identity{}, notFound("identity", id)
	}
	return *cloneIdentity(*i), nil
}

func (t identities) Lookup(poolID string, login storage.Login) (storage.Identity, error) {
	if err := t.reads(); err != nil {
		return storage.Identity{}, err
	}
	id, ok := t.identityLogins.get(key{poolID, login.Provider, login.Subject})
	if !ok {
		return storage.Identity{}, notFound("identity with that login in pool", poolID)
	}
	return t.Identity(id)
}

func (t identities) Update(i storage.Identity) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.poolIdentities.has(key{i.PoolID, i.ID}) {
		return notFound("identity", i.PoolID, i.ID)
	}
	return t.store(i)
}

// store puts i with its logins in the place of what was there. It checks all
// logins first, because a closure may carry on after a taken one.
func (t identities) store(i storage.Identity) error {
	for _, login := range i.Logins {
		if owner, ok := t.identityLogins.get(key{i.PoolID, login.Provider, login.Subject}); ok && owner != i.ID {
			return &storage.LoginLinkedError{Login: login}
		}
	}
	if old, ok := t.identities.get(key{i.ID}); ok {
		t.unlink(old)
	}
	for _, login := range i.Logins {
		t.identityLogins = t.identityLogins.put(key{i.PoolID, login.Provider, login.Subject}, i.ID)
	}
	t.identities = t.identities.put(key{i.ID}, cloneIdentity(i))
	t.poolIdentities = t.poolIdentities.put(key{i.PoolID, i.ID}, struct{}{})
	return nil
}

func (t identities) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.identities.has(key{id}) {
		return notFound("identity", id)
	}
	t.removeIdentity(id)
	return nil
}

func (t identities) List(poolID string, enabled bool, after string, limit int) ([]storage.Identity, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Identity
	for k := range t.poolIdentities.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		i, _ := t.identities.get(key{k[1]})
		if !enabled || !i.Disabled {
			list = append(list, *cloneIdentity(*i))
		}
	}
	return list, nil
}

func (t *tx) removeIdentity(id string) {
	i, _ := t.identities.get(key{id})
	t.unlink(i)
	t.poolIdentities = t.poolIdentities.remove(key{i.PoolID, id})
	t.identities = t.identities.remove(key{id})
}

func (t *tx) unlink(i *storage.Identity) {
	for _, login := range i.Logins {
		t.identityLogins = t.identityLogins.remove(key{i.PoolID, login.Provider, login.Subject})
	}
}

type guests struct{ *tx }

func (t guests) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for _, i := range t.identities.all() {
		if count >= limit {
			break
		}
		used := i.UsedAt
		if used.IsZero() {
			used = i.CreatedAt
		}
		if !i.Disabled && len(i.Logins) == 0 && past(used, before) {
			t.removeIdentity(i.ID)
			count++
		}
	}
	return count, nil
}
