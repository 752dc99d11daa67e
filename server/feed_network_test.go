package server

import (
	"fmt"
	"net/netip"
	"testing"
)

// TestFeedSlotsPerNetwork: an IPv6 /64 is one source, as one customer has all of
// its addresses. Other networks, IPv4 addresses and loopback keep their own slots.
func TestFeedSlotsPerNetwork(t *testing.T) {
	t.Parallel()
	f := newFeed(maxWaiting)
	joins := func(address string, want bool) {
		t.Helper()
		if _, ok := f.join("pool", netip.MustParseAddr(address)); ok != want {
			t.Errorf("a reader from %s: %v, want %v", address, ok, want)
		}
	}
	for i := range maxWaitingSource {
		joins(fmt.Sprintf("2001:db8::%x:%x", i, i), true)
	}
	joins("2001:db8::ffff:1", false)
	joins("2001:db8::ffff:ffff:ffff:ffff", false)
	for _, other := range []string{"2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3"} {
		joins(other, true)
	}
	for range maxWaitingSource - 1 {
		joins("192.0.2.1", true)
	}
	joins("192.0.2.1", false)
	joins("::ffff:192.0.2.1", false)
	joins("192.0.2.2", true)
}
