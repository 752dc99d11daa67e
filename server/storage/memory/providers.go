package memory

import (
	"bytes"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type providers struct{ *tx }

func cloneProvider(p storage.IdentityProvider) *storage.IdentityProvider {
	p.Settings = bytes.Clone(p.Settings)
	p.CreatedAt, p.ModifiedAt = micros(p.CreatedAt), micros(p.ModifiedAt)
	return &p
}

func (t providers) Insert(p storage.IdentityProvider) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.providers.has(key{p.PoolID, p.Name}) {
		return exists("identity provider", p.PoolID, p.Name)
	}
	if !t.pools.has(key{p.PoolID}) {
		return notFound("pool", p.PoolID)
	}
	t.providers = t.providers.put(key{p.PoolID, p.Name}, cloneProvider(p))
	return nil
}

func (t providers) IdentityProvider(poolID, name string) (storage.IdentityProvider, error) {
	if err := t.reads(); err != nil {
		return storage.IdentityProvider{}, err
	}
	p, ok := t.providers.get(key{poolID, name})
	if !ok {
		return storage.IdentityProvider{}, notFound("identity provider", poolID, name)
	}
	return *cloneProvider(*p), nil
}

func (t providers) Update(p storage.IdentityProvider) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.providers.has(key{p.PoolID, p.Name}) {
		return notFound("identity provider", p.PoolID, p.Name)
	}
	t.providers = t.providers.put(key{p.PoolID, p.Name}, cloneProvider(p))
	return nil
}

func (t providers) Delete(poolID, name string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.providers.has(key{poolID, name}) {
		return notFound("identity provider", poolID, name)
	}
	t.providers = t.providers.remove(key{poolID, name})
	return nil
}

func (t providers) List(poolID, after string, limit int) ([]storage.IdentityProvider, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.IdentityProvider
	for _, p := range t.providers.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		list = append(list, *cloneProvider(*p))
	}
	return list, nil
}
