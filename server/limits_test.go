package server

import (
	"math"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// TestSource covers which address the bounds count for, and that a client cannot
// choose it.
func TestSource(t *testing.T) {
	t.Parallel()
	s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("::1/128")}}
	for name, test := range map[string]struct {
		peer      string
		forwarded []string
		want      string // "" for none
	}{
		"client":                        {"192.0.2.1:1", nil, "192.0.2.1"},
		"client that claims":            {"192.0.2.1:1", []string{"127.0.0.1"}, "192.0.2.1"},
		"mapped client":                 {"[::ffff:192.0.2.1]:1", nil, "192.0.2.1"},
		"local program":                 {"127.0.0.1:1", nil, ""},
		"local program, claims":         {"127.0.0.1:1", []string{"192.0.2.9"}, ""},
		"unix socket":                   {"@", nil, ""},
		"proxy":                         {"10.0.0.7:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"mapped proxy":                  {"[::ffff:10.0.0.7]:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"listed loopback":               {"[::1]:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"proxy, the client claims more": {"10.0.0.7:1", []string{"127.0.0.1, 203.0.113.5, 192.0.2.1"}, "192.0.2.1"},
		"proxy, several lines":          {"10.0.0.7:1", []string{"203.0.113.5", "192.0.2.1"}, "192.0.2.1"},
		"two proxies":                   {"10.0.0.7:1", []string{"192.0.2.1, 2001:db8::9"}, "192.0.2.1"},
		"with a port":                   {"10.0.0.7:1", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		"IPv6 with a port":              {"10.0.0.7:1", []string{"[2001:db8:1::1]:4711"}, "2001:db8:1::1"},
		"proxy without the header":      {"10.0.0.7:1", nil, ""},
		"proxy of a local program":      {"10.0.0.7:1", []string{"127.0.0.1"}, ""},
		"proxy of proxies only":         {"10.0.0.7:1", []string{"10.0.0.8"}, ""},
		"proxy, unknown":                {"10.0.0.7:1", []string{"unknown"}, ""},
		"proxy, unix socket":            {"10.0.0.7:1", []string{"192.0.2.1, unix:"}, ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		for _, line := range test.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		want, _ := netip.ParseAddr(test.want)
		if got := s.source(r); got != want {
			t.Errorf("%s: source %v, want %v", name, got, want)
		}
	}
}

// TestConnectionsFor keeps descriptors for storage and files.
func TestConnectionsFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ descriptors, processors, want int }{
		{120, 2, 44}, {1024, 2, 896}, {20_000, 8, 17_500}, {60, 64, fewestConnections}, {math.MaxInt32, 2, math.MaxInt32 - math.MaxInt32/8},
	} {
		if got := connectionsFor(test.descriptors, test.processors); got != test.want {
			t.Errorf("%d descriptors: %d connections, want %d", test.descriptors, got, test.want)
		}
	}
}

func TestBoundConnections(t *testing.T) {
	t.Parallel()
	s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
	for name, test := range map[string]struct {
		limits                   Limits
		most, reserve, perSource int
	}{
		"small":    {Limits{Connections: 20}, 18, 2, 5},
		"one":      {Limits{Connections: 1}, 1, 1, 1},
		"large":    {Limits{Connections: 1000, ConnectionsPerSource: 7}, 936, 64, 7},
		"no share": {Limits{Connections: 20, ConnectionsPerSource: -1}, 18, 2, -1},
	} {
		got, err := s.boundConnections(test.limits)
		if err != nil || got.Max != test.most || got.Reserve != test.reserve || got.PerSource != test.perSource {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	bounds, err := s.boundConnections(Limits{})
	if err != nil || bounds.Max > defaultConnections || bounds.Max < fewestConnections/2 {
		t.Errorf("default: %+v, %v", bounds, err)
	}
	for address, exempt := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.9": true, "10.0.1.9": false, "192.0.2.1": false} {
		if got := bounds.Exempt(netip.MustParseAddr(address)); got != exempt {
			t.Errorf("%s is exempt: %v", address, got)
		}
	}
	for _, wrong := range []int{-1, math.MaxInt32} {
		if _, err := s.boundConnections(Limits{Connections: wrong}); err == nil || !strings.Contains(err.Error(), "Limits.Connections") {
			t.Errorf("Connections %d: %v", wrong, err)
		}
	}
}

// TestDocumentsHaveTheirOwnLimit uses a source's requests up: it still fetches keys,
// ten times as often, and health is never refused.
func TestDocumentsHaveTheirOwnLimit(t *testing.T) {
	t.Parallel()
	bounds := Limits{PerSource: 0.2} // bursts of 2, and of 20 for documents
	s := &Server{sources: sourceLimiter(bounds, 1), documents: sourceLimiter(bounds, documentFactor)}
	r := httptest.NewRequest("GET", "/", nil)
	count := func(limiter *limits.Limiter) (n int) {
		for s.admits(limiter, r) && n < 1000 {
			n++
		}
		return n
	}
	if others, documents := count(s.sources), count(s.documents); others != 2 || documents != 20 {
		t.Errorf("%d requests and %d documents, want 2 and 20", others, documents)
	}
	if n := count(sourceLimiter(Limits{PerSource: -1}, documentFactor)); n != 1000 {
		t.Errorf("refused after %d without a limit", n)
	}
}

// TestNewCopiesConfig changes the lists of a Config after New: the service keeps what it was made
// with.
func TestNewCopiesConfig(t *testing.T) {
	t.Parallel()
	store := memory.New()
	defer store.Close()
	config := Config{
		Storage: store, SealingKeys: []SealingKey{NewKey()}, PublicURL: "https://auth.example.com",
		Limits:    Limits{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		Providers: plug.Providers{Audiences: map[string][]string{"idp.example.com": {"app"}}},
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copied := config.copied()
	config.Limits.Proxies[0] = netip.MustParsePrefix("0.0.0.0/0")
	config.Providers.Audiences["idp.example.com"][0] = "thief"
	config.Providers.Audiences["evil.example.com"] = []string{"thief"}
	if !s.isProxy(netip.MustParseAddr("10.1.2.3")) || s.isProxy(netip.MustParseAddr("192.0.2.1")) {
		t.Error("the service sees a change of Limits.Proxies")
	}
	if got := copied.Providers.Audiences; len(got) != 1 || got["idp.example.com"][0] != "app" {
		t.Errorf("the service sees a change of Providers.Audiences: %v", got)
	}
}
