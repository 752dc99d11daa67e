// Package settings is the codec of stored settings: those of user pools, app clients,
// identity pools and what else has settings of its own stand in storage as the JSON of
// Cognito's shapes, so that what is not served yet is still given back as it came.
package settings

import (
	"fmt"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Encode writes settings as they are stored, secrets in clear text.
func Encode(settings any) ([]byte, error) { return wire.Marshal(settings) }

// Decode reads the stored settings of an entity into a pointer to them. Its error names
// the entity and is no [wire.Exception]: the caller of an operation did not cause it.
func Decode(entity string, data []byte, into any) error {
	if err := wire.Unmarshal(data, into); err != nil {
		return fmt.Errorf("stored settings of %s: %v", entity, err)
	}
	return nil
}

// A Cache keeps decoded settings of type T, one entry for each entity, until what is
// stored differs. Its zero value is ready, and it is safe for concurrent use.
type Cache[T any] struct{ entries sync.Map } // id → entry[T]

type entry[T any] struct {
	stored   string
	settings *T
}

// Decode returns the settings that data holds, stored for the entity of that id.
// Callers must not change them.
func (c *Cache[T]) Decode(id string, data []byte) (*T, error) {
	if found, ok := c.entries.Load(id); ok {
		if e := found.(entry[T]); e.stored == string(data) {
			return e.settings, nil
		}
	}
	settings := new(T)
	if err := Decode(id, data, settings); err != nil {
		return nil, err
	}
	c.entries.Store(id, entry[T]{string(data), settings})
	return settings, nil
}

// Forget frees the entry of an entity that is deleted.
func (c *Cache[T]) Forget(id string) { c.entries.Delete(id) }
