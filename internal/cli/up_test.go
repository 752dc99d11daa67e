package cli

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s, err := startService(p, "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	p.run(t, s.Password, "login", "demo", "--password-stdin")
	if status, page := get(t, s.MetricsEndpoint); status != http.StatusOK || !strings.Contains(page, `latchkey_answers_total{exception="",operation="InitiateAuth"} 1`) {
		t.Errorf("%d: the sign-in is not counted: %.400s", status, page)
	}
	if status, page := get(t, s.Endpoint+"/metrics"); status == http.StatusOK || strings.Contains(page, "latchkey_answers_total") {
		t.Errorf("%d: the public listener shows metrics", status)
	}
	if err := s.stop(os.Interrupt); err != nil {
		t.Error(err)
	}
}

// TestUpStops: both signals end the service in order, with one line on standard
// output and nothing to complain of.
func TestUpStops(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		s := newPlace(t).up(t)
		if err := s.stop(signal); err != nil {
			t.Errorf("%v: %v", signal, err)
		}
		if said := s.stderr.String(); said != "" {
			t.Errorf("%v: standard error holds %q", signal, said)
		}
	}
}

// TestUpLogs: at level debug or info the log goes to standard error and shows no secret.
func TestUpLogs(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s, err := startService(p, "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--log-level", "debug")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	p.run(t, "Wrong-Password-1", "login", "demo", "--password-stdin")
	p.run(t, s.Password, "login", "demo", "--password-stdin")
	secrets, err := p.secrets(s.scope())
	if err != nil || len(secrets) != 3 {
		t.Fatalf("the session holds %d tokens: %v", len(secrets), err)
	}
	if err := s.stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	for _, secret := range append(secrets, s.Password, s.SecretAccessKey, "Wrong-Password-1") {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("a secret of %d characters is in the log", len(secret))
		}
	}
}
