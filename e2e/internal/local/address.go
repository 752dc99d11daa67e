package local

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports that are nobody's unless asked for: systems hand out higher ones by themselves,
// Linux from 32768, others from 49152.
const lowPort, highPort = 20000, 32000

// FixedAddress is a loopback address with a port for a program that must be told one
// before it starts, or that comes back at the one it had. Nobody listens there now, and
// no socket is given the port because it happens to be free.
func FixedAddress(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowPort+rand.IntN(highPort-lowPort)))
		var listener net.Listener
		if listener, err = net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no port is free: ", err)
	return ""
}
