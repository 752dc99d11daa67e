package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/metrics"
)

// The recorder is the service's observer, and a handler for Prometheus.
func ExampleRecorder() {
	recorder := metrics.New()
	config := server.Config{PublicURL: "https://auth.example.com", Observer: recorder}
	_ = config // and Storage and SealingKeys, for server.New

	recorder.Observe("InitiateAuth", "", 12*time.Millisecond) // as the service does
	page := httptest.NewRecorder()
	recorder.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	fmt.Println(strings.Contains(page.Body.String(), `operation="InitiateAuth"`))
	// Output: true
}
