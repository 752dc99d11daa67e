package torture

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// meter stands before a service and counts refreshes and how they ended.
type meter struct {
	*httptest.Server
	mu      sync.Mutex
	calls   int            // refreshes that arrived
	refused map[string]int // refreshes that did not succeed, by their exception

	// What to do before the next refresh reaches the service, and before the
	// answer of the next one leaves; nil for nothing.
	arrived, answered func()
}

func newMeter(t *testing.T, endpoint string) *meter {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{refused: make(map[string]int)}
	forward := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host; m.arrive(r.In) },
		ModifyResponse: m.note,
		ErrorLog:       log.New(io.Discard, "", 0), // clients that give up are no news here
	}
	m.Server = httptest.NewServer(whole(forward))
	t.Cleanup(m.Close)
	return m
}

// whole hands requests on once their bodies have been read. A ReverseProxy that
// reads from the client's connection looks for bytes beyond Content-Length, and
// when the answer has begun by then ("invalid Read on closed Body") it cuts that.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func isRefresh(r *http.Request) bool {
	return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+refreshOperation)
}

func (m *meter) arrive(r *http.Request) {
	if isRefresh(r) {
		m.take(&m.arrived)()
	}
}

func (m *meter) note(r *http.Response) error {
	if !isRefresh(r.Request) {
		return nil
	}
	m.mu.Lock()
	m.calls++
	if r.StatusCode != http.StatusOK {
		m.refused[r.Header.Get("X-Amzn-Errortype")]++
	}
	m.mu.Unlock()
	m.take(&m.answered)()
	return nil
}

// strike sets what to do at the next refresh.
func (m *meter) strike(arrived, answered func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arrived, m.answered = arrived, answered
}

// take returns what is to be done, once.
func (m *meter) take(f *func()) func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := *f
	if *f = nil; taken == nil {
		return func() {}
	}
	return taken
}

// counts returns the calls and the refusals so far.
func (m *meter) counts() (calls, refused int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.refused {
		refused += n
	}
	return m.calls, refused
}
