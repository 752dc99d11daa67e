package memory

import (
	"bytes"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type domains struct{ *tx }

func cloneDomain(d storage.Domain) *storage.Domain {
	d.Settings = bytes.Clone(d.Settings)
	d.CreatedAt, d.ModifiedAt = micros(d.CreatedAt), micros(d.ModifiedAt)
	return &d
}

func (t domains) Insert(d storage.Domain) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.domains.has(key{d.Name}) {
		return exists("domain", d.Name)
	}
	if !t.pools.has(key{d.PoolID}) {
		return notFound("pool", d.PoolID)
	}
	t.domains = t.domains.put(key{d.Name}, cloneDomain(d))
	t.poolDomains = t.poolDomains.put(key{d.PoolID, d.Name}, struct{}{})
	return nil
}

func (t domains) Domain(name string) (storage.Domain, error) {
	if err := t.reads(); err != nil {
		return storage.Domain{}, err
	}
	d, ok := t.domains.get(key{name})
	if !ok {
		return storage.Domain{}, notFound("domain", name)
	}
	return *cloneDomain(*d), nil
}

func (t domains) Update(d storage.Domain) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.poolDomains.has(key{d.PoolID, d.Name}) {
		return notFound("domain", d.PoolID, d.Name)
	}
	t.domains = t.domains.put(key{d.Name}, cloneDomain(d))
	return nil
}

func (t domains) Delete(name string) error {
	if err := t.changes(); err != nil {
		return err
	}
	d, ok := t.domains.get(key{name})
	if !ok {
		return notFound("domain", name)
	}
	t.removeDomain(d.PoolID, name)
	return nil
}

func (t domains) List(poolID string) ([]storage.Domain, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Domain
	for k := range t.poolDomains.within(key{poolID}, poolID) {
		d, _ := t.domains.get(key{k[1]})
		list = append(list, *cloneDomain(*d))
	}
	return list, nil
}

func (t *tx) removeDomain(poolID, name string) {
	t.poolDomains = t.poolDomains.remove(key{poolID, name})
	t.domains = t.domains.remove(key{name})
}

type resources struct{ *tx }

func cloneResource(r storage.ResourceServer) *storage.ResourceServer {
	r.Settings = bytes.Clone(r.Settings)
	r.CreatedAt, r.ModifiedAt = micros(r.CreatedAt), micros(r.ModifiedAt)
	return &r
}

func (t resources) Insert(r storage.ResourceServer) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.resources.has(key{r.PoolID, r.Identifier}) {
		return exists("resource server", r.PoolID, r.Identifier)
	}
	if !t.pools.has(key{r.PoolID}) {
		return notFound("pool", r.PoolID)
	}
	t.resources = t.resources.put(key{r.PoolID, r.Identifier}, cloneResource(r))
	return nil
}

func (t resources) ResourceServer(poolID, identifier string) (storage.ResourceServer, error) {
	if err := t.reads(); err != nil {
		return storage.ResourceServer{}, err
	}
	r, ok := t.resources.get(key{poolID, identifier})
	if !ok {
		return storage.ResourceServer{}, notFound("resource server", poolID, identifier)
	}
	return *cloneResource(*r), nil
}

func (t resources) Update(r storage.ResourceServer) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.resources.has(key{r.PoolID, r.Identifier}) {
		return notFound("resource server", r.PoolID, r.Identifier)
	}
	t.resources = t.resources.put(key{r.PoolID, r.Identifier}, cloneResource(r))
	return nil
}

func (t resources) Delete(poolID, identifier string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.resources.has(key{poolID, identifier}) {
		return notFound("resource server", poolID, identifier)
	}
	t.resources = t.resources.remove(key{poolID, identifier})
	return nil
}

func (t resources) List(poolID, after string, limit int) ([]storage.ResourceServer, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.ResourceServer
	for _, r := range t.resources.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		list = append(list, *cloneResource(*r))
	}
	return list, nil
}
