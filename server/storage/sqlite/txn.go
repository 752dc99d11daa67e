package sqlite

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/latchkey-auth/latchkey/server/storage"
	lib "modernc.org/sqlite/lib"
)

var (
	errReadOnly = errors.New("sqlite: View does not change anything: use Update")
	errOver     = errors.New("sqlite: transaction used after its closure returned")
)

// A txn is what one closure sees: the tables on one connection.
type txn struct {
	conn  *conn
	cache *cache
	// batch is the writer's running transaction; nil in a View.
	batch *batch
	seen  span        // the database's version that this closure sees
	over  atomic.Bool // atomic: the mistake it catches is use by another goroutine
}

func (t *txn) tables() storage.Tx {
	return storage.Tx{
		Pools:         pools{t},
		Clients:       clients{t},
		Domains:       domains{t},
		Resources:     resources{t},
		Providers:     providers{t},
		Brandings:     brandings{t},
		Users:         users{t},
		Groups:        groups{t},
		Members:       members{t},
		Sessions:      sessions{t},
		Revocations:   revocations{t},
		IdentityPools: identityPools{t},
		Identities:    identities{t},
		Guests:        guests{t},
		Keys:          keys{t},
		Attempts:      attempts{t},
		Codes:         codes{t},
		History:       history{t},
		Spent:         spent{t},
		Properties:    properties{t},
	}
}

// query reads rows.
func (t *txn) query(sql string, each func(*row) error, args ...any) error {
	if t.over.Load() {
		return errOver
	}
	return t.conn.query(sql, each, args...)
}

// one reads one row; none is storage.ErrNotFound of what.
func (t *txn) one(what, sql string, scan func(*row), args ...any) error {
	if t.over.Load() {
		return errOver
	}
	err := t.conn.one(sql, scan, args...)
	if err == errNoRow {
		return fmt.Errorf("%w: %s", storage.ErrNotFound, what)
	}
	return err
}

// exec changes rows and returns how many.
func (t *txn) exec(sql string, args ...any) (int64, error) {
	if err := t.changes(); err != nil {
		return 0, err
	}
	return t.conn.exec(sql, args...)
}

// returning changes rows and calls each with what comes back.
func (t *txn) returning(sql string, each func(*row) error, args ...any) error {
	if err := t.changes(); err != nil {
		return err
	}
	return t.conn.query(sql, each, args...)
}

// insert adds one row by a statement that does nothing on conflict.
func (t *txn) insert(what, sql string, args ...any) error {
	n, err := t.exec(sql, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: %s", storage.ErrExists, what)
	}
	return nil
}

// change updates or deletes one row; none is storage.ErrNotFound of what.
func (t *txn) change(what, sql string, args ...any) error {
	n, err := t.exec(sql, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: %s", storage.ErrNotFound, what)
	}
	return nil
}

// changes readies the transaction for a change, or says why there can be none.
func (t *txn) changes() error {
	switch {
	case t.over.Load():
		return errOver
	case t.batch == nil:
		return errReadOnly
	default:
		return t.batch.open()
	}
}

// orphaned turns a broken foreign key into storage.ErrNotFound of the owner.
// SQLite has undone the statement alone; the transaction goes on.
func orphaned(err error, owner string) error {
	if code(err) == lib.SQLITE_CONSTRAINT_FOREIGNKEY {
		return fmt.Errorf("%w: %s", storage.ErrNotFound, owner)
	}
	return err
}

// cached reads a row from the shelf, or by load and then keeps it there.
func cached[K comparable, V any](t *txn, s *shelf[K, V], k K, load func() (V, error)) (V, error) {
	if t.over.Load() {
		var none V
		return none, errOver
	}
	usable := t.batch == nil || !s.touched(k)
	if usable {
		if row, ok := s.get(k, t.seen); ok {
			return row, nil
		}
	}
	row, err := load()
	if err == nil && usable {
		s.put(k, row, t.seen)
	}
	return row, err
}

// touch notes that the closure is about to change a row. It must come before
// the change, and a View, whose changes are refused, touches nothing.
func touch[K comparable, V any](t *txn, s *shelf[K, V], k K) {
	if t.changeable() {
		s.touch(k)
	}
}

// touchAll notes that the closure is about to change any number of a kind's rows.
func touchAll[K comparable, V any](t *txn, s *shelf[K, V]) {
	if t.changeable() {
		s.forget()
	}
}

// touchEverything notes that the closure is about to change rows of all kinds.
func touchEverything(t *txn) {
	if t.changeable() {
		t.cache.forget()
	}
}

func (t *txn) changeable() bool { return t.batch != nil && !t.over.Load() }
