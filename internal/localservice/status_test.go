package localservice

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/metrics"
)

// TestStatus compares the description with that of the start, and asks again after the end.
func TestStatus(t *testing.T) {
	o := options(t.TempDir())
	recorder := metrics.New()
	o.MetricsListen, o.Metrics = "127.0.0.1:0", recorder
	ready, stop := start(t, o)
	got, err := Status(t.Context(), o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ready, got); diff != "" {
		t.Errorf("(-start +status):\n%s", diff)
	}
	stop()
	if got, err := Status(t.Context(), o.Dir); !errors.Is(err, ErrNotRunning) || got != (Ready{}) {
		t.Errorf("after the end: %+v, %v", got, err)
	}
	if _, err := Status(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no service was ever started on") {
		t.Errorf("of an empty folder: %v", err)
	}
	must(t, os.Remove(filepath.Join(o.Dir, runningFile)))
	if _, err := Status(t.Context(), o.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("of a folder of an earlier release: %v", err)
	}
}

// TestStatusOfChangedPassword checks that a password that no longer works is not shown.
func TestStatusOfChangedPassword(t *testing.T) {
	o := options(t.TempDir())
	s, err := Open(t.Context(), o)
	must(t, err)
	must(t, s.server.Call(t.Context(), "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
		UserPoolId: s.state.UserPoolID, Username: s.state.Username, Password: "Another-Pass-1", Permanent: true,
	}, nil))
	must(t, s.Close())
	_, _ = start(t, o)
	got, err := Status(t.Context(), o.Dir)
	if err != nil || !got.PasswordChanged || got.Password != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestStatusOfOtherPrograms has another program answer where the service was.
func TestStatusOfOtherPrograms(t *testing.T) {
	o := options(t.TempDir())
	ready, stop := start(t, o)
	stop()
	other, stopOther := start(t, options(t.TempDir()))
	defer stopOther()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"web server": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, ErrNotRunning},
		"404":        {http.NotFound, ErrNotRunning},
		"another service": {func(w http.ResponseWriter, r *http.Request) {
			again := r.Clone(r.Context())
			again.RequestURI, again.URL.Scheme, again.URL.Host = "", "http", strings.TrimPrefix(other.Endpoint, "http://")
			again.Close = true
			answer, err := http.DefaultTransport.RoundTrip(again)
			if err != nil {
				return
			}
			defer answer.Body.Close()
			w.Header().Set("X-Amzn-Errortype", answer.Header.Get("X-Amzn-Errortype"))
			w.WriteHeader(answer.StatusCode)
			_, _ = io.Copy(w, answer.Body)
		}, ErrNotRunning},
		"failure": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", "InternalErrorException:")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"__type":"InternalErrorException","message":"disk"}`)
		}, ErrUnwell},
		"not ready": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, "storage does not take writes\n")
				return
			}
			_, _ = io.WriteString(w, `{"UserPool":{"Id":"`+ready.UserPoolID+`"}}`)
		}, ErrUnwell},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", strings.TrimPrefix(ready.Endpoint, "http://"))
			if err != nil {
				t.Skipf("the address is taken: %v", err)
			}
			fake := httptest.NewUnstartedServer(test.handler)
			_ = fake.Listener.Close()
			fake.Listener = listener
			fake.Start()
			defer fake.Close()
			got, err := Status(context.Background(), o.Dir)
			if !errors.Is(err, test.want) || (got.UserPoolID != "") != (test.want == ErrUnwell) {
				t.Errorf("%+v, %v; want %v", got, err, test.want)
			}
		})
	}
}
