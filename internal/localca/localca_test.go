package localca_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localca"
)

const day = 24 * time.Hour

func ensure(t *testing.T, folder string, now time.Time, hosts ...string) *localca.Authority {
	t.Helper()
	authority, err := localca.Ensure(folder, hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse returns the first certificate in a file.
func parse(t *testing.T, elements ...string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(read(t, elements...)))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// serve answers https with "hello" on a free port of 127.0.0.1 and returns that
// port.
func serve(t *testing.T, config *tls.Config) (port string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("hello"))
	}))
	server.Config.ErrorLog = nil
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

// TestNamesBelowLocalhost: a client that asks for one is given a certificate for that
// name, and not for a wildcard that browsers do not match.
func TestNamesBelowLocalhost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := ensure(t, folder, time.Now(), "known.localhost")
	port := serve(t, authority.TLSConfig())
	leafOf := func(name string) *x509.Certificate {
		t.Helper()
		state, err := dial(t, port, authority.CAFile, &tls.Config{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0]
	}
	kept := parse(t, folder, "server.pem")
	acme := leafOf("acme.localhost")
	if names := strings.Join(acme.DNSNames, " "); names != "acme.localhost" || len(acme.IPAddresses) != 0 || !acme.NotAfter.Equal(kept.NotAfter) {
		t.Errorf("for %s and %v until %v", names, acme.IPAddresses, acme.NotAfter)
	}
	if !leafOf("ACME.localhost").Equal(acme) {
		t.Error("another certificate for the same name")
	}
	for _, name := range []string{"localhost", "known.localhost", "127.0.0.1"} {
		if !leafOf(name).Equal(kept) {
			t.Errorf("%s: not the server's own certificate", name)
		}
	}
	// What nobody could verify is not made.
	for _, name := range []string{"a.b.localhost", "-.localhost", "acme.example"} {
		state, err := dial(t, port, authority.CAFile, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil || !state.PeerCertificates[0].Equal(kept) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// However many names are asked for, all are served.
	for i := range 250 {
		if name := fmt.Sprintf("n%d.localhost", i); leafOf(name).DNSNames[0] != name {
			t.Errorf("%s: another's certificate", name)
		}
	}
}

// dial makes a TLS connection as a client that trusts what is in caFile.
func dial(t *testing.T, port, caFile string, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM([]byte(read(t, caFile))) {
		t.Fatalf("%s holds no certificate", caFile)
	}
	connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer connection.Close()
	return connection.ConnectionState(), nil
}

func TestServesTLS(t *testing.T) {
	t.Parallel()
	authority := ensure(t, t.TempDir(), time.Now(), "Pool.example.", "192.0.2.7", "[2001:db8::1]", "*.wild.example")
	port := serve(t, authority.TLSConfig())
	for name, good := range map[string]bool{
		"localhost": true, "app.localhost": true, "127.0.0.1": true, "::1": true, "pool.example": true,
		"192.0.2.7": true, "2001:db8::1": true, "a.wild.example": true,
		"example": false, "other.pool.example": false, "127.0.0.2": false, "example.com": false, "a.b.localhost": false,
	} {
		_, err := dial(t, port, authority.CAFile, &tls.Config{ServerName: name})
		if (err == nil) != good {
			t.Errorf("connecting to %s: %v, want success %v", name, err, good)
		}
	}
	old := &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := dial(t, port, authority.CAFile, old); err == nil {
		t.Error("the server speaks TLS 1.1")
	}
	if _, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{ServerName: "localhost"}); err == nil {
		t.Error("a client without the authority's certificate connects")
	}
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authority.Pool()},
		DisableKeepAlives: true,
	}}
	response, err := client.Get("https://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// TestOtherPrograms checks the certificates with programs that share no code
// with Go.
func TestOtherPrograms(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := ensure(t, folder, time.Now(), "pool.example")
	port := serve(t, authority.TLSConfig())
	ran := 0
	run := func(name string, arguments ...string) (string, error) {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed", name)
			}
			t.Logf("%s is not installed", name)
			return "hello OK", nil
		}
		ran++
		out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput()
		return string(out), err
	}
	for _, host := range []string{"localhost", "127.0.0.1", "pool.example"} {
		out, err := run("curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", authority.CAFile,
			"--resolve", host+":"+port+":127.0.0.1", "https://"+host+":"+port+"/")
		if err != nil || !strings.Contains(out, "hello") {
			t.Errorf("curl https://%s: %v: %s", host, err, out)
		}
	}
	out, err := run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost",
		"-CAfile", authority.CAFile, filepath.Join(folder, "server.pem"))
	if err != nil || !strings.Contains(out, "OK") {
		t.Errorf("openssl verify: %v: %s", err, out)
	}
	if ran == 0 {
		t.Skip("neither curl nor openssl is installed")
	}
}

