// Package keylock gives one mutual exclusion per key, whose waiters heed their
// context. Stores use it for the locks that goroutines of one process take
// among themselves; a store that is shared by processes adds a lock that the
// processes can see.
package keylock

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrHeld means that the context ended while another holder had the lock. Package
// store exports it as ErrLockHeld.
var ErrHeld = errors.New("store: another holder has the lock")

// Group is a set of locks, one per key. A lock uses memory only while it has
// a holder or a waiter. The zero value is ready; a Group must not be copied.
type Group[K comparable] struct {
	mu    sync.Mutex
	locks map[K]*lock
}

type lock struct {
	turn  chan struct{} // holds one value while the lock is held
	users int           // holder and waiters, under Group.mu
}

// Lock waits until it holds the key's lock, in the order of arrival, or until ctx
// ends. It returns ctx.Err() if ctx had ended before, and an error that wraps
// [ErrHeld] and ctx.Err() if ctx ended during the wait. Calls of unlock after the
// first do nothing.
func (g *Group[K]) Lock(ctx context.Context, key K) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := g.enter(key)
	unlock = sync.OnceFunc(func() {
		<-l.turn
		g.leave(key, l)
	})
	// A lock that is free is taken before ctx counts: after this, the lock is held.
	select {
	case l.turn <- struct{}{}:
		return unlock, nil
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return unlock, nil
	case <-ctx.Done():
		g.leave(key, l)
		return nil, fmt.Errorf("%w: %w", ErrHeld, ctx.Err())
	}
}

func (g *Group[K]) enter(key K) *lock {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.locks[key]
	if l == nil {
		l = &lock{turn: make(chan struct{}, 1)}
		if g.locks == nil {
			g.locks = make(map[K]*lock)
		}
		g.locks[key] = l
	}
	l.users++
	return l
}

func (g *Group[K]) leave(key K, l *lock) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.users--
	if l.users == 0 {
		delete(g.locks, key)
	}
}
