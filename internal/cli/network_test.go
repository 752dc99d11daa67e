package cli

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// networkAddress is an address of this machine that other machines can reach.
func networkAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String()
		}
	}
	t.Skip("this machine has only loopback addresses")
	return ""
}

// TestCommandOverNetwork: a command on another machine uses a service on a network
// address by the configuration that `latchkey up` wrote, and refuses it without the
// permission in that file.
func TestCommandOverNetwork(t *testing.T) {
	t.Parallel()
	address := networkAddress(t)
	s, err := startService(newPlace(t), "--listen", net.JoinHostPort(address, "0"), "--https-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	text, err := os.ReadFile(s.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	other := newPlace(t)
	file := filepath.Join(string(other), "copy.json")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	for _, command := range []string{"login demo --password-stdin", "whoami", "verify", "session --refresh", "credentials"} {
		out, said, code := other.run(t, s.Password, append(strings.Fields(command), "--config", file)...)
		if code != exitDone {
			t.Errorf("%s: exit %d\n%s%s", command, code, out, said)
		}
	}
	token, _, _ := other.run(t, "", "token", "--config", file)

	const permission = `"insecure_http":true`
	if !bytes.Contains(text, []byte(permission)) {
		t.Fatalf("the configuration lacks %s: %s", permission, text)
	}
	write(bytes.Replace(text, []byte(permission), []byte(`"insecure_http":false`), 1))
	for command, member := range map[string]string{
		"whoami": "latchkey.user_pool_endpoint", "login demo --password-stdin": "latchkey.user_pool_endpoint", "verify -": "latchkey.issuer",
	} {
		stdin := s.Password
		if command == "verify -" {
			stdin = token
		}
		_, said, code := other.run(t, stdin, append(strings.Fields(command), "--config", file)...)
		if code != exitUsage || !strings.Contains(said, member) || !strings.Contains(said, address) || !strings.Contains(said, "hint: use https, or set latchkey.insecure_http") {
			t.Errorf("%s without the permission: exit %d, %s", command, code, said)
		}
	}
	if _, said, code := s.place.run(t, "", "pool", "rotate-keys", "--data", filepath.Join(string(s.place), "up")); code != exitDone {
		t.Errorf("rotate-keys: exit %d, %s", code, said)
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.stderr.String(), "insecure_http") {
		t.Errorf("up shows no warning: %s", s.stderr.String())
	}
}

// TestUpPermitsInsecureHTTP: only a service that listens beyond loopback writes the
// permission.
func TestUpPermitsInsecureHTTP(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		s, err := startService(newPlace(t), "--listen", listen, "--https-listen", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.kill() })
		text, err := os.ReadFile(s.ConfigFile)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(text, []byte(`"insecure_http":true`)); got != want || bytes.Contains(text, []byte("insecure_http")) != want {
			t.Errorf("--listen %s: %s", listen, text)
		}
		if err := s.stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(s.stderr.String(), "warning:"); got != want {
			t.Errorf("--listen %s shows %q", listen, s.stderr.String())
		}
	}
}

// TestCommandKeepsLoopback: a service under a name below localhost is called directly,
// without the environment's proxy.
func TestCommandKeepsLoopback(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	text, err := os.ReadFile(s.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(string(p), "named.json")
	named := strings.Replace(s.Endpoint, "127.0.0.1", "pool.localhost", 1)
	text = bytes.ReplaceAll(text, []byte(`endpoint":"`+s.Endpoint), []byte(`endpoint":"`+named))
	if !bytes.Contains(text, []byte(named)) {
		t.Fatalf("the configuration is %s", text)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := p.command("login", "demo", "--password-stdin", "--config", file)
	cmd.Env = append(cmd.Env, "HTTP_PROXY=http://127.0.0.1:1", "NO_PROXY=")
	cmd.Stdin = strings.NewReader(s.Password)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
