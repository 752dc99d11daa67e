// Package metrics counts what the service answers, for Prometheus. It is the
// one importer of a metrics library: a program that embeds the server without
// metrics does not link it.
//
// A [Recorder] is the server's Observer and, as an [http.Handler], the page
// that Prometheus reads. Serve that page on a listener of its own: it is not
// for the public.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/latchkey-auth/latchkey/server"
)

// Recorder counts answers. It is safe for concurrent use.
type Recorder struct {
	set    *metrics.Set
	series sync.Map // operation and exception → *metrics.Counter
	took   sync.Map // operation → *histogram
}

var _ server.Observer = (*Recorder)(nil)

// New makes a Recorder with a registry of its own:
//
//	latchkey_answers_total{operation, exception}   counter; exception "" is success
//	latchkey_operation_seconds{operation}          histogram: _bucket{le}, _sum, _count
//	go_*, process_*                                of the runtime and the process
func New() *Recorder { return &Recorder{set: metrics.NewSet()} }

// Observe counts one answer. A request that names no operation of any API
// counts under "unknown", so that a stranger cannot make up new series.
func (r *Recorder) Observe(operation, exception string, took time.Duration) {
	if operation == "" {
		operation = "unknown"
	}
	r.counter(operation, exception).Inc()
	r.histogram(operation).observe(took)
}

// counter and histogram remember what they made: the library builds a series'
// name for every look-up.
func (r *Recorder) counter(operation, exception string) *metrics.Counter {
	key := [2]string{operation, exception}
	if c, ok := r.series.Load(key); ok {
		return c.(*metrics.Counter)
	}
	c := r.set.GetOrCreateCounter(`latchkey_answers_total{exception="` + label(exception) + `",operation="` + label(operation) + `"}`)
	r.series.Store(key, c)
	return c
}

func (r *Recorder) histogram(operation string) *histogram {
	if h, ok := r.took.Load(operation); ok {
		return h.(*histogram)
	}
	h := newHistogram(r.set, label(operation))
	r.took.Store(operation, h)
	return h
}

// bounds of the buckets: 125 µs to 4 s, each twice the one before.
const (
	firstBound = 125 * time.Microsecond
	buckets    = 16
)

// histogram is one as Prometheus reads it, made of counters: each bucket counts
// what took at most its bound, and the one more everything. (The library's own
// has other buckets, and its summary a goroutine that never ends.)
type histogram struct {
	atMost [buckets + 1]*metrics.Counter
	sum    *metrics.FloatCounter
	count  *metrics.Counter
}

func newHistogram(set *metrics.Set, operation string) *histogram {
	const name = "latchkey_operation_seconds"
	h := &histogram{
		sum:   set.GetOrCreateFloatCounter(name + `_sum{operation="` + operation + `"}`),
		count: set.GetOrCreateCounter(name + `_count{operation="` + operation + `"}`),
	}
	for i := range h.atMost {
		bound := "+Inf"
		if i < buckets {
			bound = strconv.FormatFloat((firstBound << i).Seconds(), 'g', -1, 64)
		}
		h.atMost[i] = set.GetOrCreateCounter(name + `_bucket{le="` + bound + `",operation="` + operation + `"}`)
	}
	return h
}

func (h *histogram) observe(took time.Duration) {
	for i := range h.atMost {
		if i == buckets || took <= firstBound<<i {
			h.atMost[i].Inc()
		}
	}
	h.sum.Add(took.Seconds())
	h.count.Inc()
}

// label keeps what may stand in a label's value without escaping: the names of
// operations and exceptions are letters and digits.
func label(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '"' || c == '\\' || c < ' ' {
			return '_'
		}
		return c
	}, name)
}

// ServeHTTP writes the metrics in Prometheus' text format.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	r.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
