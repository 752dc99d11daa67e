package cognito

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/trust"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// authorityOf writes the certificate of a test server as a file of authorities.
func authorityOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHTTPClientTrustsTheFile checks calls over TLS: with the file of authorities they
// work, over HTTP/2 too, and without it the error says what to set and is not repeated.
func TestHTTPClientTrustsTheFile(t *testing.T) {
	t.Parallel()
	protocol := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.ProtoMajor
		w.Header().Set("Content-Type", wire.ContentType)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	file := authorityOf(t, server)
	for name, test := range map[string]struct {
		base   *http.Client
		file   string
		works  bool
		proto2 bool
	}{
		"default":                      {nil, file, true, true},
		"default, no file":             {nil, "", false, false},
		"own transport":                {&http.Client{Transport: &http.Transport{}}, file, true, true},
		"own transport with TLS":       {&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}, file, true, false},
		"own transport, no file":       {&http.Client{Transport: &http.Transport{}}, "", false, false},
		"own transport that trusts it": {server.Client(), "", true, true},
		"client without a transport":   {&http.Client{Timeout: time.Minute}, file, true, true},
	} {
		client, release, err := HTTPClient(test.base, test.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := &Endpoint{URL: server.URL, Service: wire.UserPools, Client: client, Timeout: 10 * time.Second}
		_, err = e.Call(t.Context(), "RevokeToken", struct{}{}, nil)
		f := fault.Find(err)
		if (err == nil) != test.works || err != nil && (f.Retryable || !errors.Is(err, fault.Network) || f.Hint == "") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (protocol == 2) != test.proto2 {
			t.Errorf("%s: over HTTP/%d", name, protocol)
		}
		if test.base != nil && client.Timeout != test.base.Timeout {
			t.Errorf("%s: the timeout is %v", name, client.Timeout)
		}
		release()
		if own, ok := client.Transport.(*http.Transport); ok && test.base != nil && test.base.Transport != nil && test.file != "" && own == test.base.Transport {
			t.Errorf("%s: the caller's transport was changed", name)
		}
		if test.base != nil {
			test.base.CloseIdleConnections()
		}
	}
}

// TestHTTPClientRefuses checks what cannot be used, by the text of its error.
func TestHTTPClientRefuses(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	file := authorityOf(t, server)
	var none *http.Transport
	for name, test := range map[string]struct {
		base   *http.Client
		file   string
		ofFile bool // the error is one of the file
	}{
		"nil transport":        {&http.Client{Transport: none}, "", false},
		"foreign transport":    {&http.Client{Transport: transport(nil)}, file, false},
		"no file":              {nil, filepath.Join(t.TempDir(), "none"), true},
		"no certificate in it": {nil, "client_test.go", true},
	} {
		client, _, err := HTTPClient(test.base, test.file)
		_, found := errors.AsType[*trust.FileError](err)
		if client != nil || !errors.Is(err, fault.Config) || found != test.ofFile {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := HTTPClient(&http.Client{Transport: transport(nil)}, ""); err != nil {
		t.Errorf("a foreign transport without a file: %v", err)
	}
}

// TestHTTPClientFollowsNoRedirect checks that a request, which may hold a password, is not
// sent to where an answer points, and that cookies of an answer are not kept.
func TestHTTPClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	other := 0
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other++ }))
	defer target.Close()
	cookies := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies += len(r.Cookies())
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	client, release, err := HTTPClient(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	e := &Endpoint{URL: server.URL, Service: wire.UserPools, Client: client, Timeout: 10 * time.Second}
	for range 2 {
		_, err := e.Call(t.Context(), OpRefresh, struct{}{}, nil)
		if f := fault.Find(err); f.Class != fault.Unreached || f.Retryable || f.EndsSession {
			t.Errorf("%v", err)
		}
	}
	if other != 0 || cookies != 0 {
		t.Errorf("%d requests to the other host, %d cookies", other, cookies)
	}
}
