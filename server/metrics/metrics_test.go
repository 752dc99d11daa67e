package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/metrics"
)

func TestRecorder(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	r.Observe("InitiateAuth", "", 2*time.Millisecond)
	r.Observe("InitiateAuth", "", 3*time.Millisecond)
	r.Observe("InitiateAuth", "NotAuthorizedException", time.Millisecond)
	r.Observe("", "UnknownOperationException", time.Millisecond)

	page := httptest.NewRecorder()
	r.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`latchkey_answers_total{exception="",operation="InitiateAuth"} 2`,
		`latchkey_answers_total{exception="NotAuthorizedException",operation="InitiateAuth"} 1`,
		`latchkey_answers_total{exception="UnknownOperationException",operation="unknown"} 1`,
		`latchkey_operation_seconds_count{operation="InitiateAuth"} 3`,
		`latchkey_operation_seconds_sum{operation="InitiateAuth"} 0.006`,
		`latchkey_operation_seconds_bucket{le="0.000125",operation="InitiateAuth"} 0`,
		`latchkey_operation_seconds_bucket{le="0.001",operation="InitiateAuth"} 1`,
		`latchkey_operation_seconds_bucket{le="0.002",operation="InitiateAuth"} 2`,
		`latchkey_operation_seconds_bucket{le="4.096",operation="InitiateAuth"} 3`,
		`latchkey_operation_seconds_bucket{le="+Inf",operation="InitiateAuth"} 3`,
		"go_goroutines",
	} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
