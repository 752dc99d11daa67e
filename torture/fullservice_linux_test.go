package torture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	fullServiceRole = "full service"
	serviceDiskSize = "16m"
)

func init() { roles[fullServiceRole] = playFullService }

// fullServiceTask is the part's standard input.
type fullServiceTask struct{ Command, Dir string }

// fullServiceReport holds the statuses of the probes that the part made, in turn:
// with space, without, and with space again.
type fullServiceReport struct{ Ready, Health [3]int }

// TestServiceOnFullDisk fills the disk of a running service, 16 MiB in memory: it
// is not ready while no byte is left, although it lives and reads, and is ready
// again without a restart once space is freed.
func TestServiceOnFullDisk(t *testing.T) {
	const done = "the service's disk of 16 MiB fills up, and is freed again"
	r := inNamespace[fullServiceReport](t, fullServiceRole, done, fullServiceTask{Command: command, Dir: t.TempDir()})
	if want := (fullServiceReport{Ready: [3]int{200, 503, 200}, Health: [3]int{200, 200, 200}}); r != want {
		t.Errorf("statuses %+v, want %+v", r, want)
	}
	figure(t, done, "/readyz answers 200, 503 and 200, /healthz 200 throughout", "no figures are published")
}

// playFullService is the part: mount, start, fill, probe, free, probe.
func playFullService() error {
	var task fullServiceTask
	if err := json.NewDecoder(os.Stdin).Decode(&task); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", task.Dir, "tmpfs", 0, "size="+serviceDiskSize); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	cmd := exec.Command(task.Command, "up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--data", filepath.Join(task.Dir, "data"))
	cmd.Env = append(os.Environ(), "LATCHKEY_HOME="+task.Dir, "XDG_CONFIG_HOME="+task.Dir)
	said := new(strings.Builder)
	cmd.Stderr = said
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	s := new(fullService)
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	var found fullServiceReport
	if err == nil {
		found, err = probeFullService(s, filepath.Join(task.Dir, "full"))
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func probeFullService(s *fullService, full string) (found fullServiceReport, err error) {
	d := &disk{full: full}
	if err := errors.Join(s.signIn(), s.await(&found, 0, http.StatusOK)); err != nil {
		return found, err
	}
	if err := d.fill(); err != nil {
		return found, err
	}
	for err == nil { // the write-ahead log has some room left
		if err = s.write(); s.writes == 10_000 {
			return found, errors.New("writes do not fail on a full disk")
		}
	}
	if !strings.Contains(err.Error(), "InternalErrorException") {
		return found, err
	}
	if err := s.await(&found, 1, http.StatusServiceUnavailable); err != nil {
		return found, err
	}
	if err := os.Remove(full); err != nil {
		return found, err
	}
	err = s.await(&found, 2, http.StatusOK)
	return found, errors.Join(err, s.write())
}

// fullService is the running service and its demo user.
type fullService struct {
	Endpoint string `json:"endpoint"`
	ClientID string `json:"client_id"`
	Username string `json:"username"`
	Password string `json:"password"`

	token  string
	writes int
}

// await asks whether the service is ready until it answers as wanted, for up to
// half a minute, and then whether it lives.
func (s *fullService) await(found *fullServiceReport, i, want int) (err error) {
	for end := time.Now().Add(30 * time.Second); found.Ready[i] != want && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if found.Ready[i], err = status(http.Get(s.Endpoint + "/readyz")); err != nil {
			return err
		}
	}
	found.Health[i], err = status(http.Get(s.Endpoint + "/healthz"))
	return err
}

// signIn gets an access token.
func (s *fullService) signIn() error {
	var out struct{ AuthenticationResult struct{ AccessToken string } }
	err := s.operate("InitiateAuth", map[string]any{
		"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": s.ClientID,
		"AuthParameters": map[string]string{"USERNAME": s.Username, "PASSWORD": s.Password},
	}, &out)
	s.token = out.AuthenticationResult.AccessToken
	return err
}

// write changes 16 KiB of the user's attributes.
func (s *fullService) write() error {
	s.writes++
	attributes := []map[string]string{}
	for _, name := range []string{"name", "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website"} {
		attributes = append(attributes, map[string]string{"Name": name, "Value": fmt.Sprintf("%02000d", s.writes)})
	}
	return s.operate("UpdateUserAttributes", map[string]any{"AccessToken": s.token, "UserAttributes": attributes}, nil)
}

func (s *fullService) operate(operation string, request map[string]any, out any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.300s", operation, answer.StatusCode, data)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(data, out)
	}
	return err
}

func status(answer *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}
