package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// A conn is one connection with its prepared statements, used by one goroutine
// at a time. It speaks to the driver through database/sql/driver and not
// through sql.DB, which would cost a pool, a lock and reflection at each
// statement: connections here are few, live long and belong to somebody.
type conn struct {
	path  string
	raw   driver.Conn
	stmts map[string]driver.Stmt
	named []driver.NamedValue // arguments of the running statement, reused

	// broken is set when SQLite may have ended the transaction by itself: a
	// full disk or a failed read does. What follows would run outside of it.
	broken error

	snapshot snapshot // of a reader
}

// connect opens a connection and runs setup on it.
func connect(path, dsn string, setup ...string) (*conn, error) {
	raw, err := driverOf().Open(dsn)
	if err != nil {
		return nil, explain(path, err)
	}
	c := &conn{path: path, raw: raw, stmts: make(map[string]driver.Stmt)}
	for _, sql := range setup {
		if err := c.script(sql); err != nil {
			_ = c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// script runs one or more statements without arguments or results.
func (c *conn) script(sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return c.failed(err)
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(sql string, args ...any) (int64, error) {
	stmt, err := c.prepared(sql)
	if err != nil {
		return 0, err
	}
	result, err := stmt.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, c.failed(err)
	}
	return result.RowsAffected()
}

// query runs a statement and calls each for its rows; each may stop it with an
// error. Statements that change and return rows have made their change then.
func (c *conn) query(sql string, each func(*row) error, args ...any) (err error) {
	stmt, err := c.prepared(sql)
	if err != nil {
		return err
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return c.failed(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = c.failed(e)
		}
	}()
	r := row{values: make([]driver.Value, len(rows.Columns()))}
	for {
		r.next, r.err = 0, nil
		if err := rows.Next(r.values); err == io.EOF {
			return nil
		} else if err != nil {
			return c.failed(err)
		}
		if err := each(&r); err != nil {
			return err
		}
		if r.err != nil {
			return fmt.Errorf("sqlite: %s: %w", c.path, r.err)
		}
	}
}

// one runs a statement that has at most one row; it returns errNoRow for none.
func (c *conn) one(sql string, scan func(*row), args ...any) error {
	found := false
	err := c.query(sql, func(r *row) error {
		found = true
		scan(r)
		return nil
	}, args...)
	if err == nil && !found {
		return errNoRow
	}
	return err
}

func (c *conn) prepared(sql string) (driver.Stmt, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	if stmt, ok := c.stmts[sql]; ok {
		return stmt, nil
	}
	stmt, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, c.failed(err)
	}
	c.stmts[sql] = stmt
	return stmt, nil
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.named = c.named[:0]
	for i, arg := range args {
		switch v := arg.(type) {
		case time.Time:
			arg = nil
			if !v.IsZero() {
				arg = v.UnixMicro()
			}
		case []byte:
			if v == nil {
				arg = []byte{}
			}
		case int:
			arg = int64(v)
		}
		c.named = append(c.named, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	return c.named
}

// failed explains an error of the driver, and remembers those after which the
// transaction may be gone. A statement that only breaks a constraint leaves
// the transaction as it was.
func (c *conn) failed(err error) error {
	if err == nil {
		return nil
	}
	err = explain(c.path, err)
	switch code(err) & 0xff {
	case 0, lib.SQLITE_CONSTRAINT, lib.SQLITE_TOOBIG, lib.SQLITE_MISMATCH, lib.SQLITE_RANGE, lib.SQLITE_ERROR:
	default:
		c.broken = err
	}
	return err
}

var errNoRow = errors.New("sqlite: no row")

// code returns SQLite's extended result code of err, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// A row hands out the columns of a result row in their order. A column of
// another type than asked for is reported once the row has been read.
type row struct {
	values []driver.Value
	next   int
	err    error
}

func column[T any](r *row) T {
	v := r.values[r.next]
	r.next++
	got, ok := v.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("column %d holds a %T where a %T belongs: the database is damaged", r.next, v, got)
	}
	return got
}

func (r *row) text() string   { return column[string](r) }
func (r *row) integer() int64 { return column[int64](r) }
func (r *row) boolean() bool  { return r.integer() != 0 }

func (r *row) blob() []byte { return column[[]byte](r) }

// instant returns the zero Time for NULL.
func (r *row) instant() time.Time {
	if r.null() {
		return time.Time{}
	}
	return time.UnixMicro(r.integer()).UTC()
}

// null reports whether the next column is NULL and, if so, passes over it.
func (r *row) null() bool {
	if r.values[r.next] != nil {
		return false
	}
	r.next++
	return true
}
