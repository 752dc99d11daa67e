// Package metrics counts what the service answers, for Prometheus.
//
// A [Recorder] is a server.Observer and an [http.Handler] for Prometheus' text format
// (version 0.0.4). Serve it on a separate listener that the public cannot reach. It also
// reports figures of the Go runtime and the process.
//
// The package writes the format itself: Prometheus' client libraries slow the start of every
// program that links them, also of the command latchkey.
package metrics

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey/server"
)

// Recorder counts answers. It is safe for concurrent use.
type Recorder struct {
	answers sync.Map // answer → *atomic.Uint64
	took    sync.Map // operation → *histogram
}

var _ server.Observer = (*Recorder)(nil)

// answer names a series of answers.
type answer struct{ operation, exception string }

// New returns a Recorder without counts. Its series are:
//
//	latchkey_answers_total{exception, operation}   counter; exception "" is success; see server.Observer
//	latchkey_operation_seconds{operation}          histogram: _bucket{le}, _sum, _count
//	go_*, process_*                                of the runtime and the process
func New() *Recorder { return &Recorder{} }

// Observe counts one answer. A request that names no operation of any API
// counts under "unknown", so that a stranger cannot make up new series.
func (r *Recorder) Observe(operation, exception string, took time.Duration) {
	if operation == "" {
		operation = "unknown"
	}
	counter, ok := r.answers.Load(answer{operation, exception})
	if !ok {
		counter, _ = r.answers.LoadOrStore(answer{operation, exception}, new(atomic.Uint64))
	}
	counter.(*atomic.Uint64).Add(1)
	h, ok := r.took.Load(operation)
	if !ok {
		h, _ = r.took.LoadOrStore(operation, new(histogram))
	}
	h.(*histogram).observe(took)
}

// bounds of the buckets: 125 µs to 4 s, each twice the one before.
const (
	firstBound = 125 * time.Microsecond
	buckets    = 16
)

// histogram counts by the smallest bucket that holds a value; the last one holds
// what is beyond all bounds.
type histogram struct {
	counts [buckets + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

func (h *histogram) observe(took time.Duration) {
	i := 0
	for i < buckets && took > firstBound<<i {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(took))
}

// write adds the lines of one operation. A bucket's line counts all that took at
// most its bound; the count is that of the last one, so that they agree.
func (h *histogram) write(b *bytes.Buffer, operation string) {
	total := uint64(0)
	for i := range h.counts {
		total += h.counts[i].Load()
		bound := "+Inf"
		if i < buckets {
			bound = strconv.FormatFloat((firstBound << i).Seconds(), 'g', -1, 64)
		}
		fmt.Fprintf(b, "latchkey_operation_seconds_bucket{le=%q,operation=%s} %d\n", bound, operation, total)
	}
	fmt.Fprintf(b, "latchkey_operation_seconds_sum{operation=%s} %g\n", operation, time.Duration(h.sum.Load()).Seconds())
	fmt.Fprintf(b, "latchkey_operation_seconds_count{operation=%s} %d\n", operation, total)
}

// label writes a label's value. A backslash, a quotation mark and a line break
// are escaped, as the format has it.
func label(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

// ServeHTTP writes the page.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	r.writeAnswers(&b)
	r.writeTimes(&b)
	writeProcess(&b)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func (r *Recorder) writeAnswers(b *bytes.Buffer) {
	b.WriteString("# HELP latchkey_answers_total Answers by operation and exception; no exception is success.\n# TYPE latchkey_answers_total counter\n")
	for _, key := range sorted(&r.answers, func(a, b answer) int {
		return cmp.Or(cmp.Compare(a.operation, b.operation), cmp.Compare(a.exception, b.exception))
	}) {
		counter, _ := r.answers.Load(key)
		fmt.Fprintf(b, "latchkey_answers_total{exception=%s,operation=%s} %d\n",
			label(key.exception), label(key.operation), counter.(*atomic.Uint64).Load())
	}
}

func (r *Recorder) writeTimes(b *bytes.Buffer) {
	b.WriteString("# HELP latchkey_operation_seconds Time until the answer, by operation.\n# TYPE latchkey_operation_seconds histogram\n")
	for _, operation := range sorted(&r.took, cmp.Compare[string]) {
		h, _ := r.took.Load(operation)
		h.(*histogram).write(b, label(operation))
	}
}

// sorted gives the keys of a map in order: a page is the same each time.
func sorted[K any](m *sync.Map, compare func(a, b K) int) []K {
	var keys []K
	m.Range(func(key, _ any) bool {
		keys = append(keys, key.(K))
		return true
	})
	slices.SortFunc(keys, compare)
	return keys
}
