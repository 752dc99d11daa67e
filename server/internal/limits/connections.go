package limits

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Times of connections when a server is near its bound.
const (
	// crowdedIdle is how long a connection may be idle then.
	crowdedIdle = 10 * time.Second
	sweepEvery  = time.Second
	// reserveTime is how long a connection of the reserve may take to send its
	// request.
	reserveTime = 2 * time.Second
	warnEvery   = time.Minute
)

// Connections bounds the connections of a server. At most Max are served, and at
// most PerSource of one source: an IPv4 address or an IPv6 /64. Beyond Max, up to
// Reserve connections are accepted for one request each, which must come within
// two seconds and for which [Reserved] is true. All others are closed at once.
// From three quarters of Max on, connections that were idle for ten seconds are
// closed.
//
// Use all of Listener, State, Context and Handler for each [http.Server] whose
// connections count. Set the fields before the first use. Connections is safe for
// concurrent use.
type Connections struct {
	Max, Reserve int
	PerSource    int                   // 0 or less: no limit
	Exempt       func(netip.Addr) bool // sources without a limit per source; nil: none
	Warn         func(reason string)   // called at most once a minute with why connections were closed; may be nil

	mu       sync.Mutex // guards what follows
	open     map[net.Conn]*connection
	sources  map[netip.Prefix]int
	sweeping bool
	warned   time.Time
}

// connection is an open connection.
type connection struct {
	conn     net.Conn
	source   netip.Prefix // the zero Prefix for one that is exempt
	idle     time.Time    // since when it has had no request; zero during one
	deadline *time.Timer  // of a connection of the reserve
}

// reservedKey is the context key of the connection, if it is of the reserve.
type reservedKey struct{}

// Reserved reports whether a request came over a connection of the reserve.
func Reserved(ctx context.Context) bool { return ctx.Value(reservedKey{}) != nil }

// Listener accepts from l what the bounds admit.
func (c *Connections) Listener(l net.Listener) net.Listener { return &boundListener{l, c} }

type boundListener struct {
	net.Listener
	bounds *Connections
}

// Accept closes connections beyond the bounds and waits for one within them.
func (l *boundListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.bounds.admit(conn) {
			return conn, nil
		}
		_ = conn.Close() // nothing was written
	}
}

func (c *Connections) admit(conn net.Conn) bool {
	entry := &connection{conn: conn, source: c.sourceOf(conn), idle: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	limited := c.PerSource > 0 && entry.source.IsValid()
	if limited && c.sources[entry.source] >= c.PerSource {
		c.warn("one source has too many connections")
		return false
	}
	if len(c.open) >= c.Max+c.Reserve {
		c.warn("there are too many connections")
		return false
	}
	if len(c.open) >= c.Max {
		c.warn("there are too many connections")
		entry.deadline = time.AfterFunc(reserveTime, func() { _ = conn.Close() })
	}
	if c.open == nil {
		c.open, c.sources = make(map[net.Conn]*connection), make(map[netip.Prefix]int)
	}
	c.open[conn] = entry
	if limited {
		c.sources[entry.source]++
	}
	if c.crowded() && !c.sweeping {
		c.sweeping = true
		time.AfterFunc(sweepEvery, c.sweep)
	}
	return true
}

func (c *Connections) warn(reason string) {
	if now := time.Now(); c.Warn != nil && now.Sub(c.warned) >= warnEvery {
		c.warned = now
		c.Warn(reason)
	}
}

func (c *Connections) crowded() bool { return len(c.open) >= c.Max-c.Max/4 }

// sourceOf is invalid for a connection without an address, as of a unix socket.
func (c *Connections) sourceOf(conn net.Conn) netip.Prefix {
	address, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || c.Exempt != nil && c.Exempt(address.Addr().Unmap()) {
		return netip.Prefix{}
	}
	return Network(address.Addr())
}

// State is for [http.Server.ConnState].
func (c *Connections) State(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.open[conn]
	if entry == nil {
		return
	}
	switch state {
	case http.StateActive:
		entry.idle = time.Time{}
	case http.StateIdle:
		entry.idle = time.Now()
	case http.StateClosed, http.StateHijacked:
		c.remove(entry)
	}
}

func (c *Connections) remove(entry *connection) {
	delete(c.open, entry.conn)
	if entry.deadline != nil {
		entry.deadline.Stop()
	}
	if c.PerSource <= 0 || !entry.source.IsValid() {
		return
	}
	if c.sources[entry.source]--; c.sources[entry.source] == 0 {
		delete(c.sources, entry.source)
	}
}

// sweep closes idle connections while there are many.
func (c *Connections) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sweeping = c.crowded(); !c.sweeping {
		return
	}
	now := time.Now()
	for conn, entry := range c.open {
		if !entry.idle.IsZero() && now.Sub(entry.idle) >= crowdedIdle {
			go conn.Close() // TLS may wait for the peer
		}
	}
	time.AfterFunc(sweepEvery, c.sweep)
}

// Context is for [http.Server.ConnContext].
func (c *Connections) Context(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry := c.open[conn]; entry != nil && entry.deadline != nil {
		return context.WithValue(ctx, reservedKey{}, entry)
	}
	return ctx
}

// Handler passes requests on to next. A connection of the reserve is closed after
// its first one.
func (c *Connections) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if entry, reserved := r.Context().Value(reservedKey{}).(*connection); reserved {
			entry.deadline.Stop()
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
