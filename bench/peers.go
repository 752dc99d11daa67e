package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/latchkey-auth/latchkey/internal/localservice"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// process is a server that this program started.
type process struct {
	command *exec.Cmd
	url     string
	started time.Time
	first   time.Duration // from start to first answer
}

// cpu is what the process has used so far.
func (p *process) cpu() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100
}

// memory is the process's share of memory (PSS), in bytes.
func (p *process) memory() int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kilobytes, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kilobytes << 10
		}
	}
	return 0
}

func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		_ = p.command.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		_ = p.command.Process.Kill()
		<-done
	}
}

// workshop holds what the process benchmarks share: built programs and folders.
type workshop struct{ dir string }

func newWorkshop() (*workshop, error) {
	dir, err := os.MkdirTemp("", "latchkey-bench")
	return &workshop{dir}, err
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) }

// build compiles a program the way releases are built and installs it as a copy, as
// packages and archives do. The linker writes its output page by page, and Linux maps
// such a file from its page cache in smaller pieces than one that was copied or read from
// disk: every program starts more slowly (measured: hello by 0.13, latchkey by 0.16).
func (w *workshop) build(name, folder, pkg string) (string, error) {
	linked, installed := filepath.Join(w.dir, "linked", name), filepath.Join(w.dir, "bin", name)
	command := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", linked, pkg)
	command.Dir = folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return installed, install(linked, installed)
}

// install copies a program.
func install(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, program, 0o700)
}

// environment keeps the programs away from the user's own files.
func (w *workshop) environment(extra ...string) []string {
	return append(append(os.Environ(), "HOME="+w.dir, "XDG_CONFIG_HOME="+w.dir, "LATCHKEY_HOME="+w.dir), extra...)
}

// startLatchkey runs `latchkey up` and waits for its line.
func (w *workshop) startLatchkey(binary string) (*process, localservice.Ready, error) {
	var ready localservice.Ready
	command := exec.Command(binary, "up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--data", filepath.Join(w.dir, "up"))
	command.Env = w.environment("GOMAXPROCS=1")
	command.Stderr = os.Stderr
	p, line, err := startAndRead(command)
	if err != nil {
		return p, ready, err
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		return p, ready, err
	}
	p.url = ready.Endpoint
	return p, ready, p.awaitAnswer()
}

// startAndRead starts a server and reads its first line.
func startAndRead(command *exec.Cmd) (*process, string, error) {
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p := &process{command: command, started: time.Now()}
	if err := command.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return p, strings.TrimSpace(line), err
}

