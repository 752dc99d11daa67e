package memory

import (
	"bytes"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type pools struct{ *tx }

func clonePool(p storage.Pool) *storage.Pool {
	p.Settings = bytes.Clone(p.Settings)
	p.CreatedAt, p.ModifiedAt = micros(p.CreatedAt), micros(p.ModifiedAt)
	return &p
}

func (t pools) Insert(p storage.Pool) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.pools.has(key{p.ID}) {
		return exists("pool", p.ID)
	}
	t.pools = t.pools.put(key{p.ID}, clonePool(p))
	return nil
}

func (t pools) Pool(id string) (storage.Pool, error) {
	if err := t.reads(); err != nil {
		return storage.Pool{}, err
	}
	p, ok := t.pools.get(key{id})
	if !ok {
		return storage.Pool{}, notFound("pool", id)
	}
	return *clonePool(*p), nil
}

func (t pools) Update(p storage.Pool) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.pools.has(key{p.ID}) {
		return notFound("pool", p.ID)
	}
	t.pools = t.pools.put(key{p.ID}, clonePool(p))
	return nil
}

func (t pools) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.pools.has(key{id}) {
		return notFound("pool", id)
	}
	start := key{id}
	for k := range t.users.within(start, id) {
		t.removeUser(id, k[1])
	}
	for k := range t.poolClients.within(start, id) {
		t.removeClient(id, k[1])
	}
	for k := range t.poolDomains.within(start, id) {
		t.removeDomain(id, k[1])
	}
	for k := range t.resources.within(start, id) {
		t.resources = t.resources.remove(k)
	}
	for k := range t.providers.within(start, id) {
		t.providers = t.providers.remove(k)
	}
	t.brandings = t.brandings.remove(key{id}) // the others went with their clients
	for k := range t.groups.within(start, id) {
		t.groups = t.groups.remove(k)
	}
	for k := range t.keys.within(start, id) {
		t.keys = t.keys.remove(k)
	}
	for k, r := range t.revocations.within(start, id) {
		t.revocations = t.revocations.remove(k)
		t.userEntries = t.userEntries.remove(userEntryKey(r))
	}
	t.feeds = t.feeds.remove(key{id})
	t.pools = t.pools.remove(key{id})
	return nil
}

func (t pools) List(after string, limit int) ([]storage.Pool, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Pool
	for _, p := range t.pools.after(key{after}) {
		if len(list) >= limit {
			break
		}
		list = append(list, *clonePool(*p))
	}
	return list, nil
}

type clients struct{ *tx }

func cloneClient(c storage.Client) *storage.Client {
	c.Secret, c.Settings = bytes.Clone(c.Secret), bytes.Clone(c.Settings)
	c.CreatedAt, c.ModifiedAt = micros(c.CreatedAt), micros(c.ModifiedAt)
	return &c
}

func (t clients) Insert(c storage.Client) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.clients.has(key{c.ID}) {
		return exists("client", c.ID)
	}
	if !t.pools.has(key{c.PoolID}) {
		return notFound("pool", c.PoolID)
	}
	t.clients = t.clients.put(key{c.ID}, cloneClient(c))
	t.poolClients = t.poolClients.put(key{c.PoolID, c.ID}, struct{}{})
	return nil
}

func (t clients) Client(id string) (storage.Client, error) {
	if err := t.reads(); err != nil {
		return storage.Client{}, err
	}
	c, ok := t.clients.get(key{id})
	if !ok {
		return storage.Client{}, notFound("client", id)
	}
	return *cloneClient(*c), nil
}

func (t clients) Update(c storage.Client) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.poolClients.has(key{c.PoolID, c.ID}) {
		return notFound("client", c.PoolID, c.ID)
	}
	t.clients = t.clients.put(key{c.ID}, cloneClient(c))
	return nil
}

func (t clients) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	c, ok := t.clients.get(key{id})
	if !ok {
		return notFound("client", id)
	}
	t.removeClient(c.PoolID, id)
	return nil
}

func (t clients) List(poolID, after string, limit int) ([]storage.Client, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Client
	for k := range t.poolClients.within(key{poolID, after}, poolID) {
		if len(list) >= limit {
			break
		}
		c, _ := t.clients.get(key{k[1]})
		list = append(list, *cloneClient(*c))
	}
	return list, nil
}

// removeClient takes the client out with its sessions and its branding.
func (t *tx) removeClient(poolID, id string) {
	for _, s := range t.sessions.all() {
		if s.ClientID == id {
			t.removeSession(s)
		}
	}
	t.brandings = t.brandings.remove(key{poolID, id})
	t.clients = t.clients.remove(key{id})
	t.poolClients = t.poolClients.remove(key{poolID, id})
}
