package cli

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/localservice"
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

// TestSessionPageIsThere: at the root of both addresses, and with a stream open the
// service stops at once.
func TestSessionPageIsThere(t *testing.T) {
	t.Parallel()
	s := newPlace(t).up(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	answer, err := client.Get(s.Endpoint + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := readPage(answer)
	if err != nil || !strings.Contains(page, "Nobody is signed in") || !strings.Contains(page, "Sign in as demo") || strings.Contains(page, s.Password) {
		t.Errorf("%v: %s", err, page)
	}
	stream, err := client.Get(s.Endpoint + "/session/events?layout=out")
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatal(err, stream)
	}
	defer stream.Body.Close()
	if _, err := stream.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the service took %v to stop", took)
	}
}

// TestPageAddress: the screen names the page only where a browser on this machine
// gets at it.
func TestPageAddress(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"http://127.0.0.1:9229": "http://127.0.0.1:9229/", "http://[::1]:9229": "http://[::1]:9229/", "http://192.168.1.7:9229": "", "http://%": "",
	} {
		if got := pageAddress(localservice.Ready{Endpoint: endpoint}); got != want {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
}

// TestScreen shows what `latchkey up` prints: no password that was changed, and
// addresses of the outbox and the session page only where they answer.
func TestScreen(t *testing.T) {
	t.Parallel()
	ready := localservice.Ready{Endpoint: "http://127.0.0.1:9229", Username: "demo", Password: "Demo-abcd-1234"}
	for name, test := range map[string]struct {
		change       func(*localservice.Ready)
		wants, never []string
	}{
		"first start": {func(*localservice.Ready) {}, []string{"Demo-abcd-1234", "http://127.0.0.1:9229/outbox", "Session page"}, []string{"insecure_http"}},
		"changed password": {func(r *localservice.Ready) { r.Password, r.PasswordChanged = "", true },
			[]string{"changed since the first start"}, []string{"Demo-abcd-1234"}},
		"outer address": {func(r *localservice.Ready) { r.Endpoint, r.InsecureHTTP = "http://192.168.1.7:9229", true },
			[]string{"messages are shown in the terminal of `latchkey up`", "unencrypted", "insecure_http"}, []string{"/outbox", "Session page"}},
	} {
		shown := ready
		test.change(&shown)
		var out strings.Builder
		c := &upCommand{app: &app{commandLine: &commandLine{program: "latchkey"}, console: console{out: ui.NewOutput(&out), err: ui.NewOutput(&out)}}}
		c.announce(shown, "/data")
		for _, want := range test.wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the screen lacks %q:\n%s", name, want, out.String())
			}
		}
		for _, never := range test.never {
			if strings.Contains(out.String(), never) {
				t.Errorf("%s: the screen has %q", name, never)
			}
		}
	}
}

// TestLocalListener covers where the outbox can be read; elsewhere the messages go
// to the terminal even with --json.
func TestLocalListener(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:9229": true, "localhost:0": true, "[::1]:1": true, "0.0.0.0:9229": true, ":9229": true, "[::]:1": true,
		"192.168.1.7:9229": false, "[2001:db8::1]:1": false, "example.com:1": false,
	} {
		if got := localListener(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
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
	if _, errs, code := p.run(t, s.Password, "login", "demo", "--password-stdin"); code != exitDone {
		t.Fatalf("login exits with %d: %s", code, errs)
	}
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
