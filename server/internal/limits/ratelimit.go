package limits

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// defaultSources is how many sources a Limiter remembers by default. An entry
// takes about 300 bytes.
const defaultSources = 16384

// Limiter lets each source do PerSecond requests a second in the long run and
// Burst at once: a token bucket per source. It keeps at most Sources buckets.
//
// When the table is full, the source that has been away longest makes room, if
// its bucket is full again, so that forgetting it changes nothing. If even that
// one is still active, new sources share one bucket until the storm is over:
// somebody with more addresses than the table has rows gains nothing by going
// through them in turn.
//
// Set the fields before the first use. A Limiter is safe for concurrent use,
// and the zero Limiter lets everything pass.
type Limiter struct {
	PerSecond float64 // tokens a second; 0 or less: no limit
	Burst     int     // size of a bucket; default: PerSecond rounded up
	Sources   int     // rows of the table; default 16384

	mu       sync.Mutex
	rows     map[source]*list.Element // of *bucket
	order    list.List                // most recently seen first
	overflow *rate.Limiter
}

// source is who a bucket belongs to: a network or a name.
type source struct {
	network netip.Prefix
	name    string
}

type bucket struct {
	source source
	tokens *rate.Limiter
}

// Allow takes a token for an address and reports whether there was one. All of
// an IPv6 /64 counts as one source, since one host commands that much (RFC
// 4291, section 2.5.1; RFC 7934); an IPv4 address in IPv6 form is the IPv4
// address. Whether loopback addresses are limited is for the caller to decide.
func (l *Limiter) Allow(address netip.Addr) bool {
	return l.allow(source{network: Network(address)})
}

// Network is what counts as one source: an IPv4 address or an IPv6 /64. It is the
// zero Prefix for an invalid address.
func Network(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits)
	return prefix
}

// AllowName is Allow for a source that is not an address, such as a user.
func (l *Limiter) AllowName(name string) bool {
	return l.allow(source{name: name})
}

func (l *Limiter) allow(from source) bool {
	if l.PerSecond <= 0 {
		return true
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens(from, now).AllowN(now, 1)
}

// tokens returns the bucket of a source, or the shared one when there is no
// room.
func (l *Limiter) tokens(from source, now time.Time) *rate.Limiter {
	if row, ok := l.rows[from]; ok {
		l.order.MoveToFront(row)
		return row.Value.(*bucket).tokens
	}
	if l.rows == nil {
		l.rows = make(map[source]*list.Element)
		l.overflow = l.newBucket()
	}
	if len(l.rows) >= l.capacity() && !l.evict(now) {
		return l.overflow
	}
	added := &bucket{source: from, tokens: l.newBucket()}
	l.rows[from] = l.order.PushFront(added)
	return added.tokens
}

// evict removes the source that was seen longest ago if its bucket is full.
func (l *Limiter) evict(now time.Time) bool {
	oldest := l.order.Back()
	row := oldest.Value.(*bucket)
	if row.tokens.TokensAt(now) < float64(row.tokens.Burst()) {
		return false
	}
	l.order.Remove(oldest)
	delete(l.rows, row.source)
	return true
}

func (l *Limiter) newBucket() *rate.Limiter {
	burst := l.Burst
	if burst <= 0 {
		burst = int(l.PerSecond)
		if float64(burst) < l.PerSecond {
			burst++
		}
	}
	return rate.NewLimiter(rate.Limit(l.PerSecond), burst)
}

func (l *Limiter) capacity() int {
	if l.Sources <= 0 {
		return defaultSources
	}
	return l.Sources
}
