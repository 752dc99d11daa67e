package torture

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

const refreshOperation = "GetTokensFromRefreshToken"

// service is a running `latchkey up`, over SQLite, in a process of its own.
type service struct {
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	UserPoolID      string `json:"user_pool_id"`
	Username        string `json:"username"`
	Password        string `json:"password"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// startService starts the service for one test.
func startService(t *testing.T) *service {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(command, "up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0", "--data", dir+"/data")
	cmd.Env = append(os.Environ(), "LATCHKEY_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	said := new(strings.Builder)
	cmd.Stderr = said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopService(t, cmd, said) })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	s := new(service)
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		t.Fatalf("latchkey up: %v", err)
	}
	return s
}

// stopService asks the service to end, and ends it after fifteen seconds.
func stopService(t *testing.T, cmd *exec.Cmd, said *strings.Builder) {
	late := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Process.Signal(syscall.SIGTERM) // Wait tells
	if err := cmd.Wait(); err != nil {
		t.Errorf("latchkey up: %v: %s", err, said)
	}
}

// rotating makes an app client whose refresh tokens rotate, with a grace period
// of whole seconds, and returns its id.
func (s *service) rotating(t *testing.T, grace time.Duration) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"UserPoolId": s.UserPoolID, "ClientName": "rotating",
		"ExplicitAuthFlows":    []string{"ALLOW_USER_SRP_AUTH"},
		"RefreshTokenRotation": map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": int(grace.Seconds())},
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.CreateUserPoolClient")
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, request, hex.EncodeToString(sum[:]), "cognito-idp", s.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct{ UserPoolClient struct{ ClientId string } }
	data, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(data, &made)
	}
	if err != nil || made.UserPoolClient.ClientId == "" {
		t.Fatalf("CreateUserPoolClient: %s %s %v", response.Status, data, err)
	}
	return made.UserPoolClient.ClientId
}

// place is a folder with a stored session, and the way to its service.
type place struct {
	dir    string
	config latchkey.Config
	files  *filestore.Store
	user   store.Account
}

// signIn signs the demo user in and stores the session in a new folder.
// endpoint is the service itself or something that stands before it.
func (s *service) signIn(t *testing.T, client, endpoint string) *place {
	t.Helper()
	p := &place{dir: t.TempDir() + "/sessions"}
	var err error
	if p.files, err = filestore.New(p.dir); err != nil {
		t.Fatal(err)
	}
	p.config = latchkey.Config{UserPoolID: s.UserPoolID, ClientID: client, UserPoolEndpoint: endpoint, Store: p.files}
	p.user = store.Account{Scope: store.Scope{Service: origin.Of(endpoint), PoolID: s.UserPoolID, ClientID: client}, Username: s.Username}
	begin(t, p.config, s.Username, s.Password)
	return p
}

// begin signs a user in with a client that is closed again.
func begin(t *testing.T, config latchkey.Config, username, password string) {
	t.Helper()
	c, err := latchkey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	step, err := c.SignIn(t.Context(), latchkey.Password(username, password))
	if err != nil || !step.Done() {
		t.Fatalf("sign-in: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// command is the refresher at this place.
func (p *place) command(ctx context.Context, before []string, flags ...string) *exec.Cmd {
	args := append(before, refresher, "-endpoint", p.config.UserPoolEndpoint,
		"-pool", p.config.UserPoolID, "-client", p.config.ClientID, "-dir", p.dir)
	args = append(args, flags...)
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// report is what the refresher prints.
type report struct {
	SignedIn bool   `json:"signed_in"`
	Token    string `json:"token"`
	Error    string `json:"error"`
}

// restart starts the refresher and lets it finish.
func (p *place) restart(t *testing.T) report {
	t.Helper()
	out, err := p.command(t.Context(), nil).Output()
	var found report
	if err == nil {
		_, line, _ := bytes.Cut(out, []byte("\n"))
		err = json.Unmarshal(line, &found)
	}
	if err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		t.Fatalf("refresher: %v", err)
	}
	return found
}

// age makes a stored session as old as d: all its times move into the past.
//
// The exp claim of a token is signed and cannot be moved, and Cognito's tokens
// live for five minutes at the least. What a client reckons with is exp minus
// the drift between the clocks, so the drift is what ages a token here. Every
// process that reads the record after that finds tokens that expired long ago,
// which is what a machine finds that wakes up.
func age(t *testing.T, s store.Store, account store.Account, d time.Duration) {
	t.Helper()
	record, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if record.Tokens == nil {
		t.Fatalf("the session is over: %+v", record.Ended)
	}
	previous := record.Generation
	record.Generation++
	record.Drift += d
	record.Tokens.ReceivedAt = record.Tokens.ReceivedAt.Add(-d)
	record.SavedAt = record.SavedAt.Add(-d)
	if err := s.Save(t.Context(), record, previous); err != nil {
		t.Fatal(err)
	}
}
