package metrics_test

import (
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
		"go_goroutines ",
		"process_start_time_seconds 1",
		"# TYPE latchkey_operation_seconds histogram",
	} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// TestPageIsRead: every line is one that Prometheus' text format has, no series
// comes twice, and a page of the same counts is the same page.
func TestPageIsRead(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 100 {
				r.Observe([]string{"GetUser", "SignUp", `odd"\` + "\n" + `name`}[j%3], []string{"", "LimitExceededException"}[i%2], time.Duration(j)*time.Millisecond)
			}
		})
	}
	group.Wait()
	read := func() string {
		page := httptest.NewRecorder()
		r.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		return page.Body.String()
	}
	line := regexp.MustCompile(`^(# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))|[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)+\})? [0-9.e+-]+)$`)
	seen := map[string]bool{}
	total := 0
	for text := range strings.Lines(read()) {
		text = strings.TrimSuffix(text, "\n")
		if !line.MatchString(text) {
			t.Errorf("no line of the format: %q", text)
		}
		name := text[:strings.LastIndexByte(text, ' ')]
		if !strings.HasPrefix(text, "#") && seen[name] {
			t.Errorf("twice: %s", name)
		}
		seen[name] = true
		if strings.HasPrefix(name, "latchkey_operation_seconds_count") {
			n, err := strconv.Atoi(text[len(name)+1:])
			if err != nil {
				t.Error(err)
			}
			total += n
		}
	}
	if total != 800 {
		t.Errorf("%d counted, want 800", total)
	}
	ours := func(page string) string { before, _, _ := strings.Cut(page, "# HELP go_"); return before }
	if first, second := ours(read()), ours(read()); first != second {
		t.Error("two pages of the same counts differ")
	}
}
