package latchkey_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
)

// openService is a service over https that counts the connections it has open and answers
// every call with an exception.
func openService(t *testing.T) (srv *httptest.Server, open *atomic.Int64) {
	open = new(atomic.Int64)
	srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"UserNotFoundException","message":"User does not exist."}`))
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, open
}

// caFile writes the service's certificate where Config.CAFile finds it.
func caFile(t *testing.T, srv *httptest.Server) string {
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// waitFor waits until a condition holds that other goroutines bring about.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so after 20 s", what)
		}
	}
}

// TestCloseFreesConnections makes and closes 30 clients with each kind of HTTPClient. No
// connection or goroutine of a transport that New made stays, and one of the caller's is
// left as it is.
func TestCloseFreesConnections(t *testing.T) { // not parallel: it counts goroutines
	srv, open := openService(t)
	ca := caFile(t, srv)
	transport := srv.Client().Transport.(*http.Transport)
	for name, test := range map[string]struct {
		client *http.Client
		ca     string
		stay   int64 // connections
	}{
		"no client":            {nil, ca, 0},
		"timeout alone":        {&http.Client{Timeout: 5 * time.Second}, ca, 0},
		"transport and CAFile": {&http.Client{Transport: &http.Transport{}}, ca, 0},
		"HTTP/1.1 and CAFile":  {&http.Client{Transport: &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}, ca, 0},
		"the caller's":         {&http.Client{Transport: transport, Timeout: 5 * time.Second}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			waitFor(t, "no connections at first", func() bool { return open.Load() == 0 })
			before := runtime.NumGoroutine()
			for range 30 {
				client, err := latchkey.New(latchkey.Config{
					UserPoolID: "us-east-1_Test00001", ClientID: "client", UserPoolEndpoint: srv.URL, CAFile: test.ca, HTTPClient: test.client,
				})
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.SignIn(t.Context(), latchkey.PlainPassword("ann", "password"))
				if err == nil || !strings.Contains(err.Error(), "User does not exist") {
					t.Fatalf("SignIn: %v", err)
				}
				if err := client.Close(); err != nil {
					t.Fatal(err)
				}
			}
			waitFor(t, "connections closed", func() bool { return open.Load() == test.stay })
			if test.stay > 0 {
				checkReused(t, srv, test.client, open)
				transport.CloseIdleConnections()
			}
			waitFor(t, "goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

// checkReused fails unless the caller's own request goes over the connection that is open.
func checkReused(t *testing.T, srv *httptest.Server, client *http.Client, open *atomic.Int64) {
	t.Helper()
	answer, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || open.Load() != 1 {
		t.Errorf("%v; %d connections, want 1", err, open.Load())
	}
}
