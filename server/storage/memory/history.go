package memory

import (
	"bytes"
	"fmt"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type history struct{ *tx }

func cloneFormer(p storage.FormerPassword) *storage.FormerPassword {
	p.Salt, p.Verifier = bytes.Clone(p.Salt), bytes.Clone(p.Verifier)
	return &p
}

// formerKey orders the former passwords of a user by their epoch, the latest first.
func formerKey(p storage.FormerPassword) key {
	return key{p.PoolID, p.UserSub, fmt.Sprintf("%016x", ^uint64(p.Epoch))}
}

func (t history) Add(p storage.FormerPassword, most int) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.users.has(key{p.PoolID, p.UserSub}) {
		return notFound("user", p.PoolID, p.UserSub)
	}
	t.former = t.former.put(formerKey(p), cloneFormer(p))
	kept := 0
	for k := range t.former.within(key{p.PoolID, p.UserSub}, p.PoolID, p.UserSub) {
		if kept++; kept > most {
			t.former = t.former.remove(k)
		}
	}
	return nil
}

func (t history) List(poolID, sub string, limit int) ([]storage.FormerPassword, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.FormerPassword
	for _, p := range t.former.within(key{poolID, sub}, poolID, sub) {
		if len(list) >= limit {
			break
		}
		list = append(list, *cloneFormer(*p))
	}
	return list, nil
}
