// Package localhost tells the loopback interface from the network, by a URL's host.
//
// Plain http is safe on the loopback interface only. [Loopback] says which hosts are
// on it, and [Keep] makes a transport connect to these hosts directly, whatever DNS
// and the environment's proxies say.
package localhost

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// name is the name of the loopback interface (RFC 6761, section 6.3).
const name = "localhost"

// maxName is the longest DNS name in text form (RFC 1035, section 2.3.4).
const maxName = 253

// Exposed reports whether requests to u cross the network unencrypted: its scheme is
// http and its host is not on the loopback interface.
func Exposed(u *url.URL) bool { return u.Scheme == "http" && !Loopback(u.Hostname()) }

// Loopback reports whether host, as [url.URL.Hostname] returns it, is on the loopback
// interface: an address of 127.0.0.0/8 or ::1, IPv4-mapped ones included, localhost,
// or a name below it. Names may be in upper case and end in a dot.
//
// Addresses must have the usual form. Go's resolver looks up 127.1, 0x7f000001 and
// 2130706433 as names, which DNS may point to any machine.
func Loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	return reserved(host)
}

// reserved reports whether host is localhost or a name below it.
func reserved(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if len(host) > maxName {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !letterOrDigit(r) && r != '-' && r != '_' }) {
			return false
		}
	}
	// The labels are ASCII, so that folding finds no other letters.
	return strings.EqualFold(labels[len(labels)-1], name)
}

func letterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// Keep makes t connect to hosts of the loopback interface without a proxy, and to
// names below localhost without DNS. Without it, Go sends a request for
// http://app.localhost to the proxy of HTTP_PROXY, or to the address that DNS returns.
//
// Call it before t is used.
func Keep(t *http.Transport) {
	if proxy := t.Proxy; proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if Loopback(r.URL.Hostname()) {
				return nil, nil
			}
			return proxy(r)
		}
	}
	// In a browser (js/wasm) there is no DialContext, and setting one would turn the
	// Fetch API off.
	if dial := t.DialContext; dial != nil {
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			return dial(ctx, network, direct(address))
		}
	}
}

// direct replaces a name below localhost by localhost, which the hosts file resolves.
func direct(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !reserved(host) {
		return address
	}
	return net.JoinHostPort(name, port)
}
