package session

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
)

// errClosed answers every call after Close.
var errClosed = fault.New("", fault.Closed, "make another client with New")

// lifecycle starts the engine's goroutines and waits for them.
type lifecycle struct {
	log *slog.Logger
	// ctx ends when the engine is closed. Work in progress may go on until it is done.
	ctx context.Context
	end context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

func newLifecycle(log *slog.Logger) *lifecycle {
	ctx, end := context.WithCancel(context.Background())
	return &lifecycle{log: log, ctx: ctx, end: end}
}

// start runs work in a goroutine that close waits for. It reports false, and does not
// run it, once close was called. A panic in work ends the goroutine and is logged.
func (l *lifecycle) start(work func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.work.Go(func() { _ = guard(l.log, func() error { work(); return nil }) })
	return true
}

// isClosed reports whether close was called.
func (l *lifecycle) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// close refuses new work and waits for the work in progress.
func (l *lifecycle) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.end()
	l.work.Wait()
}

// sleep pauses, and reports false if ctx ended meanwhile.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// turn is a lock that gives way to a context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) release() { <-t }
