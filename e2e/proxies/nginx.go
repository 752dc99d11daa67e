// Package proxies tests the service behind reverse proxies.
package proxies

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// nginx is Debian's package nginx-light.
const nginx = "/usr/sbin/nginx"

// configuration keeps every file of nginx in one folder, and all its log on
// standard error.
const configuration = `daemon off;
master_process on;
worker_processes 1;
worker_rlimit_nofile 8192;
pid nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %s backlog=2048;
		location / {
			proxy_pass %s;
			%s
		}
	}
}
`

// startNginx runs nginx in front of upstream until the test ends, with further
// directives for the location, and returns its URL.
func startNginx(t *testing.T, upstream, directives string) string {
	t.Helper()
	local.Need(t, nginx)
	address := local.FixedAddress(t)
	dir := t.TempDir()
	if os.Geteuid() == 0 { // its workers run as another user
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, configuration, address, upstream, directives), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(nginx, "-p", dir, "-c", path)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	awaitListener(t, address)
	return "http://" + address
}

// awaitListener waits until something accepts connections at address.
func awaitListener(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("nothing listens at %s", address)
}

// newClient returns a client that shares its connection with no other client.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 5 * time.Minute}
}
