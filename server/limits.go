package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
)

const (
	defaultPerSource = 50
	burstFactor      = 10
	sourcesKept      = 100_000
	queueFactor      = 64
	// documentFactor is how many times more often a source may fetch keys and
	// discovery documents than it may ask for other things.
	documentFactor = 10

	defaultConnections = 10_000 // of about 20 KiB each
	fewestConnections  = 16
	mostReserved       = 64
)

// sourceLimiter allows factor times the requests that l allows.
func sourceLimiter(l Limits, factor float64) *limits.Limiter {
	rate := l.PerSource
	if rate < 0 {
		return nil
	}
	if rate == 0 {
		rate = defaultPerSource
	}
	rate *= factor
	return &limits.Limiter{PerSecond: rate, Burst: int(rate * burstFactor), Sources: sourcesKept}
}

func arithmeticGate(l Limits) *limits.Gate {
	running := l.Arithmetic
	if running <= 0 {
		running = runtime.GOMAXPROCS(0)
	}
	queue := l.Queue
	if queue <= 0 {
		queue = running * queueFactor
	}
	return limits.NewGate(running, queue)
}

// boundConnections makes the bounds of connections of Serve.
func (s *Server) boundConnections(l Limits) (*limits.Connections, error) {
	most := connectionsFor(descriptorLimit(), runtime.GOMAXPROCS(0))
	total := l.Connections
	switch {
	case total < 0:
		return nil, fmt.Errorf("server: Limits.Connections is %d and must not be negative", total)
	case total > most:
		return nil, fmt.Errorf("server: Limits.Connections is %d and the limit of file descriptors allows %d", total, most)
	case total == 0:
		total = min(most, defaultConnections)
	}
	reserve := min(max(total/10, 1), mostReserved)
	perSource := l.ConnectionsPerSource
	if perSource == 0 {
		perSource = max(total/4, 1)
	}
	return &limits.Connections{
		Max: max(total-reserve, 1), Reserve: reserve, PerSource: perSource,
		Exempt: func(source netip.Addr) bool { return source.IsLoopback() || s.isProxy(source) },
		Warn:   func(reason string) { s.log.Warn("new connections were closed or refused", "reason", reason) },
	}, nil
}

// connectionsFor is how many connections a limit of file descriptors allows:
// storage opens up to three files for each of its connections, of which there
// are two a processor; an eighth of the limit is for connections to others.
func connectionsFor(descriptors, processors int) int {
	storage := 3 * max(4, 2*processors)
	return max(descriptors-max(64+storage, descriptors/8), fewestConnections)
}

// source is the address that bounds per source count for: the peer's, or behind
// Limits.Proxies that of the proxies' peer. It is invalid for requests without
// such bounds: those of this machine, whose programs have other means, those of
// a unix socket, and those of a proxy that does not name its peer.
func (s *Server) source(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	source := peer.Addr().Unmap()
	if s.isProxy(source) {
		source = s.forwardedFor(r)
	}
	if source.IsLoopback() {
		return netip.Addr{}
	}
	return source
}

// forwardedFor is the last address in X-Forwarded-For that is not a proxy's. What
// stands before it was sent by the client and proves nothing.
func (s *Server) forwardedFor(r *http.Request) netip.Addr {
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(list) {
		text = strings.TrimSpace(text)
		address, err := netip.ParseAddr(text)
		if err != nil { // some proxies add the port
			withPort, _ := netip.ParseAddrPort(text)
			address = withPort.Addr()
		}
		if !address.IsValid() {
			return netip.Addr{}
		}
		if address = address.Unmap(); !s.isProxy(address) {
			return address
		}
	}
	return netip.Addr{}
}

func (s *Server) isProxy(address netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// admits reports whether the request's source may ask now.
func (s *Server) admits(limiter *limits.Limiter, r *http.Request) bool {
	source := s.source(r)
	return limiter == nil || !source.IsValid() || limiter.Allow(source)
}
