package localhost_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/localhost"
)

// TestExposed goes through net/url, as the hosts of a configuration do.
func TestExposed(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": false, "127.0.0.1:9229": false, "127.9.8.7": false, "127.255.255.255:1": false,
		"[::1]": false, "[::1]:9229": false, "[0:0:0:0:0:0:0:1]": false, "[0000:0:0::0001]": false, "[::1%25lo]": false,
		"[::ffff:127.0.0.1]:1": false, "[::ffff:7f00:1]": false,
		"localhost": false, "LOCALHOST:80": false, "LocalHost.": false, "localhost.:9229": false,
		"pool.localhost": false, "a.b.LOCALHOST:1": false, "my-pool_2.localhost.": false, "127.0.0.1.localhost": false,

		"example.com": true, "10.0.0.1": true, "192.168.1.7:9229": true, "[fd00::2]": true, "[fe80::1%25lo]": true,
		"0.0.0.0": true, "[::]": true, ":9229": true, "128.0.0.1": true, "126.255.255.255": true,
		"127.0.0.1.evil.example": true, "127.0.0.1.nip.io": true, "localhost.evil.example": true, "evil-localhost": true,
		"xlocalhost": true, "localhostx": true, "localhost.localdomain": true, "localhost..": true, ".localhost": true, "a..localhost": true,
		"127.0.0.1.": true, "127.1": true, "127.0.1": true, "2130706433": true, "0x7f000001": true, "0x7f.0.0.1": true,
		"0177.0.0.1": true, "017700000001": true, "127.0.0.01": true, "127.0.0.0x1": true, "127.0.0.1.0": true, "127.0.0.256": true,
		"[::ffff:10.0.0.1]": true, "[::127.0.0.1]": true, "[64:ff9b::127.0.0.1]": true, "[::2]": true, "[::1:1]": true,
		"localhoſt": true, "ⓛocalhost": true, "ｌocalhost": true, "evil.example。localhost": true, "127。0。0。1": true, "１２７.0.0.1": true,
		"a!b.localhost": true, strings.Repeat("a.", 130) + "localhost": true,
	} {
		u, err := url.Parse("http://" + host + "/")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if got := localhost.Exposed(u); got != want {
			t.Errorf("Exposed(%s) is %v", u, got)
		}
		u.Scheme = "https"
		if localhost.Exposed(u) {
			t.Errorf("Exposed(%s)", u)
		}
	}
	if upper, err := url.Parse("HTTP://example.com"); err != nil || !localhost.Exposed(upper) {
		t.Errorf("the scheme in upper case is not exposed (%v)", err)
	}
}

// TestLoopbackAddresses: of all addresses exactly those that package net calls loopback
// are, in each of their forms.
func TestLoopbackAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		address := net.IP(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "loopback") {
			address[0] = 127
		}
		for _, text := range []string{address.String(), "::ffff:" + address.String()} {
			if got := localhost.Loopback(text); got != address.IsLoopback() {
				t.Fatalf("Loopback(%q) is %v", text, got)
			}
		}
	})
}

// TestKeep: a transport with a proxy and a resolver of its own reaches hosts of the
// loopback interface directly, and others as before.
func TestKeep(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Host)) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	errProxy, errElsewhere := errors.New("sent to the proxy"), errors.New("dialed elsewhere")
	transport := &http.Transport{
		Proxy: func(*http.Request) (*url.URL, error) { return nil, errProxy },
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				return nil, errElsewhere // as DNS may answer for a name below localhost
			}
			return new(net.Dialer).DialContext(ctx, "tcp4", address)
		},
	}
	localhost.Keep(transport)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "pool.localhost", "a.Pool.localhost."} {
		answer, err := client.Get("http://" + net.JoinHostPort(host, port) + "/")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = answer.Body.Close()
	}
	if _, err := client.Get("http://pool.localhost.example:" + port); !errors.Is(err, errProxy) {
		t.Errorf("another host: %v", err)
	}
	transport.Proxy = nil
	if _, err := client.Get("http://pool.localhost.example:" + port); !errors.Is(err, errElsewhere) {
		t.Errorf("another host without a proxy: %v", err)
	}
}

// TestKeepWithoutDialer: in a browser the transport has no dialer, and must get none.
func TestKeepWithoutDialer(t *testing.T) {
	t.Parallel()
	transport := new(http.Transport)
	localhost.Keep(transport)
	if transport.DialContext != nil || transport.Proxy != nil {
		t.Error("a dialer or a proxy was set")
	}
}
