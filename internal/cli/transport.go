package cli

import (
	"crypto/tls"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/localhost"
	"github.com/latchkey-auth/latchkey/internal/trust"
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

func newTransport(caFile string) (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 10 * time.Second
	localhost.Keep(transport)
	fault.ReportProxy(transport)
	if caFile == "" {
		return transport, nil
	}
	roots, err := trust.Pool(caFile)
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}
