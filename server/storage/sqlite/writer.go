package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	// batchLimit bounds how many closures share a commit, and so how long the
	// first of them waits for the last.
	batchLimit = 256
	// releaseEvery is after how many commits idle readers give up old snapshots.
	releaseEvery = 32
	// checkpointFrames is how long the write-ahead log is to get before its
	// pages are copied into the database, and checkpointEvery how many commits
	// may go by at most: commits may suddenly get large.
	checkpointFrames = 1000
	checkpointEvery  = 64
)

var errExited = errors.New("sqlite: change ended its goroutine (runtime.Goexit, as testing.T.FailNow does)")

// A request is one closure on its way through the writer.
type request struct {
	change func(storage.Tx) error
	state  atomic.Int32 // waiting, then started or withdrawn
	err    error
	done   chan error // takes one answer
}

const (
	waiting = iota
	started
	withdrawn
)

// A writer runs the closures of Update on one goroutine and one connection. It
// takes whatever is queued, runs each closure under a savepoint of its own
// inside one transaction, commits once, and then answers: the wait for the
// disk, which is nearly all of the cost, is shared.
type writer struct {
	queue   chan *request
	stopped chan struct{}
	batch   batch
	clock   *clock
	readers *readers
	log     *slog.Logger
	reopen  func() (*conn, error)
	stats   counters

	sinceCheckpoint int // commits
	nextCheckpoint  int // after so many commits
	logFrames       int // length of the log at the last checkpoint
}

type counters struct {
	updates, commits, failedCommits atomic.Uint64
}

// A batch is the writer's running transaction. It survives the goroutine,
// because a closure may end that.
type batch struct {
	conn    *conn
	cache   *cache
	pending []*request // not run yet
	ran     []*request // not answered yet
	bounds  sessionBounds

	begun bool // BEGIN was executed
	saved bool // the running closure has a savepoint
	dirty bool // an earlier closure of the batch changed something
	wrote bool // the running closure changed something
}

// submit queues a closure and waits for its answer. When ctx ends first, the
// closure does not run.
func (w *writer) submit(ctx context.Context, change func(storage.Tx) error) error {
	r := &request{change: change, done: make(chan error, 1)}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		return <-r.done
	}
}

// run serves the queue until it is closed. When a closure ends the goroutine,
// another one carries on with the same batch.
func (w *writer) run() {
	clean := false
	defer func() {
		if clean {
			close(w.stopped)
		} else {
			go w.run()
		}
	}()
	for {
		if len(w.batch.pending)+len(w.batch.ran) == 0 && !w.collect() {
			break
		}
		for len(w.batch.pending) > 0 {
			r := w.batch.pending[0]
			w.batch.pending = w.batch.pending[1:]
			if r.state.CompareAndSwap(waiting, started) {
				w.batch.ran = append(w.batch.ran, r)
				w.one(r)
			}
		}
		w.finish()
	}
	clean = true
}

// collect waits for a closure and takes what else is queued by then.
func (w *writer) collect() bool {
	r, ok := <-w.queue
	if !ok {
		return false
	}
	// Those that were just answered may have more to write: let them.
	runtime.Gosched()
	w.batch.pending = append(w.batch.pending[:0], r)
	for len(w.batch.pending) < batchLimit {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return true
			}
			w.batch.pending = append(w.batch.pending, r)
		default:
			return true
		}
	}
	return true
}

// one runs a closure and settles what it changed.
func (w *writer) one(r *request) {
	b := &w.batch
	t := &txn{conn: b.conn, cache: b.cache, batch: b, seen: at(w.clock.latest())}
	r.err = errExited // unless change gets to its end
	defer func() {
		t.over.Store(true)
		if p := recover(); p != nil {
			r.err = fmt.Errorf("sqlite: change panicked: %v\n%s", p, debug.Stack())
		}
		b.settle(r.err == nil)
	}()
	r.err = r.change(t.tables())
}

