package cli

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// TestCaptivePortal stands a captive portal in the place of the service, which answers
// every call with status 200 and a page, or with nothing: that is exit code 4, ends no
// session and counts as no revocation.
func TestCaptivePortal(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{"a page": "<html>Sign in to the Wi-Fi</html>", "an empty page": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPortal(t, page)
		})
	}
}

func checkPortal(t *testing.T, page string) {
	home := newPlace(t)
	s, err := startService(home, "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	run := func(want int, stdin, command string) string {
		t.Helper()
		out, said, code := home.run(t, stdin, strings.Fields(command)...)
		if code != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", command, code, want, out, said)
		}
		return out + said
	}
	run(exitDone, s.Password, "login demo --password-stdin")
	run(exitDone, "", "session --refresh")
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	closePortal := portal(t, s.Endpoint, page)
	run(exitNetwork, "", "session --refresh")
	run(exitNetwork, s.Password, "login demo --password-stdin")
	run(exitDone, "", "token")
	run(exitDone, "", "whoami")
	if said := run(exitNetwork, "", "logout"); !strings.Contains(said, "not revoked yet") {
		t.Errorf("logout: %s", said)
	}
	run(exitSignedOut, "", "whoami")
	closePortal()

	again, err := startService(home, s.again()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.kill() })
	run(exitDone, again.Password, "login demo --password-stdin")
	if said := run(exitDone, "", "logout --json"); !strings.Contains(said, `"revoked":true`) {
		t.Errorf("logout: %s", said)
	}
	if err := again.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// portal answers at the address of an endpoint until it is closed.
func portal(t *testing.T, endpoint, page string) (end func()) {
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}
