package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey-auth/latchkey/server"
)

// serveOn runs Serve on a free port until the test ends.
func serveOn(t *testing.T, s *server.Server) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// TestFullServerAnswersHealth fills a service with connections: health and
// readiness are answered, everything else with 503 that browsers may read, and a
// connection that was there before is served.
func TestFullServerAnswersHealth(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, func(c *server.Config) { c.Limits.Connections = 40 })
	address := serveOn(t, w.server)
	get := func(client *http.Client, path string) (int, http.Header) {
		answer, err := client.Get("http://" + address + path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer answer.Body.Close()
		if _, err := io.ReadAll(answer.Body); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Header
	}
	early := &http.Client{Transport: &http.Transport{}}
	defer early.CloseIdleConnections()
	keys := "/" + w.pool + "/.well-known/jwks.json"
	if status, _ := get(early, keys); status != http.StatusOK {
		t.Fatalf("with room: %d", status)
	}
	for range 35 { // with the early one 36, and a reserve of 4
		other := &http.Client{Transport: &http.Transport{}}
		defer other.CloseIdleConnections()
		get(other, "/healthz")
	}
	late := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, keys: 503, "/": 503, "/healthz/x": 503, "/login": 503} {
		status, header := get(late, path)
		if status != want || status == 503 && (header.Get("Retry-After") == "" || header.Get("Access-Control-Allow-Origin") != "*") {
			t.Errorf("%s: %d %v, want %d", path, status, header, want)
		}
	}
	if status, _ := get(early, keys); status != http.StatusOK {
		t.Errorf("a connection from before: %d", status)
	}
}

// TestHealthHasNoLimit asks from one source more often than it may ask for
// anything else.
func TestHealthHasNoLimit(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, func(c *server.Config) { c.Limits.PerSource = 0.1 }) // bursts of 1, and of 10 for documents
	documents := []string{"/" + w.pool + "/.well-known/jwks.json", "/" + w.pool + "/.well-known/openid-configuration"}
	statuses := func(path string) (refused int) {
		for range 20 {
			r := httptest.NewRequest(http.MethodGet, path, nil) // from 192.0.2.1
			answer := httptest.NewRecorder()
			w.server.ServeHTTP(answer, r)
			if answer.Code == http.StatusTooManyRequests {
				refused++
			}
		}
		return refused
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if n := statuses(path); n != 0 {
			t.Errorf("%s: %d of 20 are refused", path, n)
		}
	}
	if n := statuses("/" + w.pool + "/oauth2/userInfo"); n != 19 {
		t.Errorf("another endpoint: %d of 20 are refused, want 19", n)
	}
	if n := statuses(documents[0]); n != 10 {
		t.Errorf("keys: %d of 20 are refused, want 10", n)
	}
	if n := statuses(documents[1]); n != 20 {
		t.Errorf("discovery, after keys used the limit: %d of 20 are refused", n)
	}
}