func TestFilesAndLifetimes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new", "folder")
	now := time.Now()
	authority := ensure(t, folder, now)
	if authority.CAFile != filepath.Join(folder, "ca.pem") {
		t.Errorf("CAFile = %s", authority.CAFile)
	}
	for name, mode := range map[string]os.FileMode{"ca.pem": 0o644, "ca-key.pem": 0o600, "server.pem": 0o600} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 3 {
		t.Errorf("the folder holds %v, want three files", entries)
	}
	if text := read(t, folder, "ca.pem"); strings.Contains(text, "PRIVATE") {
		t.Error("ca.pem holds a private key")
	}
	ca, leaf := parse(t, folder, "ca.pem"), parse(t, folder, "server.pem")
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 397*day || life < 396*day {
		t.Errorf("the server certificate lasts %v, want 397 days", life)
	}
	if life := ca.NotAfter.Sub(now); life < 3649*day || life > 3651*day {
		t.Errorf("the authority lasts %v, want ten years", life)
	}
	if !ca.MaxPathLenZero || ca.MaxPathLen != 0 || !ca.PermittedDNSDomainsCritical {
		t.Error("the authority may have others below it, or its name constraints are not critical")
	}
	if leaf.IsCA || leaf.PublicKeyAlgorithm != x509.ECDSA || ca.PublicKeyAlgorithm != x509.ECDSA {
		t.Error("a certificate of the wrong kind")
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	ensure(t, folder, now, "b.example", "a.example", "a.example")
	ca, key, server := read(t, folder, "ca.pem"), read(t, folder, "ca-key.pem"), read(t, folder, "server.pem")
	ensure(t, folder, now.Add(300*day), "A.example", "b.example.", "localhost")
	if read(t, folder, "ca.pem") != ca || read(t, folder, "ca-key.pem") != key || read(t, folder, "server.pem") != server {
		t.Error("a restart with the same hosts changed a file")
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name            string
		later           time.Duration
		hosts           []string
		newLeaf, newCA  bool
		oldClientsAgree bool // with the new server certificate, for localhost
	}{
		{"30 days left and some", 365 * day, []string{"a.example"}, false, false, true},
		{"less than 30 days left", 367 * day, []string{"a.example"}, true, false, true},
		{"expired", 500 * day, []string{"a.example"}, true, false, true},
		{"clock put back", -2 * day, []string{"a.example"}, true, false, true},
		{"host gone", 0, nil, true, false, true},
		{"host within the constraints", 0, []string{"a.example", "www.a.example", "127.9.9.9"}, true, false, true},
		{"host outside the constraints", 0, []string{"b.example", "192.0.2.1"}, true, true, false},
		{"authority about to expire", 3640 * day, []string{"a.example"}, true, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			ensure(t, folder, now, "a.example")
			oldLeaf, oldCA, oldText := read(t, folder, "server.pem"), parse(t, folder, "ca.pem"), read(t, folder, "ca.pem")
			key := read(t, folder, "ca-key.pem")
			moved := now.Add(test.later)
			ensure(t, folder, moved, test.hosts...)

			if got := read(t, folder, "server.pem") != oldLeaf; got != test.newLeaf {
				t.Errorf("server certificate replaced: %v, want %v", got, test.newLeaf)
			}
			if got := read(t, folder, "ca.pem") != oldText; got != test.newCA {
				t.Errorf("authority's certificate replaced: %v, want %v", got, test.newCA)
			}
			if read(t, folder, "ca-key.pem") != key {
				t.Error("the authority's key was replaced")
			}
			leaf := parse(t, folder, "server.pem")
			for ca, want := range map[*x509.Certificate]bool{parse(t, folder, "ca.pem"): true, oldCA: test.oldClientsAgree} {
				pool := x509.NewCertPool()
				pool.AddCert(ca)
				at := leaf.NotBefore.Add(2 * time.Hour)
				if test.later < 0 {
					at = now
				}
				_, err := leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: pool, CurrentTime: at})
				if (err == nil) != want {
					t.Errorf("a client verifies: %v, want success %v", err, want)
				}
			}
		})
	}
}

// TestNameConstraints issues certificates with the stolen key of an authority.
func TestNameConstraints(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ensure(t, folder, time.Now(), "pool.example", "192.0.2.7")
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "ca.pem"), filepath.Join(folder, "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	for name, permitted := range map[string]bool{
		"localhost": true, "x.localhost": true, "pool.example": true, "127.3.2.1": true, "::1": true, "192.0.2.7": true,
		"bank.example": false, "example": false, "notlocalhost": false, "localhost.example": false, "192.0.2.8": false, "::2": false,
	} {
		if err := forge(t, pair, pool, name); (err == nil) != permitted {
			t.Errorf("a forged certificate for %s: %v, want accepted %v", name, err, permitted)
		}
	}
}

func TestManyStartTogether(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			authority, err := localca.Ensure(folder, nil, now)
			if err != nil {
				t.Error(err)
				return
			}
			certificate, err := authority.TLSConfig().GetCertificate(new(tls.ClientHelloInfo))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := certificate.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: authority.Pool()}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if entries, _ := os.ReadDir(folder); len(entries) != 3 {
		t.Errorf("the folder holds %v, want three files", entries)
	}
	ensure(t, folder, now)
}

// TestClockBehind verifies the chain with clocks that are behind: up to a day is
// accepted, and an authority reports a clock before its first day.
func TestClockBehind(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	authority := ensure(t, folder, now)
	leaf := parse(t, folder, "server.pem")
	for behind, accepted := range map[time.Duration]bool{0: true, 2 * time.Hour: true, 23 * time.Hour: true, 25 * time.Hour: false} {
		_, err := leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: authority.Pool(), CurrentTime: now.Add(-behind)})
		if (err == nil) != accepted {
			t.Errorf("a clock %v behind: %v", behind, err)
		}
		from, future := ensure(t, folder, now.Add(-behind)).NotYetValid()
		if future == accepted || !from.Equal(parse(t, folder, "ca.pem").NotBefore) {
			t.Errorf("a start %v behind: valid from %v, in the future: %v", behind, from, future)
		}
	}
}
