package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bounds for a service that hangs: a busy machine needs a tenth of them.
const (
	startTime = 2 * time.Minute // from exec to the line of JSON
	stopTime  = time.Minute     // from SIGTERM to the end of the process
)

// Ready is the line of `latchkey up --json`, member by member.
type Ready struct {
	Endpoint        string `json:"endpoint"`
	HTTPSEndpoint   string `json:"https_endpoint"`
	CAFile          string `json:"ca_file"`
	Region          string `json:"region"`
	UserPoolID      string `json:"user_pool_id"`
	ClientID        string `json:"client_id"`
	IdentityPoolID  string `json:"identity_pool_id"`
	Username        string `json:"username"`
	Password        string `json:"password"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	ConfigFile      string `json:"config_file"`
}

// CredentialKeyFile is the key with which APIs verify credentials; it lies in the
// data folder.
func (r Ready) CredentialKeyFile() string {
	return filepath.Join(filepath.Dir(r.ConfigFile), "credentials.key")
}

// Process is a `latchkey up` that runs.
type Process struct {
	Ready  Ready
	Dir    string // its data folder
	Stderr string // the file that its standard error goes to

	command *exec.Cmd
	stdout  *bufio.Reader
}

var (
	shared *Process // what Main started
	home   string   // the temporary folder around everything
	binary string
)

// Main runs a package's tests around one `latchkey up`. It ends the process
// with code 1 if the service does not start, writes more than its line to
// standard output, or does not end in order on SIGTERM. Each of after is asked,
// while the service still runs, whether tests that passed were enough.
func Main(m *testing.M, after ...func() error) { os.Exit(run(m, after)) }

func run(m *testing.M, after []func() error) (code int) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	var err error
	if home, err = os.MkdirTemp("", "latchkey-e2e-"); err != nil {
		fail(err)
		return code
	}
	defer os.RemoveAll(home)
	if binary, err = build(home); err != nil {
		fail(err)
		return code
	}
	if shared, err = Start(filepath.Join(home, "data")); err != nil {
		fail(err)
		return code
	}
	defer func() {
		if err := shared.Stop(); err != nil {
			fail(err)
		}
	}()
	if code = m.Run(); code != 0 {
		return code
	}
	for _, enough := range after {
		if err := enough(); err != nil {
			fail(err)
		}
	}
	return code
}

// Up describes the service that Main started.
func Up() Ready { return shared.Ready }

// Command is the path of the latchkey command.
func Command() string { return binary }

func build(dir string) (string, error) {
	if ready := os.Getenv("LATCHKEY_COMMAND"); ready != "" {
		return ready, nil
	}
	target := filepath.Join(dir, "latchkey")
	command := exec.Command("go", "build", "-o", target, "./cmd/latchkey")
	command.Dir = filepath.Join("..", "..") // tests run in their package's folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/latchkey: %w\n%s", err, out)
	}
	return target, nil
}

// Environment is the environment for the command: nothing of the user's own
// configuration or sessions is read or written.
func Environment(dir string) []string {
	kept := []string{}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LATCHKEY_") && !strings.HasPrefix(pair, "XDG_") {
			kept = append(kept, pair)
		}
	}
	return append(kept, "LATCHKEY_HOME="+filepath.Join(dir, "home"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
}

// Start runs `latchkey up` on a data folder, with more flags, and waits until it
// accepts connections.
func Start(dir string, flags ...string) (*Process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Clean(dir) + ".stderr")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Process{Dir: dir, Stderr: log.Name()}
	p.command = exec.Command(binary, append([]string{"up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--data", dir}, flags...)...)
	p.command.Env = Environment(filepath.Dir(dir))
	p.command.Stderr = log
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.await(); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// await reads the line of JSON.
func (p *Process) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		line, err := p.stdout.ReadBytes('\n')
		if err == nil {
			decoder := json.NewDecoder(strings.NewReader(string(line)))
			decoder.DisallowUnknownFields()
			err = decoder.Decode(&p.Ready)
		}
		result <- err
	}()
	select {
	case err := <-result:
		if err != nil {
			said, _ := os.ReadFile(p.Stderr)
			return fmt.Errorf("no line of JSON: %w\n%s", err, said)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no line of JSON within %v", startTime)
	}
}

// Stop ends the service with SIGTERM and waits. It is an error if the service
// has written more than its line, or ends with a code other than 0.
func (p *Process) Stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, p.kill())
	}
	late := time.AfterFunc(stopTime, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	rest, err := io.ReadAll(p.stdout)
	if err != nil {
		return errors.Join(err, p.kill())
	}
	if err := p.command.Wait(); err != nil {
		said, _ := os.ReadFile(p.Stderr)
		return fmt.Errorf("end after SIGTERM: %w\n%s", err, said)
	}
	if len(rest) > 0 {
		return fmt.Errorf("standard output has more than one line: %q", rest)
	}
	return nil
}

func (p *Process) kill() error {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
	return nil
}
