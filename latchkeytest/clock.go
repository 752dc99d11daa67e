package latchkeytest

import (
	"sync/atomic"
	"time"
)

// clock is the service's clock: the test's own, moved by an offset.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Advance moves the service's clock forward, or with a negative duration back.
// The client's clock stays; to the client it looks as if the service's clock differed.
func (s *Server) Advance(d time.Duration) { s.clock.offset.Add(int64(d)) }

// Now is the service's time.
func (s *Server) Now() time.Time { return s.clock.now() }
