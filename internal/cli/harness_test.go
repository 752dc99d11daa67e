package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/latchkey-auth/latchkey/internal/localservice"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// TestMain lets the test binary be the command: as "latchkey" it runs Main, so
// that every test here runs a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"latchkey": func() {
			os.Exit(Main(os.Args, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
		"visitor": visitorMain,
	})
}

const patience = 30 * time.Second // for anything a process is waited for

// place is a user's machine: where sessions, configuration and data lie.
type place string

func newPlace(t *testing.T) place { return place(t.TempDir()) }

// noLinger keeps programs built with the race detector from waiting a second
// before they end.
const noLinger = "atexit_sleep_ms=0"

func (p place) env() []string {
	return append(os.Environ(), "LATCHKEY_HOME="+string(p), "XDG_CONFIG_HOME="+filepath.Join(string(p), "config"),
		"HOME="+string(p), "LATCHKEY_CONFIG=", "NO_COLOR=", "TERM=xterm-256color", "GORACE="+noLinger)
}

func (p place) command(args ...string) *exec.Cmd {
	cmd := exec.Command("latchkey", args...)
	cmd.Env = p.env()
	return cmd
}

// run runs the command to its end and returns what it wrote, which on standard
// error must not be secret.
func (p place) run(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := p.command(args...)
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	failed := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](failed); failed != nil && !ok || ok && exit.ExitCode() < 0 {
		t.Fatalf("latchkey %v: %v", args, failed)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// secrets are the tokens that the place's sessions hold.
func (p place) secrets(scope store.Scope) ([]string, error) {
	sessions, err := filestore.New(filepath.Join(string(p), "sessions"))
	if err != nil {
		return nil, err
	}
	accounts, err := sessions.List(context.Background(), scope)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, account := range accounts {
		record, err := sessions.Load(context.Background(), account)
		if err != nil || record.Tokens == nil {
			continue
		}
		for _, token := range []store.Secret{record.Tokens.Access, record.Tokens.ID, record.Tokens.Refresh} {
			if !token.IsZero() {
				all = append(all, token.Reveal())
			}
		}
	}
	return all, nil
}

// service is `latchkey up --json` in a process of its own.
type service struct {
	localservice.Ready
	place  place
	cmd    *exec.Cmd
	rest   chan []byte // what stdout held after the first line
	stderr syncBuffer
}

// startService waits until the service has told where it is.
func startService(p place, args ...string) (*service, error) {
	s := &service{place: p, rest: make(chan []byte, 1)}
	s.cmd = p.command(append([]string{"up", "--json"}, args...)...)
	s.cmd.Stderr = &s.stderr
	pipe, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	watchdog := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer watchdog.Stop()
	reader := bufio.NewReader(pipe)
	line, err := reader.ReadBytes('\n')
	if err == nil {
		err = wire.Unmarshal(line, &s.Ready)
	}
	if err != nil {
		_ = s.cmd.Process.Kill()
		return nil, errors.Join(fmt.Errorf("latchkey up did not start: %w: %s", err, s.stderr.String()), s.cmd.Wait())
	}
	go func() {
		more, _ := io.ReadAll(reader)
		s.rest <- more
	}()
	return s, nil
}

// up starts a service on free ports that ends with the test.
func (p place) up(t *testing.T) *service {
	t.Helper()
	s, err := startService(p, "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	return s
}

// again are the flags that bring a service back to where it was, so that the
// issuer of its tokens stays the same.
func (s *service) again() []string {
	return []string{"--listen", strings.TrimPrefix(s.Endpoint, "http://"), "--https-listen", strings.TrimPrefix(s.HTTPSEndpoint, "https://")}
}

// stop ends the service as Ctrl-C does and checks how it went.
func (s *service) stop(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil {
		return err
	}
	watchdog := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer watchdog.Stop()
	more := <-s.rest
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("latchkey up: %w: %s", err, s.stderr.String())
	}
	if len(more) > 0 {
		return fmt.Errorf("latchkey up wrote more than one line to standard output: %q", more)
	}
	return nil
}

// kill ends the service as a power cut does. Killing twice is no error.
func (s *service) kill() error {
	if s.cmd.ProcessState != nil {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-s.rest
	_ = s.cmd.Wait() // killed is what it says
	return nil
}

func (s *service) scope() store.Scope {
	return store.Scope{Service: origin.Of(s.Endpoint), PoolID: s.UserPoolID, ClientID: s.ClientID}
}

// call sends one operation of the user pool API; out may be nil.
func (s *service) call(operation string, in, out any, sign bool) error {
	body, err := wire.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, s.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	if sign {
		key := sigv4.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: secret.New(s.SecretAccessKey)}
		sigv4.Sign(request, body, key, s.Region, "cognito-idp", time.Now())
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return &refusal{operation, response.Header.Get("X-Amzn-ErrorType"), string(answer)}
	}
	if out == nil {
		return nil
	}
	return wire.Unmarshal(answer, out)
}

// refusal is an answer of the service other than success.
type refusal struct{ operation, exception, body string }

func (r *refusal) Error() string { return r.operation + ": " + r.exception + " " + r.body }

// addUser makes a user with a password, permanent or temporary.
func (s *service) addUser(name, password string, permanent bool) error {
	err := s.call("AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: s.UserPoolID, Username: name,
		TemporaryPassword: wire.Sensitive(password), MessageAction: wire.MessageActionSuppress,
	}, nil, true)
	if err == nil && permanent {
		err = s.call("AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: s.UserPoolID, Username: name, Password: wire.Sensitive(password), Permanent: true,
		}, nil, true)
	}
	return err
}

// syncBuffer is a buffer that is written by one goroutine and read by another.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// configWith writes the service's configuration with some texts replaced, given
// in pairs as for strings.NewReplacer.
func (s *service) configWith(t *testing.T, replace ...string) (path string) {
	t.Helper()
	data, err := os.ReadFile(s.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "amplify_outputs.json")
	text := strings.NewReplacer(replace...).Replace(string(data))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unmarshalLine reads what a command wrote with --json: one object on one line.
func unmarshalLine(line string, into any) error {
	text, ok := strings.CutSuffix(line, "\n")
	if !ok || strings.Contains(text, "\n") {
		return fmt.Errorf("%q is not one line", line)
	}
	return wire.Unmarshal([]byte(text), into)
}
