package localca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// loadAuthority reads the authority's key and certificate, and makes what is
// missing. A key without certificate is what a crash between the two leaves
// behind, and is used; a certificate without key cannot be.
func (a *Authority) loadAuthority(now time.Time) error {
	certificate, err := readCertificate(a.folder)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	a.key, err = readCAKey(a.folder)
	if errors.Is(err, fs.ErrNotExist) && missing {
		a.key, err = createCAKey(a.folder)
	}
	if err != nil {
		return err
	}
	if missing {
		return a.issueAuthority(constraints{}, now, false)
	}
	if !a.key.PublicKey.Equal(certificate.PublicKey) {
		return a.damaged(caFile, errors.New("not the certificate of the key in "+caKeyFile))
	}
	a.certificate = certificate
	permitted := constraintsOf(certificate)
	if permitted.extend(a.names) || certificate.NotAfter.Sub(now) < renewLeft {
		return a.issueAuthority(permitted, now, true)
	}
	return nil
}

// issueAuthority makes the authority's certificate, limited to what was
// permitted before and to the names.
func (a *Authority) issueAuthority(permitted constraints, now time.Time, replace bool) error {
	permitted.extend(a.names)
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	template := &x509.Certificate{
		Subject:                     pkix.Name{Organization: []string{"Latchkey local authority"}, CommonName: "Latchkey on " + host},
		NotBefore:                   now.Add(-backdate),
		NotAfter:                    now.Add(caLife),
		KeyUsage:                    x509.KeyUsageCertSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         permitted.domains,
		PermittedIPRanges:           permitted.networks,
	}
	if replace {
		// The same name and key: what was issued before stays valid under
		// either.
		template.RawSubject = a.certificate.RawSubject
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("localca: issuing the authority's certificate: %w", err)
	}
	write := writeNew
	if replace {
		write = writeFile
	}
	if err := write(a.folder, caFile, encodePEM(block{"CERTIFICATE", der}), 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// What counts is what is there: another process may have been first.
	a.certificate, err = readCertificate(a.folder)
	return err
}

// loadServer reads the server's certificate, and issues a new one if there is
// none, or none for these names, this authority and this time.
func (a *Authority) loadServer(now time.Time) error {
	text, err := readFile(a.folder, serverFile, true)
	if errors.Is(err, fs.ErrNotExist) {
		return a.issueServer(now)
	}
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return a.damaged(serverFile, err)
	}
	leaf := pair.Leaf
	current := leaf.CheckSignatureFrom(a.certificate) == nil && a.names.equal(leaf) &&
		!now.Before(leaf.NotBefore) && leaf.NotAfter.Sub(now) >= renewLeft
	if !current {
		return a.issueServer(now)
	}
	a.serve(&pair, now)
	return nil
}

// issueServer makes a new key and certificate for the server. They go into one
// file so that they always fit each other.
func (a *Authority) issueServer(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("localca: making a key: %w", err)
	}
	template := leaf(now.Add(-backdate), now.Add(-backdate+leafLife))
	template.DNSNames, template.IPAddresses = a.names.dns, a.names.ips()
	if a.certificate.NotAfter.Before(template.NotAfter) {
		template.NotAfter = a.certificate.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("localca: issuing the server's certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("localca: encoding the server's key: %w", err)
	}
	text := encodePEM(block{"CERTIFICATE", der}, block{"PRIVATE KEY", private})
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return fmt.Errorf("localca: issuing the server's certificate: %w", err)
	}
	if err := writeFile(a.folder, serverFile, text, 0o600); err != nil {
		return err
	}
	a.serve(&pair, now)
	return nil
}

// leaf is a server's certificate without the names that it is for.
func leaf(from, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"Latchkey"}, CommonName: "localhost"},
		NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// maxNamed bounds the certificates of single names that are kept.
const maxNamed = 100

// named gives the certificate for the name that a client asks for: for one right
// below localhost its own, of the same key and life as the server's, else the
// server's. Which names clients ask for is their business; none is written down.
func (a *Authority) named(server *serverCertificate, name string) *tls.Certificate {
	name = strings.ToLower(name)
	label, below := strings.CutSuffix(name, ".localhost")
	if !below || strings.Contains(label, ".") || !isHostName(name) || slices.Contains(a.names.dns, name) {
		return server.tls
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if known := server.named[name]; known != nil {
		return known
	}
	template := leaf(server.tls.Leaf.NotBefore, server.tls.Leaf.NotAfter)
	template.DNSNames = []string{name}
	key, ok := server.tls.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return server.tls
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return server.tls
	}
	made := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if server.named == nil || len(server.named) >= maxNamed {
		server.named = map[string]*tls.Certificate{}
	}
	server.named[name] = made
	return made
}

// serve puts a certificate into use. In the authority's own last days no server
// certificate has a month left, and a new one would be no better.
func (a *Authority) serve(pair *tls.Certificate, now time.Time) {
	renewAt := pair.Leaf.NotAfter.Add(-renewLeft)
	if earliest := now.Add(retryRenewal); renewAt.Before(earliest) {
		renewAt = earliest
	}
	a.server.Store(&serverCertificate{tls: pair, renewAt: renewAt})
}

// readCertificate reads the authority's certificate and makes sure that it is
// one.
func readCertificate(folder string) (*x509.Certificate, error) {
	text, err := readFile(folder, caFile, false)
	if err != nil {
		return nil, err
	}
	der, err := decodePEM(text, "CERTIFICATE")
	if err != nil {
		return nil, damaged(folder, caFile, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, damaged(folder, caFile, err)
	}
	if !certificate.IsCA || certificate.CheckSignatureFrom(certificate) != nil {
		return nil, damaged(folder, caFile, errors.New("not the certificate of an authority"))
	}
	if len(certificate.PermittedDNSDomains) == 0 || len(certificate.PermittedIPRanges) == 0 {
		return nil, damaged(folder, caFile, errors.New("the authority has no name constraints"))
	}
	return certificate, nil
}

func readCAKey(folder string) (*ecdsa.PrivateKey, error) {
	text, err := readFile(folder, caKeyFile, true)
	if err != nil {
		return nil, err
	}
	der, err := decodePEM(text, "PRIVATE KEY")
	if err != nil {
		return nil, damaged(folder, caKeyFile, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, damaged(folder, caKeyFile, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, damaged(folder, caKeyFile, errors.New("not an ECDSA key on P-256"))
	}
	return key, nil
}

func createCAKey(folder string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("localca: making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("localca: encoding the authority's key: %w", err)
	}
	err = writeNew(folder, caKeyFile, encodePEM(block{"PRIVATE KEY", der}), 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readCAKey(folder) // that of the process that was first
}

func (a *Authority) damaged(file string, reason error) error { return damaged(a.folder, file, reason) }

// block is a PEM block (RFC 7468).
type block struct {
	label string
	der   []byte
}

func encodePEM(blocks ...block) []byte {
	var text bytes.Buffer
	for _, b := range blocks {
		text.Write(pemBlock(b))
	}
	return text.Bytes()
}