// open begins the transaction at the first change of a batch, and puts down a
// savepoint at the first change of each closure that has others before it.
// Reads need neither: nobody else changes anything.
func (b *batch) open() error {
	if b.conn.broken != nil {
		return b.conn.broken
	}
	if !b.begun {
		if _, err := b.conn.exec("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		b.begun = true
	}
	if b.dirty && !b.saved {
		if _, err := b.conn.exec("SAVEPOINT change"); err != nil {
			return err
		}
		b.saved = true
	}
	b.wrote = true
	return nil
}

// settle keeps or undoes what the closure changed.
func (b *batch) settle(keep bool) {
	switch {
	case b.conn.broken != nil || !b.wrote:
	case keep && b.saved:
		b.must("RELEASE change")
	case keep:
	case b.saved:
		b.must("ROLLBACK TO change")
		b.must("RELEASE change")
	default: // the first one to change anything
		b.must("ROLLBACK")
		b.begun = false
	}
	if !keep {
		b.cache.unstage()
	}
	b.dirty = b.dirty || keep && b.wrote
	b.saved, b.wrote = false, false
}

// must runs a statement without which the batch cannot be saved.
func (b *batch) must(sql string) {
	if b.conn.broken != nil {
		return
	}
	if _, err := b.conn.exec(sql); err != nil {
		b.conn.broken = err
	}
}

// finish commits the batch and answers its closures.
func (w *writer) finish() {
	b := &w.batch
	var err error
	if b.begun || b.conn.broken != nil {
		err = w.commit()
	} else {
		b.cache.discard()
	}
	b.begun, b.dirty = false, false
	for i, r := range b.ran {
		if err != nil && r.err == nil {
			r.err = err
		}
		if r.err == nil {
			w.stats.updates.Add(1)
		}
		r.done <- r.err
		b.ran[i] = nil
	}
	b.ran = b.ran[:0]
}

// commit makes the batch durable and then visible. Between its two ticks of the
// clock, readers cannot tell which of two versions they see. After a failure the
// version moves on too: nobody knows what the file holds until it is read.
func (w *writer) commit() error {
	b := &w.batch
	b.cache.announce()
	w.clock.tick()
	b.must("COMMIT")
	err := b.conn.broken
	if err != nil {
		w.stats.failedCommits.Add(1)
		w.log.Error("changes were not saved", "closures", len(b.ran), "error", err)
		w.reconnect()
		b.cache.forget()
	}
	b.cache.publish()
	w.clock.tick()
	if err == nil {
		if w.stats.commits.Add(1)%releaseEvery == 0 {
			w.readers.release()
		}
		w.checkpoint()
	}
	return err
}

// checkpoint copies the log into the database when it is long enough. SQLite
// would try after every commit while a reader keeps the log from starting over,
// which sorts the whole log each time; here the next try comes when another
// thousand frames are expected. A failure is no loss: the log is part of the database.
func (w *writer) checkpoint() {
	if w.sinceCheckpoint++; w.sinceCheckpoint < w.nextCheckpoint {
		return
	}
	w.readers.release()
	frames := 0
	err := w.batch.conn.one("PRAGMA wal_checkpoint(PASSIVE)", func(r *row) {
		r.integer() // whether somebody was in the way
		frames = int(r.integer())
	})
	if err != nil {
		w.log.Warn("the write-ahead log was not copied into the database; it is tried again", "error", err)
		w.sinceCheckpoint, w.nextCheckpoint = 0, releaseEvery
		return
	}
	grown := frames
	if frames > w.logFrames { // it did not start over
		grown -= w.logFrames
	}
	w.nextCheckpoint = min(max(1, checkpointFrames*w.sinceCheckpoint/max(1, grown)), checkpointEvery)
	w.sinceCheckpoint, w.logFrames = 0, frames
}

// reconnect replaces a connection whose transaction failed. While that does not
// succeed, the next batches fail with the old error, and each tries again.
func (w *writer) reconnect() {
	b := &w.batch
	_ = b.conn.script("ROLLBACK") // fails when SQLite has done it already
	fresh, err := w.reopen()
	if err != nil {
		w.log.Error("database could not be opened again", "error", err)
		return
	}
	if err := b.conn.close(); err != nil {
		w.log.Warn("failed connection did not close", "error", err)
	}
	b.conn = fresh
}
