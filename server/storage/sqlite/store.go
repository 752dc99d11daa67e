// Package sqlite keeps the service's state in one SQLite file, for one process.
//
// Durable writes are a matter of sharing the disk: Update queues its closure for
// a writer (writer.go), which runs all closures that are waiting in one
// transaction, each under a savepoint, commits once and answers them all. The
// file is in WAL mode with synchronous=FULL, so what was answered survives a
// crash of the process, of the system, and of the power supply.
//
// View borrows a read-only connection (readers.go) whose snapshot no commit
// disturbs. Rows that are read at almost every request are kept in a bounded
// cache (cache.go), which knows to which versions of the database a row belongs.
// That is sound because this process alone changes the file: Open takes a lock
// beside it, and refuses a second one. Do not change the database with another
// program while a Store has it open.
//
// Queries are plain SQL with numbered placeholders, one file for each kind of
// entity; the schema is in migrations.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/gofrs/flock"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// ErrInUse means that another process, or another Store of this one, has the
// database open.
var ErrInUse = errors.New("database is in use")

// Options are the settings of a Store. The zero value is right for most.
type Options struct {
	// Logger takes what no caller is told, or not only: commits that failed.
	// The default is slog.Default().
	Logger *slog.Logger
	// ReadConns is how many Views run at once; others wait. The default is
	// twice the number of usable processors, and 4 at least.
	ReadConns int
	// CacheRows bounds the cache: it keeps between one and two times as many rows
	// of each kind (pools, clients, users, logins, sessions). The default is
	// 10,000, at about half a kilobyte a row; a negative number turns it off.
	CacheRows int
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ReadConns <= 0 {
		o.ReadConns = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.CacheRows == 0 {
		o.CacheRows = 10_000
	}
	return o
}

// Store is a storage.Store in a SQLite file. It is safe for concurrent use.
type Store struct {
	path    string
	file    fs.FileInfo // the database at Open
	lock    *flock.Flock
	clock   clock
	cache   *cache
	readers *readers
	writer  *writer

	mu      sync.Mutex // orders enter and Close
	closed  bool
	running sync.WaitGroup
}

var _ storage.Store = (*Store)(nil)

// Open opens the database at path, creates it with permissions 0600 when there
// is none, and brings its schema up to date. The folder must exist. A second
// Open of the same file fails with ErrInUse until the first Store is closed. When
// ctx has ended already, Open does nothing; it does not wait for anything else.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	s, err := open(path, opts.withDefaults())
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	s.lock = lock
	return s, nil
}

// open opens a database whose lock is held.
func open(path string, opts Options) (*Store, error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	steps, err := migrations(embedded)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	c, err := openWriter(path)
	if err != nil {
		return nil, err
	}
	if err := migrate(c, steps); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %s: %w", path, err), c.close())
	}
	s := &Store{path: path, file: file, cache: newCache(opts.CacheRows)}
	s.readers = newReaders(opts.ReadConns, &s.clock, func() (*conn, error) { return openReader(path) })
	s.writer = &writer{
		queue:   make(chan *request, batchLimit),
		stopped: make(chan struct{}),
		batch:   batch{conn: c, cache: s.cache},
		clock:   &s.clock,
		readers: s.readers,
		log:     opts.Logger.With("database", path),
		reopen:  func() (*conn, error) { return openWriter(path) },
	}
	go s.writer.run()
	return s, nil
}

// openWriter opens the connection that changes things.
func openWriter(path string) (*conn, error) {
	return connect(path, dsn(path, "rw"),
		"PRAGMA busy_timeout = 5000",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA wal_autocheckpoint = 0", // see writer.checkpoint
		"PRAGMA cache_size = -16384",    // KiB
	)
}

// openReader opens a connection for Views.
func openReader(path string) (*conn, error) {
	return connect(path, dsn(path, "ro"),
		"PRAGMA busy_timeout = 5000",
		"PRAGMA query_only = ON",
		"PRAGMA cache_size = -4096",
	)
}

// View runs read on one consistent state, which has all changes of the Updates
// that returned before. It waits for a free connection until ctx ends. Changes
// through the transaction are refused.
func (s *Store) View(ctx context.Context, read func(storage.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	c, err := s.readers.borrow(ctx)
	if err != nil {
		return err
	}
	defer s.readers.giveBack(c)
	t := &txn{conn: c, cache: s.cache, seen: c.snapshot.seen}
	defer t.over.Store(true)
	return read(t.tables())
}

// Update queues change for the writer, waits until it has run and is on the
// disk, and returns its error. A panic in change is returned as an error. When
// the commit fails, so do all closures that shared it, and the Store goes on.
func (s *Store) Update(ctx context.Context, change func(storage.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	return s.writer.submit(ctx, change)
}

// Close ends the Store after the closures that are running or queued, moves the
// write-ahead log into the database file and gives up the lock. Later calls
// fail with storage.ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	close(s.writer.queue)
	<-s.writer.stopped
	return errors.Join(s.readers.close(), s.writer.batch.conn.close(), s.lock.Unlock())
}

// enter counts a call in, unless the Store is closed or ctx has ended.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.ErrClosed
	}
	s.running.Add(1)
	return nil
}

// Check reports why the Store cannot serve, if it cannot: the file is gone or
// was replaced, a read fails, or the writer does not answer before ctx ends. It
// is cheap enough for a readiness probe.
func (s *Store) Check(ctx context.Context) error {
	file, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("sqlite: %s: the database file is gone: stop the service and restore it: %w", s.path, err)
	}
	if !os.SameFile(file, s.file) {
		return fmt.Errorf("sqlite: %s: the database file was replaced while it was open: restart the service", s.path)
	}
	read := func(tx storage.Tx) error {
		_, err := tx.Pools.List("", 1)
		return err
	}
	if err := s.View(ctx, read); err != nil {
		return err
	}
	return s.Update(ctx, read) // changes nothing, so it costs no commit
}

// Stats are counts since Open.
type Stats struct {
	Updates       uint64 // closures whose Update returned nil
	Commits       uint64 // transactions they shared
	FailedCommits uint64
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	return Stats{
		Updates:       s.writer.stats.updates.Load(),
		Commits:       s.writer.stats.commits.Load(),
		FailedCommits: s.writer.stats.failedCommits.Load(),
	}
}
