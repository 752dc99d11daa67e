// Package localca gives a server on this machine a certificate that its clients
// can check: it keeps a certificate authority of its own in a folder and issues
// one server certificate with it.
//
// Some clients insist on https, also to a server on the same machine; Amplify
// does for OAuth. They are told to trust the authority's certificate,
// [Authority.CAFile], and nothing else. Because it is limited by name
// constraints (RFC 5280, section 4.2.1.10) to localhost, loopback addresses and
// the hosts given, whoever trusts it gives nobody power over other names, even
// if the authority's key is stolen.
//
// The folder holds
//
//	ca.pem      the authority's certificate, to be copied to clients
//	ca-key.pem  its private key; never leaves this machine
//	server.pem  the server's certificate and private key
//
// The authority is kept for ten years. The server's certificate lasts 397 days,
// the most that browsers accept, and is replaced in good time, at a start and
// while running.
package localca

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

// The names of the files in the folder.
const (
	caFile     = "ca.pem"
	caKeyFile  = "ca-key.pem"
	serverFile = "server.pem"
)

const (
	caLife    = 10 * 365 * 24 * time.Hour
	leafLife  = 397 * 24 * time.Hour // CA/Browser Forum Baseline Requirements, section 6.3.2: at most 398 days
	renewLeft = 30 * 24 * time.Hour  // a certificate with less is replaced
	// backdate is how far a clock may be behind, or be put back later, without
	// finding the certificates not yet valid.
	backdate = 24 * time.Hour
	// retryRenewal is how long after a failed replacement the next is tried.
	retryRenewal = time.Hour
)

// Authority is the local authority with the server certificate it issued. It is
// safe for concurrent use.
type Authority struct {
	// CAFile is the path of the certificate that clients must trust, in PEM.
	CAFile string

	folder      string
	names       names
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// The clock runs on from the time that Ensure was given.
	offset time.Duration

	server  atomic.Pointer[serverCertificate]
	renewal sync.Mutex // held by the one that replaces server
}

// serverCertificate is a certificate as TLS wants it, and when to replace it.
type serverCertificate struct {
	tls     *tls.Certificate
	renewAt time.Time

	mu    sync.Mutex
	named map[string]*tls.Certificate // those of single names below localhost
}

// Ensure returns the authority kept in the folder dir, making it there if dir
// is empty or missing, with a server certificate for localhost, *.localhost,
// 127.0.0.1, ::1 and hosts: host names or IP addresses, without ports. Chromium and
// curl do not match a wildcard right below a top-level name: whoever asks for
// app.localhost is given a certificate for that name, made at that moment.
//
// The server certificate is replaced when hosts changed or less than 30 days of
// it are left. So is the authority's certificate, with the same key, when a
// host lies outside its name constraints; then clients need the new one. Two
// processes may call Ensure for the same folder.
//
// Files that exist are never repaired: one that is damaged, does not fit the
// others, or is a key that others can read gives an error that says which and
// what to do.
func Ensure(dir string, hosts []string, now time.Time) (*Authority, error) {
	names, err := parseHosts(hosts)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("localca: making the folder: %w", err)
	}
	if info, err := os.Lstat(dir); err != nil {
		return nil, fmt.Errorf("localca: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("localca: %s is not a folder (%s)", dir, info.Mode().Type())
	}
	if err := atomicfile.CheckFolder(dir); err != nil {
		return nil, fmt.Errorf("localca: %w", err)
	}
	a := &Authority{
		CAFile: filepath.Join(dir, caFile),
		folder: dir,
		names:  names,
		offset: now.Round(0).Sub(time.Now().Round(0)),
	}
	if err := a.loadAuthority(now); err != nil {
		return nil, err
	}
	if err := a.loadServer(now); err != nil {
		return nil, err
	}
	return a, nil
}

// NotYetValid returns when the authority's certificate becomes valid, if that lies
// in the future: the clock was put back since it was issued, or was ahead then.
// No client with this clock accepts the server's certificates before.
func (a *Authority) NotYetValid() (from time.Time, future bool) {
	return a.certificate.NotBefore, a.now().Before(a.certificate.NotBefore)
}

// TLSConfig returns a configuration for servers: TLS 1.2 and newer, with the
// server certificate, which changes by itself when it is renewed.
func (a *Authority) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.named(a.current(), hello.ServerName), nil
		},
	}
}

// Pool returns a pool with the authority's certificate alone, for clients in
// this process.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// current returns the server certificate after replacing it if that is due. A
// replacement that fails, say on a full disk, leaves the old one in use, of
// which a month is left, and is tried again later.
func (a *Authority) current() *serverCertificate {
	server := a.server.Load()
	now := a.now()
	if now.Before(server.renewAt) || !a.renewal.TryLock() {
		return server
	}
	defer a.renewal.Unlock()
	if err := a.issueServer(now); err != nil {
		a.server.Store(&serverCertificate{tls: server.tls, renewAt: now.Add(retryRenewal)})
	}
	return a.server.Load()
}

// now is the wall clock, moved to the time that Ensure was given. The monotonic
// clock would stand still while the machine sleeps.
func (a *Authority) now() time.Time { return time.Now().Round(0).Add(a.offset) }
