package cognito

import (
	"crypto/tls"
	"net/http"
	"reflect"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/localhost"
	"github.com/latchkey-auth/latchkey/internal/trust"
)

// HTTPClient makes the client that calls the service: the transport of base, or one
// of its own, without redirects (a POST with a password must not go elsewhere) and
// without cookies. With a file of authorities the transport is a copy that trusts
// them too.
//
// release closes the connections of a transport that HTTPClient made. It does
// nothing to one of the caller's.
func HTTPClient(base *http.Client, caFile string) (client *http.Client, release func(), err error) {
	client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if base != nil {
		client.Transport, client.Timeout = base.Transport, base.Timeout
	}
	if nilPointer(client.Transport) {
		return nil, nil, fault.New("New", fault.Config, "HTTPClient.Transport is a nil pointer; leave the field empty for Go's default")
	}
	if client.Transport != nil && caFile == "" {
		return client, func() {}, nil
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if client.Transport != nil {
		transport, ok = client.Transport.(*http.Transport)
	}
	switch {
	case !ok && caFile == "":
		return client, func() {}, nil // another package has replaced http.DefaultTransport
	case !ok:
		return nil, nil, fault.New("New", fault.Config, "CAFile needs an HTTPClient whose Transport is an *http.Transport, or none")
	}
	transport = clone(transport)
	if client.Transport == nil {
		localhost.Keep(transport)
		fault.ReportProxy(transport)
	}
	if caFile != "" {
		if err := trustFile(transport, caFile); err != nil {
			return nil, nil, err
		}
	}
	client.Transport = transport
	return client, transport.CloseIdleConnections, nil
}

// nilPointer reports whether a transport is a nil pointer of some type, which would panic
// with the first call.
func nilPointer(transport http.RoundTripper) bool {
	v := reflect.ValueOf(transport)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// clone copies a transport. A copy of one that was made without a TLS configuration offers
// HTTP/2 to servers, since Clone sets NextProtos, but cannot speak it unless it is told to.
func clone(transport *http.Transport) *http.Transport {
	made := transport.Clone()
	if tls := made.TLSClientConfig; made.TLSNextProto == nil && tls != nil && slices.Contains(tls.NextProtos, "h2") {
		made.ForceAttemptHTTP2 = true
	}
	return made
}

// hintCAFile goes with errors of package trust.
const hintCAFile = "Config.CAFile must name a readable PEM file of certificates"

// trustFile makes a transport trust the authorities of a PEM file too.
func trustFile(transport *http.Transport, path string) error {
	roots, err := trust.Pool(path)
	if err != nil {
		return &fault.Fault{Op: "New", Kind: fault.Config, Hint: hintCAFile, Err: err}
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = roots
	return nil
}
