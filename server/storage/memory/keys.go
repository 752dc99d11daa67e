package memory

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

type keys struct{ *tx }

func cloneKey(k storage.Key) *storage.Key {
	k.Public, k.Private = bytes.Clone(k.Public), bytes.Clone(k.Private)
	k.CreatedAt, k.ActiveAt, k.RetireAt = micros(k.CreatedAt), micros(k.ActiveAt), micros(k.RetireAt)
	return &k
}

func (t keys) Insert(k storage.Key) error {
	if err := t.changes(); err != nil {
		return err
	}
	if t.keys.has(key{k.PoolID, k.ID}) {
		return exists("key", k.PoolID, k.ID)
	}
	if !t.pools.has(key{k.PoolID}) && !t.identityPools.has(key{k.PoolID}) {
		return notFound("pool", k.PoolID)
	}
	t.keys = t.keys.put(key{k.PoolID, k.ID}, cloneKey(k))
	return nil
}

func (t keys) Update(k storage.Key) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.keys.has(key{k.PoolID, k.ID}) {
		return notFound("key", k.PoolID, k.ID)
	}
	t.keys = t.keys.put(key{k.PoolID, k.ID}, cloneKey(k))
	return nil
}

func (t keys) Delete(poolID, id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	if !t.keys.has(key{poolID, id}) {
		return notFound("key", poolID, id)
	}
	t.keys = t.keys.remove(key{poolID, id})
	return nil
}

func (t keys) List(poolID string) ([]storage.Key, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	var list []storage.Key
	for _, k := range t.keys.within(key{poolID}, poolID) {
		list = append(list, *cloneKey(*k))
	}
	slices.SortFunc(list, func(a, b storage.Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

type attempts struct{ *tx }

func (t attempts) Attempt(id string) (storage.Attempt, error) {
	if err := t.reads(); err != nil {
		return storage.Attempt{}, err
	}
	a, ok := t.attempts.get(key{id})
	if !ok {
		return storage.Attempt{Key: id}, nil
	}
	return a, nil
}

func (t attempts) Put(a storage.Attempt) error {
	if err := t.changes(); err != nil {
		return err
	}
	a.LastAt, a.LockedUntil = micros(a.LastAt), micros(a.LockedUntil)
	t.attempts = t.attempts.put(key{a.Key}, a)
	return nil
}

func (t attempts) Delete(id string) error {
	if err := t.changes(); err != nil {
		return err
	}
	t.attempts = t.attempts.remove(key{id})
	return nil
}

// Prune counts a counter that was never touched as touched long ago.
func (t attempts) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for k, a := range t.attempts.all() {
		if count >= limit {
			break
		}
		if a.LastAt.Before(micros(before)) {
			t.attempts = t.attempts.remove(k)
			count++
		}
	}
	return count, nil
}

type spent struct{ *tx }

func (t spent) Spend(id string, until time.Time) (bool, error) {
	if err := t.changes(); err != nil {
		return false, err
	}
	if t.spent.has(key{id}) {
		return false, nil
	}
	t.spent = t.spent.put(key{id}, micros(until))
	return true, nil
}

func (t spent) Used(id string) (bool, error) {
	return t.spent.has(key{id}), t.reads()
}

func (t spent) Prune(before time.Time, limit int) (int, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	count := 0
	for k, until := range t.spent.all() {
		if count >= limit {
			break
		}
		if past(until, before) {
			t.spent = t.spent.remove(k)
			count++
		}
	}
	return count, nil
}
