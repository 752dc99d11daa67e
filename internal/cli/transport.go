package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// lazyClient is an HTTP client that trusts the authorities of a PEM file beside
// the system's. Neither is read before the first request: most runs of
// `latchkey token` make none, and the system's take longer to read than all else.
//
// first is called before the first request.
func lazyClient(caFile string, first func()) *http.Client {
	transport := sync.OnceValues(func() (http.RoundTripper, error) {
		first()
		return newTransport(caFile)
	})
	return &http.Client{Transport: lazyTransport(transport)}
}

type lazyTransport func() (http.RoundTripper, error)

// RoundTrip makes the transport when the first request comes.
func (l lazyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	transport, err := l()
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return transport.RoundTrip(r)
}

const maxCAFile = 1 << 20 // bytes

func newTransport(caFile string) (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 10 * time.Second
	if caFile == "" {
		return transport, nil
	}
	file, err := os.Open(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the configuration's ca_file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCAFile))
	if err != nil {
		return nil, fmt.Errorf("read the configuration's ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("the configuration's ca_file %s holds no certificate in PEM form", caFile)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}
