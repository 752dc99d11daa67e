package wiretap

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Exchange is one call as it went over the wire.
type Exchange struct {
	Service   string // before the dot of X-Amz-Target; empty is the user pools'
	Operation string // after it
	Header    http.Header
	Request   []byte
	Status    int
	Reply     http.Header
	Answer    []byte
}

// Tap passes requests on to a service and keeps a record of them. It is safe
// for concurrent use.
type Tap struct {
	URL string

	mu        sync.Mutex
	exchanges []Exchange
}

// New starts a Tap in front of the service at target, until the test ends.
func New(t *testing.T, target string) *Tap {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	tap := &Tap{}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		Transport: tap,
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	tap.URL = server.URL
	return tap
}

// RoundTrip sends a request and records it with its answer.
func (t *Tap) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := replace(&r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := replace(&response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.exchanges = append(t.exchanges, Exchange{
		Service: service, Operation: operation, Header: r.Header.Clone(), Request: sent,
		Status: response.StatusCode, Reply: response.Header.Clone(), Answer: answer,
	})
	return response, nil
}

// replace reads a body and puts what it read back in its place.
func replace(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(*body)
	if err != nil {
		return nil, err
	}
	err = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(data))
	return data, err
}

// Exchanges returns what has passed so far, in the order in which it was
// answered; of the named operations only, if any are named.
func (t *Tap) Exchanges(operations ...string) []Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(operations) == 0 {
		return slices.Clone(t.exchanges)
	}
	var found []Exchange
	for _, e := range t.exchanges {
		if slices.Contains(operations, e.Operation) {
			found = append(found, e)
		}
	}
	return found
}

// Operations names what was called, in order.
func (t *Tap) Operations() []string {
	names := []string{}
	for _, e := range t.Exchanges() {
		names = append(names, e.Operation)
	}
	return names
}
