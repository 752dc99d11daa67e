package amplifystore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/latchkey-auth/latchkey/store"
)

// KeyValue is a place that keeps texts by key: Amplify's
// KeyValueStorageInterface in Go's form. It is safe for concurrent use.
type KeyValue interface {
	// SetItem puts value under key, whole or not at all, whatever was there.
	SetItem(ctx context.Context, key, value string) error
	// Item returns what is under key; ok is false if there is nothing.
	Item(ctx context.Context, key string) (value string, ok bool, err error)
	// RemoveItem removes key. It is no error if it is not there.
	RemoveItem(ctx context.Context, key string) error
	// Clear removes every key. A [Store] never calls it, for the storage may hold
	// what is not the store's; it is here so that a storage made for Amplify
	// carries over with all that its users call.
	Clear(ctx context.Context) error
}

// Locker is a [KeyValue] that lends locks by name to every program that shares
// it. With one, a [Store] is safe for use by several processes.
type Locker interface {
	// Lock waits until it holds the lock called name or ctx ends. The lock of a
	// process that ends is let go. Names are no keys: no item has them.
	Lock(ctx context.Context, name string) (unlock func(), err error)
}

// Map is a [KeyValue] in memory. The zero value is empty and ready. Methods of a nil
// *Map return an error.
type Map struct {
	mu    sync.RWMutex // guards items
	items map[string]string
}

// NewMap returns an empty Map.
func NewMap() *Map { return new(Map) }

var errNilMap = errors.New("amplifystore: the *Map is nil")

// usable returns an error if m is nil or ctx has ended.
func (m *Map) usable(ctx context.Context) error {
	if m == nil {
		return errNilMap
	}
	return ctx.Err()
}

// SetItem puts value under key.
func (m *Map) SetItem(ctx context.Context, key, value string) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items == nil {
		m.items = make(map[string]string)
	}
	m.items[key] = value
	return nil
}

// Item returns what is under key.
func (m *Map) Item(ctx context.Context, key string) (value string, ok bool, err error) {
	if err := m.usable(ctx); err != nil {
		return "", false, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok = m.items[key]
	return value, ok, nil
}

// RemoveItem removes key.
func (m *Map) RemoveItem(ctx context.Context, key string) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, key)
	return nil
}

// Clear removes every key.
func (m *Map) Clear(ctx context.Context) error {
	if err := m.usable(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.items)
	return nil
}

// maxItem bounds a value in bytes: a record of the greatest size with its
// quotation marks escaped, and the hashes.
const maxItem = 2*store.MaxSize + 16<<10

// item reads a key. An empty value is none, as Amplify takes it.
func (s *Store) item(ctx context.Context, key string) (string, error) {
	value, ok, err := s.kv.Item(ctx, key)
	switch {
	case err != nil:
		return "", fmt.Errorf("amplifystore: read %s: %w", key, err)
	case !ok:
		return "", nil
	case len(value) > maxItem:
		return "", fmt.Errorf("amplifystore: read %s: it has %d bytes and may have %d; remove it", key, len(value), maxItem)
	}
	return value, nil
}

// set writes a key, or removes it if value is empty.
func (s *Store) set(ctx context.Context, key, value string) error {
	if value == "" {
		if err := s.kv.RemoveItem(ctx, key); err != nil {
			return fmt.Errorf("amplifystore: remove %s: %w", key, err)
		}
		return nil
	}
	if err := s.kv.SetItem(ctx, key, value); err != nil {
		return fmt.Errorf("amplifystore: write %s: %w", key, err)
	}
	return nil
}
