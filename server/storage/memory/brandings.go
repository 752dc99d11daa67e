package memory

import (
	"bytes"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type brandings struct{ *tx }

func cloneBranding(b storage.Branding) *storage.Branding {
	b.Settings, b.Logo = bytes.Clone(b.Settings), bytes.Clone(b.Logo)
	b.CreatedAt, b.ModifiedAt = micros(b.CreatedAt), micros(b.ModifiedAt)
	return &b
}

func (t brandings) Branding(poolID, clientID string) (storage.Branding, error) {
	if err := t.reads(); err != nil {
		return storage.Branding{}, err
	}
	b, ok := t.brandings.get(key{poolID, clientID})
	if !ok {
		return storage.Branding{}, notFound("branding", poolID, clientID)
	}
	return *cloneBranding(*b), nil
}

func (t brandings) Put(b storage.Branding) error {
	if err := t.changes(); err != nil {
		return err
	}
	switch {
	case !t.pools.has(key{b.PoolID}):
		return notFound("pool", b.PoolID)
	case b.ClientID != "" && !t.poolClients.has(key{b.PoolID, b.ClientID}):
		return notFound("client", b.PoolID, b.ClientID)
	}
	t.brandings = t.brandings.put(key{b.PoolID, b.ClientID}, cloneBranding(b))
	return nil
}

func (t brandings) Delete(poolID, clientID string) error {
	if err := t.changes(); err != nil {
		return err
	}
	t.brandings = t.brandings.remove(key{poolID, clientID})
	return nil
}
