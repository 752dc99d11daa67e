// Package metrics counts what the service answers, for Prometheus. It is the
// one importer of the Prometheus client: a program that embeds the server
// without metrics does not link it.
//
// A [Recorder] is the server's Observer and, as an [http.Handler], the page
// that Prometheus reads. Serve that page on a listener of its own: it is not
// for the public.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/latchkey-auth/latchkey/server"
)

// Recorder counts answers. It is safe for concurrent use.
type Recorder struct {
	answers *prometheus.CounterVec
	took    *prometheus.HistogramVec
	page    http.Handler
}

var _ server.Observer = (*Recorder)(nil)

// New makes a Recorder with a registry of its own:
//
//	latchkey_answers_total{operation, exception}   counter; exception "" is success
//	latchkey_operation_seconds{operation}          histogram
//	go_*, process_*                                of the runtime and the process
func New() *Recorder {
	r := &Recorder{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_answers_total", Help: "Operations answered, by exception; empty for success.",
		}, []string{"operation", "exception"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchkey_operation_seconds", Help: "Time from request to answer.",
			Buckets: prometheus.ExponentialBuckets(0.000125, 2, 16), // 125 µs to 4 s
		}, []string{"operation"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.answers, r.took, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	return r
}

// Observe counts one answer. A request that names no operation of either API
// counts under "unknown", so that a stranger cannot make up new series.
func (r *Recorder) Observe(operation, exception string, took time.Duration) {
	if operation == "" {
		operation = "unknown"
	}
	r.answers.WithLabelValues(operation, exception).Inc()
	r.took.WithLabelValues(operation).Observe(took.Seconds())
}

// ServeHTTP writes the metrics.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.page.ServeHTTP(w, request)
}
