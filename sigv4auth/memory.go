package sigv4auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// DefaultMemory is how many signatures an [Auth] remembers by itself: 10 minutes
// of 400 changing requests a second, in about 15 MB when full.
const DefaultMemory = 1 << 18

// ErrFull means that a [Memory] holds as many signatures as it may. It forgets
// none before its time, since that would let it be sent again.
var ErrFull = errors.New("sigv4auth: no room to remember a signature; raise the size of the memory, or limit the rate of requests before it")

const (
	// span is how long the signatures of one bucket are forgotten after each
	// other, in seconds: a bucket is dropped as a whole.
	span = 30
	// reach bounds how far ahead signatures are remembered: twice the greatest
	// skew, and a little.
	reach = 31 * time.Minute
)

// Memory is [Replays] in the memory of one process. It is safe for concurrent
// use.
type Memory struct {
	size int
	now  func() time.Time

	mu      sync.Mutex
	held    int
	oldest  int64                           // no bucket before this one
	buckets map[int64]map[[32]byte]struct{} // by their end, in spans since 1970
}

var _ Replays = (*Memory)(nil)

// NewMemory makes a Memory of at most size signatures. A nil now is time.Now.
func NewMemory(size int, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{size: size, now: now, buckets: map[int64]map[[32]byte]struct{}{}}
}

// First implements [Replays]. It fails with [ErrFull], and for a time that is
// more than 31 minutes ahead; after its time nothing is the first.
func (m *Memory) First(_ context.Context, signature [32]byte, until time.Time) (bool, error) {
	now := m.now()
	if until.Sub(now) > reach {
		return false, errors.New("sigv4auth: a signature is to be remembered for more than 31 minutes")
	}
	if !until.After(now) {
		return false, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	// A signature has one date and so one bucket.
	end := max(until.Unix()/span+1, m.oldest)
	bucket := m.buckets[end]
	if _, seen := bucket[signature]; seen {
		return false, nil
	}
	if m.held >= m.size {
		return false, ErrFull
	}
	if bucket == nil {
		bucket = map[[32]byte]struct{}{}
		m.buckets[end] = bucket
	}
	bucket[signature] = struct{}{}
	m.held++
	return true, nil
}

// forget drops the buckets that have ended. There are never more than reach has
// spans, so looking at all is little, and it is done once a span.
func (m *Memory) forget(now time.Time) {
	current := now.Unix() / span
	if current < m.oldest {
		return // nothing new, or a clock that was set back
	}
	m.oldest = current + 1
	for end, bucket := range m.buckets {
		if end <= current {
			m.held -= len(bucket)
			delete(m.buckets, end)
		}
	}
}
