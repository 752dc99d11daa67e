package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// A snapshot is what a reader's open read transaction shows.
type snapshot struct {
	open bool
	seen span
}

// A clock tells the database's version: twice the number of commits, plus one
// while a commit is under way. A snapshot taken while it stood still on an even
// value shows that very version; otherwise it shows one of those that the clock
// went over.
type clock struct{ ticks atomic.Uint64 }

func (c *clock) latest() uint64 { return c.ticks.Load() / 2 }
func (c *clock) tick()          { c.ticks.Add(1) }

// readers lends read-only connections to Views. A connection keeps its snapshot
// as long as no commit makes it old, so that most Views begin without a
// statement. The one used last is lent first: its snapshot and pages are warm.
type readers struct {
	open  func() (*conn, error)
	clock *clock
	slots chan struct{} // one token for each connection that may be lent

	mu   sync.Mutex
	idle []*conn
}

func newReaders(n int, clock *clock, open func() (*conn, error)) *readers {
	return &readers{open: open, clock: clock, slots: make(chan struct{}, n)}
}

// borrow returns a connection whose snapshot shows every commit that was
// answered before the call. It waits for a free one until ctx ends.
func (r *readers) borrow(ctx context.Context) (*conn, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, err := r.take()
	if err == nil {
		if err = r.refresh(c); err != nil {
			_ = c.close() // the first error is the one to tell
		}
	}
	if err != nil {
		<-r.slots
		return nil, err
	}
	return c, nil
}

func (r *readers) take() (*conn, error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	return r.open()
}

// giveBack returns a connection. One that failed is closed; the next View opens
// another.
func (r *readers) giveBack(c *conn) {
	if c.broken == nil && !r.current(c) {
		_ = c.endSnapshot() // a failure breaks the connection
	}
	if c.broken != nil {
		_ = c.close()
	} else {
		r.mu.Lock()
		r.idle = append(r.idle, c)
		r.mu.Unlock()
	}
	<-r.slots
}

// current reports whether the snapshot shows every commit that was answered. One
// that was taken during a commit does as long as that commit is under way.
func (r *readers) current(c *conn) bool {
	return c.snapshot.open && c.snapshot.seen.first == r.clock.latest()
}

// refresh brings the connection's snapshot up to date.
func (r *readers) refresh(c *conn) error {
	if r.current(c) {
		return nil
	}
	if err := c.endSnapshot(); err != nil {
		return err
	}
	before := r.clock.ticks.Load()
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	// SQLite takes the snapshot at the first read, not at BEGIN.
	if err := c.one("SELECT 1 FROM schema_migrations LIMIT 1", func(*row) {}); err != nil {
		return err
	}
	after := r.clock.ticks.Load()
	c.snapshot = snapshot{open: true, seen: span{before / 2, (after + 1) / 2}}
	return nil
}

func (c *conn) endSnapshot() error {
	if !c.snapshot.open {
		return nil
	}
	c.snapshot = snapshot{}
	_, err := c.exec("COMMIT")
	return err
}

// release ends the old snapshots of idle connections: as long as they are open,
// SQLite cannot start its write-ahead log over, and the log grows.
func (r *readers) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.idle[:0]
	for _, c := range r.idle {
		if !r.current(c) && c.endSnapshot() != nil {
			_ = c.close()
			continue
		}
		kept = append(kept, c)
	}
	clear(r.idle[len(kept):])
	r.idle = kept
}

// close ends all connections, none of which is lent.
func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.endSnapshot(), c.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}
