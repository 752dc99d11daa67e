// Package localonly admits requests of this machine alone. Every page and
// endpoint that shows secrets of `latchkey up` without a sign-in, such as the
// outbox, passes its requests through [Check].
package localonly

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ErrRemote means that a request does not come from this machine, or may not.
var ErrRemote = errors.New("not a direct request of this machine")

// forwardedBy are headers that proxies add. A program on this machine that calls
// directly sends none of them.
var forwardedBy = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Host",
	"True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Envoy-External-Address",
}

// Check returns an error that is [ErrRemote] unless a request was sent directly
// by a program on this machine under a name of the loopback interface:
//
//   - The peer's address is a loopback address. Without that, neighbors on the
//     network would be admitted when the service listens on all interfaces. A
//     unix socket has no address and is refused.
//   - The Host header is localhost or a literal loopback address. Without that,
//     a web page could resolve its domain to this machine and read the answer
//     (DNS rebinding).
//   - No header says that a proxy forwarded the request, and the protocol is
//     HTTP/1.1 or newer, since some proxies speak HTTP/1.0 by default. The peer
//     of everything that a proxy on this machine forwards is a loopback address.
//
// Limit: Check admits requests through a proxy on this machine that speaks HTTP/1.1,
// adds no header, and either replaces the Host header or forwards the client's.
func Check(r *http.Request) error {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !loopback(peer.Addr()) {
		return fmt.Errorf("%w: it was sent from another address", ErrRemote)
	}
	if !LocalHost(r.Host) {
		return fmt.Errorf("%w: the host is not localhost or a loopback address", ErrRemote)
	}
	if !r.ProtoAtLeast(1, 1) {
		return fmt.Errorf("%w: it has the protocol of a proxy, HTTP/1.0", ErrRemote)
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded") {
			return fmt.Errorf("%w: a proxy forwarded it (%s)", ErrRemote, name)
		}
	}
	for _, name := range forwardedBy {
		if len(r.Header.Values(name)) > 0 {
			return fmt.Errorf("%w: a proxy forwarded it (%s)", ErrRemote, name)
		}
	}
	return nil
}

// Guard passes local requests on to local and all others to remote.
func Guard(local, remote http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Check(r) == nil {
			local.ServeHTTP(w, r)
			return
		}
		remote.ServeHTTP(w, r)
	})
}

// LocalHost reports whether a Host header, with or without a port, is exactly
// localhost or a literal loopback address. Names below localhost, a trailing dot,
// zones and other spellings of an address are not.
func LocalHost(host string) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		name, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return false
		}
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Zone() == "" && loopback(address)
}

func loopback(address netip.Addr) bool { return address.Unmap().IsLoopback() }
