package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/store/filestore"
)

// upOn starts a service on a data folder that ends with the test.
func (p place) upOn(t *testing.T, data string, flags ...string) *service {
	t.Helper()
	if len(flags) == 0 {
		flags = []string{"--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0"}
	}
	s, err := startService(p, append(flags, "--data", data)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	return s
}

// must runs the command and returns what it wrote to standard output.
func (p place) must(t *testing.T, stdin string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, code := p.run(t, stdin, args...)
	if code != want {
		t.Fatalf("latchkey %v: exit code %d, want %d: %s", args, code, want, stderr)
	}
	return stdout, stderr
}

// copyOf copies a data folder with the ids and keys of its service.
func (p place) copyOf(t *testing.T, data string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(folder, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestServicesWithEqualIDs runs two services with the same ids and different data folders.
// Each has its own session, also after both moved, and the error at one names the other.
func TestServicesWithEqualIDs(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	data := filepath.Join(string(p), "up")
	first := p.upOn(t, data)
	if err := first.addUser("second", "Second-Pass-1", true); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	other := p.copyOf(t, data)
	first, second := p.upOn(t, data), p.upOn(t, other)
	if first.UserPoolID != second.UserPoolID || first.ClientID != second.ClientID || first.Endpoint == second.Endpoint {
		t.Fatalf("ids and addresses: %s %s, %s %s", first.UserPoolID, first.Endpoint, second.UserPoolID, second.Endpoint)
	}
	p.must(t, first.Password, 0, "login", "demo", "--password-stdin", "--config", first.ConfigFile)
	check := func() {
		t.Helper()
		_, hint := p.must(t, "", 3, "token", "--config", second.ConfigFile)
		if !strings.Contains(hint, "which is another service\nhint: use the configuration of that service: --config "+shellQuote(first.ConfigFile)+"\nhint: sign in with ") {
			t.Errorf("the error does not lead to the other service:\n%s", hint)
		}
	}
	check()
	p.must(t, "", 3, "session", "--refresh", "--config", second.ConfigFile)
	p.must(t, "", 0, "logout", "--config", second.ConfigFile)
	p.must(t, "", 0, "session", "--refresh", "--config", first.ConfigFile)
	check()

	p.must(t, "Second-Pass-1", 0, "login", "second", "--password-stdin", "--config", second.ConfigFile)
	for range 2 {
		for config, name := range map[string]string{first.ConfigFile: "demo", second.ConfigFile: "second"} {
			p.must(t, "", 0, "session", "--refresh", "--config", config)
			if user, _ := p.must(t, "", 0, "whoami", "--json", "--config", config); !strings.Contains(user, `"username":"`+name+`"`) {
				t.Errorf("at %s the user is %s, want %s", config, user, name)
			}
		}
		// Once more on other ports.
		for _, s := range []*service{first, second} {
			if err := s.stop(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		first, second = p.upOn(t, data), p.upOn(t, other)
	}
}

// listener is a service that answers nothing and remembers what it was sent.
type listener struct {
	mu    sync.Mutex
	sent  strings.Builder
	calls int
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	_ = r.Header.Write(&l.sent)
	l.sent.WriteString(r.URL.String())
	l.sent.Write(body)
	w.WriteHeader(http.StatusBadRequest)
}

// heard fails if the listener was sent a secret.
func (l *listener) heard(t *testing.T, secrets []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, secret := range secrets {
		if strings.Contains(l.sent.String(), secret) {
			t.Errorf("a secret of %d characters was sent to another program", len(secret))
		}
	}
}

// stored are the tokens of all sessions of a place.
func (p place) stored(t *testing.T, s *service) []string {
	t.Helper()
	sessions, err := filestore.New(filepath.Join(string(p), "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	services, err := sessions.Services(context.Background(), s.UserPoolID, s.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, service := range services {
		scope := s.scope()
		scope.Service = service
		held, err := p.secrets(scope)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, held...)
	}
	if len(all) == 0 {
		t.Fatal("no session is stored")
	}
	return all
}

// TestSecretsStayWithTheService tries configurations that are not the service's own: of
// another program that took over a former address, and edited by hand. None gets the
// session, and nothing of it is sent.
func TestSecretsStayWithTheService(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	data := filepath.Join(string(p), "up")
	s := p.upOn(t, data)
	before := s.Endpoint
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin", "--config", s.ConfigFile)
	old := s.configWith(t)
	if err := s.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s = p.upOn(t, data)
	p.must(t, "", 0, "session", "--refresh", "--config", s.ConfigFile) // the session is at the new address now
	if err := s.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	moved := s.Endpoint
	s = p.upOn(t, data) // and at a former one, which the service finds
	secrets := p.stored(t, s)

	var thief listener
	foreign := httptest.NewServer(&thief)
	t.Cleanup(foreign.Close)
	taken := httptest.NewUnstartedServer(&thief)
	_ = taken.Listener.Close()
	var err error
	if taken.Listener, err = net.Listen("tcp", strings.TrimPrefix(before, "http://")); err != nil {
		t.Skipf("the former address is taken: %v", err)
	}
	taken.Start()
	t.Cleanup(taken.Close)
	identity := `"identity_pool_endpoint":"`
	for name, config := range map[string]string{
		"a former address, the old file": old,
		"another endpoint":               s.configWith(t, s.Endpoint, foreign.URL),
		"another user pool endpoint":     s.configWith(t, `"user_pool_endpoint":"`+s.Endpoint, `"user_pool_endpoint":"`+foreign.URL),
		"another identity pool endpoint": s.configWith(t, identity+s.Endpoint, identity+foreign.URL),
		"former endpoints in the file":   s.configWith(t, s.Endpoint, foreign.URL, `"made_by"`, `"former_endpoints":["`+moved+`"],"FormerEndpoints":["`+moved+`"],"made_by"`),
	} {
		for _, command := range [][]string{{"token"}, {"session", "--refresh"}, {"credentials"}} {
			stdout, stderr := p.must(t, "", 3, append(command, "--config", config)...)
			if command[0] != "session" && stdout != "" || !strings.Contains(stderr, "signed out") {
				t.Errorf("%s: %v prints %q, %s", name, command, stdout, stderr)
			}
		}
		p.must(t, "", 0, "logout", "--config", config)
		thief.heard(t, secrets)
	}
	p.must(t, "", 0, "session", "--refresh", "--config", s.ConfigFile)
	p.must(t, "", 0, "credentials", "--config", s.ConfigFile)
}

// TestHomesAreSeparate checks that a service that runs with another home is not known.
func TestHomesAreSeparate(t *testing.T) {
	t.Parallel()
	p, other := newPlace(t), newPlace(t)
	data := filepath.Join(string(p), "up")
	s := p.upOn(t, data)
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin", "--config", s.ConfigFile)
	if err := s.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s = other.upOn(t, data)
	p.must(t, "", 3, "whoami", "--config", s.ConfigFile)
	if err := s.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s = p.upOn(t, data)
	p.must(t, "", 0, "whoami", "--config", s.ConfigFile)
	p.must(t, "", 0, "credentials", "--home", string(p), "--config", s.ConfigFile)
	p.must(t, "", 3, "credentials", "--home", string(other), "--config", s.ConfigFile)
}
