package server

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// How many requests may wait for revocations at once, in all and from one source.
const (
	maxWaiting       = 4096
	maxWaitingSource = 1024
)

// feed wakes requests that wait for revocations. What there is to say stands in
// storage; the feed only knows that there may be something new.
type feed struct {
	mu       sync.Mutex
	stopped  bool
	stopping chan struct{} // closed by stop
	topics   map[string]*topic
	waiting  int
	most     int // of waiting
	sources  map[netip.Prefix]int
}

// topic is a pool that requests wait for.
type topic struct {
	news    chan struct{} // closed at the next commit
	readers int
}

// newFeed makes a feed for which at most so many requests wait.
func newFeed(most int) *feed {
	return &feed{most: min(most, maxWaiting), stopping: make(chan struct{}), topics: map[string]*topic{}, sources: map[netip.Prefix]int{}}
}

// start lets requests wait again after stop.
func (f *feed) start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		f.stopped, f.stopping = false, make(chan struct{})
	}
}

// stop ends all waiting, now and until start.
func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		f.stopped = true
		close(f.stopping)
	}
}

// wake resumes the requests that wait for entries of the pool.
func (f *feed) wake(poolID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.topics[poolID]; t != nil {
		close(t.news)
		t.news = make(chan struct{})
	}
}

// reader is a request that may wait.
type reader struct {
	feed     *feed
	pool     string
	source   netip.Prefix
	stopping <-chan struct{}
}

// join adds a waiting request, unless too many wait already. An invalid source has no
// bound per source. The caller must call leave.
func (f *feed) join(poolID string, source netip.Addr) (*reader, bool) {
	r := &reader{feed: f, pool: poolID, source: limits.Network(source)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting >= f.most || r.source.IsValid() && f.sources[r.source] >= maxWaitingSource {
		return nil, false
	}
	f.waiting++
	if r.source.IsValid() {
		f.sources[r.source]++
	}
	if f.topics[poolID] == nil {
		f.topics[poolID] = &topic{news: make(chan struct{})}
	}
	f.topics[poolID].readers++
	r.stopping = f.stopping
	return r, true
}

func (r *reader) leave() {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
	if r.source.IsValid() {
		if f.sources[r.source]--; f.sources[r.source] == 0 {
			delete(f.sources, r.source)
		}
	}
	t := f.topics[r.pool]
	if t.readers--; t.readers == 0 {
		delete(f.topics, r.pool)
	}
}

// news gives what is closed at the next commit. Ask for it before reading
// storage: then no commit falls between the two.
func (r *reader) news() <-chan struct{} {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	return r.feed.topics[r.pool].news
}

// wait returns at the next commit or after at most d, whichever is first. It
// reports false when the request should end.
func (r *reader) wait(ctx context.Context, news <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-news:
		return true
	case <-timer.C:
		return true
	case <-r.stopping:
		return false
	case <-ctx.Done():
		return false
	}
}

// watch gives the same Store, with every commit of a revocation waking the feed:
// here, and not in each operation, so that none can forget to.
func (f *feed) watch(store storage.Store) storage.Store { return watched{store, f} }

type watched struct {
	storage.Store
	feed *feed
}

// Update wakes the feed when the change is durable.
func (w watched) Update(ctx context.Context, change func(storage.Tx) error) error {
	var noted appends
	err := w.Store.Update(ctx, func(tx storage.Tx) error {
		noted = appends{Revocations: tx.Revocations}
		tx.Revocations = &noted
		return change(tx)
	})
	if err == nil {
		for _, pool := range noted.pools {
			w.feed.wake(pool)
		}
	}
	return err
}

// appends notes in which pools a transaction appended.
type appends struct {
	storage.Revocations
	pools []string
}

// Append notes the pool when there is something new in it.
func (a *appends) Append(ended storage.Ended, notice storage.Notice) (int, error) {
	n, err := a.Revocations.Append(ended, notice)
	if n > 0 {
		a.pools = append(a.pools, ended.PoolID)
	}
	return n, err
}

// Admit notes the pool of an entry that was replaced.
func (a *appends) Admit(session storage.Session, at time.Time) (bool, error) {
	replaced, err := a.Revocations.Admit(session, at)
	if replaced {
		a.pools = append(a.pools, session.PoolID)
	}
	return replaced, err
}
