package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

const (
	// readyProperty is what readiness probes write.
	readyProperty = "ready-at"
	// readyAgain is how long the result of a probe is reused, so that requests cause at
	// most one durable write in that time.
	readyAgain   = time.Second
	readyTimeout = 2 * time.Second
	// failedFor is how long a commit that failed makes the service not ready. On a
	// full disk the small write of a probe may still find room.
	failedFor = 10 * time.Second
)

var errCommitFailed = errors.New("a change could not be saved")

// readiness is the result of the last write of a probe, and when a commit last
// failed.
type readiness struct {
	failed atomic.Int64 // in microseconds since 1970; 0 for never

	mu  sync.Mutex // guards what follows
	at  time.Time
	err error
}

// committing notes commits that fail.
type committing struct {
	storage.Store
	ready *readiness
}

// Update notes a failure after change has returned without an error.
func (c committing) Update(ctx context.Context, change func(storage.Tx) error) error {
	changed := false
	err := c.Store.Update(ctx, func(tx storage.Tx) error {
		err := change(tx)
		changed = err == nil
		return err
	})
	if err != nil && changed {
		c.ready.failed.Store(time.Now().UnixMicro())
	}
	return err
}

// readyz reports whether storage accepts writes. A read would succeed on a full disk,
// where every sign-in fails.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.probe(context.WithoutCancel(r.Context())); err != nil {
		plain(w, http.StatusServiceUnavailable, "storage does not take writes\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

// probe reads from storage and writes to it; the write is left out if the result
// of another is not a second old.
func (s *Server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := s.store.View(ctx, func(tx storage.Tx) error {
		_, err := tx.Pools.List("", 1)
		return err
	})
	if err == nil {
		err = s.probeWrite(ctx)
	}
	if err == nil && time.Since(time.UnixMicro(s.ready.failed.Load())) < failedFor {
		err = errCommitFailed
	}
	if err != nil {
		s.log.WarnContext(ctx, "not ready", "error", err)
	}
	return err
}

func (s *Server) probeWrite(ctx context.Context) error {
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if !s.ready.at.IsZero() && time.Since(s.ready.at) < readyAgain {
		return s.ready.err
	}
	s.ready.err = s.store.Update(ctx, func(tx storage.Tx) error {
		return tx.Properties.Put(readyProperty, strconv.AppendInt(nil, time.Now().UnixMicro(), 10))
	})
	s.ready.at = time.Now()
	return s.ready.err
}
