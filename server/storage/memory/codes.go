package memory

import (
	"bytes"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type codes struct{ *tx }

func cloneCode(c storage.Code) *storage.Code {
	c.Hash = bytes.Clone(c.Hash)
	c.CreatedAt, c.ExpiresAt = micros(c.CreatedAt), micros(c.ExpiresAt)
	return &c
}

func (t codes) Code(poolID, sub, purpose string) (storage.Code, error) {
	if err := t.reads(); err != nil {
		return storage.Code{}, err
	}
	c, ok := t.codes.get(key{poolID, sub, purpose})
	if !ok {
		return storage.Code{}, notFound("code", poolID, sub, purpose)
	}
	return *cloneCode(*c), nil
}

func (t codes) Put(c storage.Code) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.users.has(key{c.PoolID, c.UserSub}) {
		return notFound("user", c.PoolID, c.UserSub)
	}
	t.codes = t.codes.put(key{c.PoolID, c.UserSub, c.Purpose}, cloneCode(c))
	return nil
}

func (t codes) Delete(poolID, sub, purpose string) error {
	if err := t.changes(); err != nil {
		return err
	}
	t.codes = t.codes.remove(key{poolID, sub, purpose})
	return nil
}

func (t codes) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for k, c := range t.codes.all() {
		if count >= limit {
			break
		}
		if c.ExpiresAt.Before(micros(before)) {
			t.codes = t.codes.remove(k)
			count++
		}
	}
	return count, nil
}
