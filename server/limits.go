package server

import (
	"net/http"
	"net/netip"
	"runtime"

	"github.com/latchkey-auth/latchkey/server/policy"
)

const (
	defaultPerSource = 50
	burstFactor      = 10
	sourcesKept      = 100_000
	queueFactor      = 64
)

func sourceLimiter(l Limits) *policy.Limiter {
	rate := l.PerSource
	if rate < 0 {
		return nil
	}
	if rate == 0 {
		rate = defaultPerSource
	}
	return &policy.Limiter{PerSecond: rate, Burst: int(rate * burstFactor), Sources: sourcesKept}
}

func arithmeticGate(l Limits) *policy.Gate {
	running := l.Arithmetic
	if running <= 0 {
		running = runtime.GOMAXPROCS(0)
	}
	queue := l.Queue
	if queue <= 0 {
		queue = running * queueFactor
	}
	return policy.NewGate(running, queue)
}

// admits reports whether the request's source may ask now. The source is the
// connection's address: headers that claim another one are not believed. A
// source on this machine is not bounded; whoever runs programs here has other means.
func (s *Server) admits(r *http.Request) bool {
	if s.sources == nil {
		return true
	}
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || source.Addr().Unmap().IsLoopback() {
		return true
	}
	return s.sources.Allow(source.Addr())
}
