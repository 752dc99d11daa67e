// Package keylock gives one mutual exclusion per key, whose waiters heed their
// context. Stores use it for the locks that goroutines of one process take
// among themselves; a store that is shared by processes adds a lock that the
// processes can see.
package keylock

import (
	"context"
	"sync"
)

// Group is a set of locks, one per key. A lock takes memory only while somebody
// holds it or waits for it. The zero value is ready; a Group must not be copied.
type Group[K comparable] struct {
	mu    sync.Mutex
	locks map[K]*lock
}

type lock struct {
	turn  chan struct{} // holds one value while the lock is held
	users int           // holder and waiters, under Group.mu
}

// Lock waits until it holds the key's lock, in the order of arrival, or until
// ctx ends, and then returns ctx.Err(). Calls of unlock after the first do
// nothing.
func (g *Group[K]) Lock(ctx context.Context, key K) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := g.enter(key)
	select {
	case l.turn <- struct{}{}:
		return sync.OnceFunc(func() {
			<-l.turn
			g.leave(key, l)
		}), nil
	case <-ctx.Done():
		g.leave(key, l)
		return nil, ctx.Err()
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