// awaitAnswer polls until the server answers anything over HTTP.
func (p *process) awaitAnswer() error {
	for time.Since(p.started) < 30*time.Second {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/healthz", nil)
		if err != nil {
			cancel()
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		cancel()
		if err == nil {
			p.first = time.Since(p.started)
			return answer.Body.Close()
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("the server does not answer")
}

// startCognitoLocal runs the peer from npm on a free port.
func (w *workshop) startCognitoLocal() (*process, error) {
	start, err := filepath.Abs("cognitolocal/node_modules/cognito-local/lib/bin/start.js")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return nil, err
	}
	command := exec.Command("node", start)
	command.Dir = w.dir
	command.Env = w.environment("HOST=127.0.0.1", fmt.Sprint("PORT=", port), "NODE_ENV=production")
	p := &process{command: command, url: fmt.Sprint("http://127.0.0.1:", port), started: time.Now()}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return p, p.awaitAnswer()
}

// startTargets starts everything that the loopback section loads.
func startTargets() (targets []*target, stop func(), err error) {
	w, err := newWorkshop()
	if err != nil {
		return nil, func() {}, err
	}
	stop = func() {
		for _, t := range targets {
			t.peer.stop()
		}
		w.close()
	}
	add := func(t *target, err error) error {
		if t != nil && t.peer != nil {
			targets = append(targets, t)
		}
		return err
	}
	for _, start := range []func() (*target, error){w.latchkeyTarget, w.cognitoLocalTarget, w.emptyTarget} {
		if err := add(start()); err != nil {
			return targets, stop, err
		}
	}
	return targets, stop, nil
}

func (w *workshop) latchkeyTarget() (*target, error) {
	binary, err := w.build("latchkey", "..", "./cmd/latchkey")
	if err != nil {
		return nil, err
	}
	p, ready, err := w.startLatchkey(binary)
	if err != nil {
		return &target{peer: p}, err
	}
	t := &target{name: "latchkey", peer: p}
	t.calls, err = callsFor(p.url, ready.ClientID, ready.Username, ready.Password)
	return t, err
}

func (w *workshop) emptyTarget() (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, "-empty-handler")
	command.Env = w.environment("GOMAXPROCS=1")
	if _, err := command.StdinPipe(); err != nil { // closed when we end
		return nil, err
	}
	p, url, err := startAndRead(command)
	if err != nil {
		return nil, err
	}
	p.url = url
	body := []byte(`{"AccessToken":"` + strings.Repeat("a", 1100) + `"}`)
	return &target{name: "empty", peer: p, calls: map[string]step{"empty handler": call{"GetUser", body}.post}}, p.awaitAnswer()
}

// cognitoLocalTarget provisions the peer as its documentation says.
func (w *workshop) cognitoLocalTarget() (*target, error) {
	p, err := w.startCognitoLocal()
	if err != nil {
		return &target{peer: p}, err
	}
	t := &target{name: "cognito-local", peer: p}
	var pool struct{ UserPool struct{ Id string } }
	if err := ask(p.url, "CreateUserPool", map[string]any{"PoolName": "bench"}, &pool); err != nil {
		return t, err
	}
	var client struct{ UserPoolClient struct{ ClientId string } }
	err = ask(p.url, "CreateUserPoolClient", map[string]any{"UserPoolId": pool.UserPool.Id, "ClientName": "bench",
		"ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}}, &client)
	if err != nil {
		return t, err
	}
	const user = "demo@example.com"
	err = ask(p.url, "AdminCreateUser", map[string]any{"UserPoolId": pool.UserPool.Id, "Username": user, "MessageAction": "SUPPRESS",
		"DesiredDeliveryMediums": []string{"EMAIL"},
		"UserAttributes":         []map[string]string{{"Name": "email", "Value": user}}}, &struct{}{})
	if err != nil {
		return t, err
	}
	err = ask(p.url, "AdminSetUserPassword", map[string]any{"UserPoolId": pool.UserPool.Id, "Username": user,
		"Password": srpPassword, "Permanent": true}, &struct{}{})
	if err != nil {
		return t, err
	}
	t.calls, err = callsFor(p.url, client.UserPoolClient.ClientId, user, srpPassword)
	return t, err
}

// callsFor signs in and makes the calls that the load repeats. Refreshing goes
// through REFRESH_TOKEN_AUTH, which is all that the peer has.
func callsFor(url, client, username, password string) (map[string]step, error) {
	signIn := map[string]any{"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client,
		"AuthParameters": map[string]string{"USERNAME": username, "PASSWORD": password}}
	var in struct {
		AuthenticationResult struct{ AccessToken, RefreshToken string }
	}
	if err := ask(url, "InitiateAuth", signIn, &in); err != nil {
		return nil, err
	}
	calls := map[string]step{}
	for name, request := range map[string]struct {
		operation string
		body      map[string]any
	}{
		"password sign-in": {"InitiateAuth", signIn},
		"refresh": {"InitiateAuth", map[string]any{"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": client,
			"AuthParameters": map[string]string{"REFRESH_TOKEN": in.AuthenticationResult.RefreshToken}}},
		"GetUser": {"GetUser", map[string]any{"AccessToken": in.AuthenticationResult.AccessToken}},
	} {
		body, err := wire.Marshal(request.body)
		if err != nil {
			return nil, err
		}
		calls[name] = call{request.operation, body}.post
	}
	return calls, nil
}
