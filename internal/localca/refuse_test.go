package localca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localca"
)

// forge issues a certificate for name with an authority's key and returns what
// a client says to it.
func forge(t *testing.T, authority tls.Certificate, pool *x509.CertPool, name string) error {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "forged"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool})
	return err
}

func TestDamage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	other := t.TempDir()
	ensure(t, other, now)
	overwrite := func(text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		file    string
		damage  func(t *testing.T, path string)
		problem string
	}{
		"empty certificate":           {"ca.pem", overwrite(""), "not one PEM block"},
		"empty key":                   {"ca-key.pem", overwrite(""), "not one PEM block"},
		"empty server file":           {"server.pem", overwrite(""), "remove this file"},
		"certificate of another":      {"ca.pem", overwrite(read(t, other, "ca.pem")), "not the certificate of the key"},
		"key of another":              {"ca-key.pem", overwrite(read(t, other, "ca-key.pem")), "not the certificate of the key"},
		"key missing":                 {"ca-key.pem", func(t *testing.T, path string) { os.Remove(path) }, "restore it from a copy"},
		"two certificates":            {"ca.pem", overwrite(read(t, other, "ca.pem") + read(t, other, "ca.pem")), "not one PEM block"},
		"server certificate as ca":    {"ca.pem", overwrite(strings.Split(read(t, other, "server.pem"), "-----BEGIN PRIVATE")[0]), "not the certificate of an authority"},
		"certificate for key":         {"ca-key.pem", overwrite(read(t, other, "ca.pem")), "not one PEM block"},
		"no certificate in the PEM":   {"ca.pem", overwrite("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "restore it from a copy"},
		"no key in the PEM":           {"ca-key.pem", overwrite("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "restore it from a copy"},
		"server file without key":     {"server.pem", overwrite(strings.Split(read(t, other, "server.pem"), "-----BEGIN PRIVATE")[0]), "remove this file"},
		"very long":                   {"ca.pem", overwrite(strings.Repeat("a", 1<<20)), "longer than"},
		"key that others can read":    {"ca-key.pem", func(t *testing.T, path string) { os.Chmod(path, 0o644) }, "chmod 600"},
		"server file others can read": {"server.pem", func(t *testing.T, path string) { os.Chmod(path, 0o640) }, "chmod 600"},
		"a link": {"ca.pem", func(t *testing.T, path string) {
			os.Remove(path)
			os.Symlink(filepath.Join(other, "ca.pem"), path)
		}, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.Contains(test.problem, "chmod") {
				t.Skip("modes are those of Unix")
			}
			folder := t.TempDir()
			ensure(t, folder, now)
			path := filepath.Join(folder, test.file)
			test.damage(t, path)
			before, _ := os.ReadFile(path)
			_, err := localca.Ensure(folder, nil, now)
			if err == nil || !strings.Contains(err.Error(), test.problem) || !strings.Contains(err.Error(), folder) {
				t.Errorf("Ensure: %v; want an error with the path and %q", err, test.problem)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

// TestCrashBetweenKeyAndCertificate leaves what a crash can leave, and starts
// again.
func TestCrashBetweenKeyAndCertificate(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	ensure(t, folder, now)
	key := read(t, folder, "ca-key.pem")
	os.Remove(filepath.Join(folder, "ca.pem"))
	os.Remove(filepath.Join(folder, "server.pem"))
	authority := ensure(t, folder, now)
	if read(t, folder, "ca-key.pem") != key {
		t.Error("a new key was made though there was one")
	}
	if _, err := dial(t, serve(t, authority.TLSConfig()), authority.CAFile, &tls.Config{ServerName: "localhost"}); err != nil {
		t.Error(err)
	}
}

// TestNewAuthority follows the advice to start over, but forgets the server's
// file.
func TestNewAuthority(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	ensure(t, folder, now)
	os.Remove(filepath.Join(folder, "ca.pem"))
	os.Remove(filepath.Join(folder, "ca-key.pem"))
	authority := ensure(t, folder, now)
	if _, err := dial(t, serve(t, authority.TLSConfig()), authority.CAFile, &tls.Config{ServerName: "localhost"}); err != nil {
		t.Errorf("the server's certificate is not that of the new authority: %v", err)
	}
}

func TestHostsRefused(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "never")
	for _, host := range []string{"", ".", "*", "*.", "a b", "localhost:9230", "127.0.0.1:443", "https://localhost", "a..b", "-a", "a-", "bücher.example",
		"under_score", "0.0.0.0", "::", "fe80::1%eth0", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a", "a.*.b"} {
		if _, err := localca.Ensure(folder, []string{host}, time.Now()); err == nil {
			t.Errorf("host %q is accepted", host)
		}
	}
	if _, err := localca.Ensure(folder, make([]string, 101), time.Now()); err == nil || !strings.Contains(err.Error(), "101 hosts") {
		t.Errorf("101 hosts: %v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("a refused call made the folder")
	}
}

// TestRenewalWhileRunning lets a server run for years.
func TestRenewalWhileRunning(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		authority := ensure(t, folder, time.Now())
		config := authority.TLSConfig()
		seen := map[string]bool{}
		for range 36 {
			time.Sleep(30 * day)
			certificate, err := config.GetCertificate(new(tls.ClientHelloInfo))
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(certificate.Leaf.NotAfter); left < 30*day {
				t.Fatalf("a certificate with %v left", left)
			}
			if _, err := certificate.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: authority.Pool(), CurrentTime: time.Now()}); err != nil {
				t.Fatal(err)
			}
			seen[certificate.Leaf.SerialNumber.String()] = true
		}
		if len(seen) != 3 && len(seen) != 4 {
			t.Errorf("%d certificates in three years", len(seen))
		}
		// A renewal that fails must not take the certificate away.
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		time.Sleep(370 * day)
		certificate, err := config.GetCertificate(new(tls.ClientHelloInfo))
		if err != nil || certificate == nil {
			t.Errorf("no certificate after a failed renewal: %v", err)
		}
	})
}
