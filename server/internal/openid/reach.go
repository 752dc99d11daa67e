package openid

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// Reach says where other providers may be. Their addresses stand in settings that
// only an administrator writes; still, what is fetched from them is bounded, and
// the addresses are those of the public Internet unless it says otherwise here.
type Reach struct {
	// AllowLoopback admits providers on this machine, over http too.
	AllowLoopback bool
	// AllowPrivate admits providers in private networks (RFC 1918, RFC 4193,
	// RFC 6598). Link-local addresses are never admitted: there clouds keep secrets.
	AllowPrivate bool
	// Roots are the certificate authorities of providers; nil is the system's.
	Roots *x509.CertPool
}

// ReachOf returns the part of the configuration that says where providers may be.
func ReachOf(p plug.Providers) Reach {
	return Reach{AllowLoopback: p.AllowLoopback, AllowPrivate: p.AllowPrivate, Roots: p.Roots}
}

const (
	fetchTimeout = 10 * time.Second
	dialTimeout  = 5 * time.Second
	maxDocument  = 256 << 10 // bytes of an answer; real ones have a few thousand
	maxHeader    = 64 << 10
)

// errAddress is why a connection is refused before it is made.
var errAddress = errors.New("openid: address of a provider is not admitted")

// client makes the client for whatever is asked of providers. The address is checked once
// it is known, at the very connection: a name that leads somewhere else a moment
// later (DNS rebinding) gains nothing. There is no proxy, whose address would be the
// one that is checked. Redirects are not followed.
func (p Reach) client() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil || !p.admits(target.Addr()) {
			return fmt.Errorf("%w: %s", errAddress, address)
		}
		return nil
	}}
	return &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: dialTimeout,
			TLSClientConfig: &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12},
			// Fetches are minutes apart: a kept connection would only hold goroutines.
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: true,
		},
	}
}

// special are networks that are not the public Internet though net/netip has no
// name for them, or that carry an IPv4 address of any kind inside.
var special = sync.OnceValue(func() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16",
	)
})

var shared = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10) // RFC 6598

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// admits reports whether a provider may be at an address.
func (p Reach) admits(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	switch {
	case address.IsLoopback():
		return p.AllowLoopback
	case address.IsPrivate() || shared.Contains(address):
		return p.AllowPrivate
	case !address.IsGlobalUnicast():
		return false
	}
	for _, prefix := range special() {
		if prefix.Contains(address) {
			return false
		}
	}
	return true
}

// CheckURL admits https, and http to this machine where that is allowed.
func (p Reach) CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("openid: a provider's URL cannot be parsed")
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("openid: URL %q of a provider must have a host and neither a user nor a fragment", u.Redacted())
	case u.Scheme == "https" || u.Scheme == "http" && p.AllowLoopback && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("openid: URL %q of a provider must be https", u.Redacted())
}

func isLoopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
