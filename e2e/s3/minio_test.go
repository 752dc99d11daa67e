package s3

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/latchkey-auth/latchkey/e2e/internal/awscreds"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

// version is what e2e/run builds, the last there is. It knows the discovery
// document of one pool, and does not check the issuer of a token beside its keys.
const version = "v0.0.0-20260212201848-7aac2a2c5b7c"

const startTime = 3 * time.Minute // it is slow where the machine is busy

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a service whose identity pool has MinIO make its credentials.
type world struct {
	up       local.Ready
	endpoint string // of MinIO
	stop     func() // MinIO
}

// newWorld starts the service first, since MinIO fetches the pool's discovery
// document and keys when it starts, and then names MinIO's role in the pool.
func newWorld(t *testing.T) world {
	t.Helper()
	minio := local.Built(t, "minio-"+version)
	w := world{endpoint: "http://" + local.FixedAddress(t)}
	service, err := local.Start(filepath.Join(t.TempDir(), "data"), "--sts", w.endpoint, "--credential-life", "15m") // MinIO gives no less
	check(t, err)
	t.Cleanup(func() {
		check(t, service.Stop())
		if said, _ := os.ReadFile(service.Stderr); t.Failed() {
			t.Logf("the service says:\n%s", said)
		}
	})
	w.up = service.Ready
	var role string
	role, w.stop = startMinIO(t, minio, w)
	_, err = awscreds.Identities(w.up).SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: &w.up.IdentityPoolID, Roles: map[string]string{"authenticated": role},
	})
	check(t, err)
	return w
}

// startMinIO starts MinIO on w.endpoint and answers the role that it prints.
func startMinIO(t *testing.T, minio string, w world) (role string, stop func()) {
	t.Helper()
	folder := t.TempDir()
	command := exec.Command(minio, "server", filepath.Join(folder, "objects"), "--address", strings.TrimPrefix(w.endpoint, "http://"))
	command.Env = []string{
		"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "MINIO_ROOT_USER=root", "MINIO_ROOT_PASSWORD=not-used-here", "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_IDENTITY_OPENID_CONFIG_URL=" + w.up.Endpoint + "/" + w.up.IdentityPoolID + "/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID=" + w.up.IdentityPoolID, "MINIO_IDENTITY_OPENID_ROLE_POLICY=readwrite",
	}
	output, err := command.StdoutPipe()
	check(t, err)
	command.Stderr = command.Stdout
	check(t, command.Start())
	stop = sync.OnceFunc(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
		defer late.Stop()
		_ = command.Wait()
	})
	t.Cleanup(stop)
	role, err = awaitRole(output)
	check(t, err)
	check(t, awaitHealth(w.endpoint))
	return role, stop
}

var rolePattern = regexp.MustCompile(`arn:minio:iam:::role/[A-Za-z0-9_-]+`)

// awaitRole reads what MinIO prints until it names the role, and the rest behind
// its back.
func awaitRole(output io.Reader) (string, error) {
	found := make(chan string, 1)
	ended := make(chan string, 1)
	go func() {
		var said strings.Builder
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			said.WriteString(scanner.Text() + "\n")
			if role := rolePattern.FindString(scanner.Text()); role != "" {
				select {
				case found <- role:
				default:
				}
			}
		}
		ended <- said.String()
	}()
	select {
	case role := <-found:
		return role, nil
	case said := <-ended:
		return "", fmt.Errorf("MinIO ended:\n%s", said)
	case <-time.After(startTime):
		return "", errors.New("MinIO names no role")
	}
}

func awaitHealth(endpoint string) error {
	for end := time.Now().Add(startTime); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if response, err := http.Get(endpoint + "/minio/health/live"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.New("MinIO does not become healthy")
}
