package signed

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey/e2e/internal/awscreds"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

func TestMain(m *testing.M) { local.Main(m) }

const region, service = "us-east-1", "execute-api"

// echo is what the API answers: who it saw, and what arrived.
type echo struct {
	Caller     sigv4auth.Caller
	Method     string
	Path       string
	Query      string
	Body       string
	TableNames []string // what the AWS CLI wants to read
}

// serve is an API that trusts the service's credentials.
func serve(t *testing.T, up local.Ready, changes ...func(*sigv4auth.Config)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(api(t, up, changes...))
	t.Cleanup(server.Close)
	return server
}

func api(t *testing.T, up local.Ready, changes ...func(*sigv4auth.Config)) http.Handler {
	t.Helper()
	key, err := sigv4auth.ReadKey(up.CredentialKeyFile())
	check(t, err)
	config := sigv4auth.Config{
		Keys: [][]byte{key}, Regions: []string{region}, Services: []string{service, "s3", "dynamodb"}, Pools: []string{up.IdentityPoolID},
	}
	for _, change := range changes {
		change(&config)
	}
	auth, err := sigv4auth.New(config)
	check(t, err)
	return auth.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := sigv4auth.FromContext(r.Context())
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(echo{caller, r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), []string{caller.IdentityID}})
	}))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// signIn gets credentials for the demo user.
func signIn(t *testing.T, up local.Ready) (aws.Credentials, string) {
	t.Helper()
	provider, err := awscreds.SignedIn(t.Context(), up)
	check(t, err)
	t.Cleanup(func() { check(t, provider.Close()) })
	credentials, err := provider.Retrieve(t.Context())
	check(t, err)
	identity, err := provider.IdentityID(t.Context())
	check(t, err)
	return credentials, identity
}

// send sends a signed request and reads the answer, which must have that status.
func send(t *testing.T, r *http.Request, status int) (echo, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	check(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(t, err)
	if response.StatusCode != status {
		t.Errorf("%s %s: status %s, want %d: %s", r.Method, r.URL.Redacted(), response.Status, status, body)
	}
	return read(t, body), response.Header.Get("X-Amzn-Errortype")
}

func read(t *testing.T, body []byte) (e echo) {
	t.Helper()
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("the API answers %s", body)
	}
	return e
}

// wantCaller demands that the API saw the signed-in identity.
func wantCaller(t *testing.T, e echo, up local.Ready, identity string) {
	t.Helper()
	c := e.Caller
	if c.IdentityID != identity || c.PoolID != up.IdentityPoolID || !c.Authenticated || c.Subject == "" ||
		c.RoleARN != "arn:aws:iam::000000000000:role/latchkey-authenticated" || !strings.HasSuffix(c.Provider, up.UserPoolID) {
		t.Errorf("the API saw %+v, want identity %s", c, identity)
	}
}

// run runs a program with credentials in its environment and nothing else of
// the user's.
func run(t *testing.T, c aws.Credentials, program string, arguments ...string) (string, error) {
	t.Helper()
	local.Need(t, program)
	command := exec.CommandContext(t.Context(), program, arguments...)
	folder := t.TempDir()
	command.Dir = folder
	command.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + folder, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken,
	}
	output, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", filepath.Base(program), err, output)
	}
	return string(output), err
}

// unique keeps two requests of one second apart, as programs have to that sign by
// themselves.
func unique() string { return rand.Text() }
