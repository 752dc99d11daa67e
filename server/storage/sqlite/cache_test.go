package sqlite

import (
	"errors"
	"reflect"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestCacheListsEveryShelf: each shelf that the cache declares follows commits.
func TestCacheListsEveryShelf(t *testing.T) {
	t.Parallel()
	c := newCache(10)
	listed := make(map[uintptr]bool)
	for _, s := range c.shelves {
		listed[reflect.ValueOf(s).Pointer()] = true
	}
	fields := reflect.ValueOf(c).Elem()
	shelves := 0
	for i := range fields.NumField() {
		field, name := fields.Field(i), fields.Type().Field(i).Name
		if name == "limit" || name == "shelves" {
			continue
		}
		shelves++
		if field.Kind() != reflect.Pointer || !listed[field.Pointer()] {
			t.Errorf("newCache does not add the shelf %s: its rows would be served stale", name)
		}
	}
	if len(listed) != shelves {
		t.Errorf("the cache lists %d shelves and declares %d", len(listed), shelves)
	}
}

// TestAddedShelfServesNoStaleRow: a new kind of row takes part in whatever happens
// to a batch, because its shelf was added.
func TestAddedShelfServesNoStaleRow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*cache, *shelf[int, string])
		// What a transaction finds that sees the version after.
		want  string
		found bool
	}{
		{"the row is changed", func(c *cache, s *shelf[int, string]) { s.touch(1); c.announce(); c.publish() }, "", false},
		{"another row is changed", func(c *cache, s *shelf[int, string]) { s.touch(2); c.announce(); c.publish() }, "before", true},
		{"another kind of row is changed", func(c *cache, _ *shelf[int, string]) { c.pools.touch("1"); c.announce(); c.publish() }, "before", true},
		{"any row may be changed", func(c *cache, _ *shelf[int, string]) { c.forget(); c.announce(); c.publish() }, "", false},
		{"the commit is not over", func(c *cache, s *shelf[int, string]) { s.touch(1); c.announce() }, "", false},
		{"the new row is known", func(c *cache, s *shelf[int, string]) {
			s.touch(1)
			s.stage(1, "after")
			c.announce()
			c.publish()
		}, "after", true},
		{"the change is undone, others are committed", func(c *cache, s *shelf[int, string]) {
			s.touch(1)
			s.stage(1, "after")
			c.unstage()
			c.announce()
			c.publish()
		}, "", false},
		{"the batch is undone, the next is committed", func(c *cache, s *shelf[int, string]) {
			s.touch(1)
			s.stage(1, "after")
			c.discard()
			c.announce()
			c.publish()
		}, "before", true},
	} {
		c := newCache(10)
		var added *shelf[int, string]
		addShelf(c, &added)
		added.put(1, "before", at(0))
		test.change(c, added)
		if got, ok := added.get(1, span{0, 1}); test.found && test.want == "before" && (!ok || got != test.want) {
			t.Errorf("%s: %q, %v to one who sees either version, want %q", test.name, got, ok, test.want)
		}
		if got, ok := added.get(1, at(1)); got != test.want || ok != test.found {
			t.Errorf("%s: %q, %v, want %q, %v", test.name, got, ok, test.want, test.found)
		}
	}
}

// TestUndoneClosureStagesNoRow: what a closure staged before it failed is not served
// once the others of its batch are committed, whatever kind of row it is.
func TestUndoneClosureStagesNoRow(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	if err := db.Update(t.Context(), insertPool("pool")); err != nil {
		t.Fatal(err)
	}
	undone := errors.New("undone")
	errs := inOneBatch(t, db, insertPool("other"), func(tx storage.Tx) error {
		after := storage.Pool{ID: "pool", Name: "after"}
		if err := tx.Pools.Update(after); err != nil {
			return err
		}
		db.cache.pools.stage("pool", &after)
		return undone
	})
	if errs[0] != nil || !errors.Is(errs[1], undone) {
		t.Fatalf("the batch: %v", errs)
	}
	if err := db.View(t.Context(), func(tx storage.Tx) error {
		pool, err := tx.Pools.Pool("pool")
		if pool.Name != "" {
			t.Errorf("the pool is called %q by a change that was undone", pool.Name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
