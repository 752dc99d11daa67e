package sigv4_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
)

// botoScript makes three signed calls: two APIs, and one with a session token.
const botoScript = `
import sys, boto3
from botocore.config import Config
def client(service, **extra):
    return boto3.client(service, region_name="us-east-1", endpoint_url=sys.argv[1],
        aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3],
        config=Config(retries={"max_attempts": 1}), **extra)
client("cognito-idp").describe_user_pool(UserPoolId="us-east-1_abc")
client("cognito-idp", aws_session_token="token/with+signs=").admin_delete_user(UserPoolId="us-east-1_abc", Username="änn")
client("cognito-identity").delete_identity_pool(IdentityPoolId="us-east-1:0a")
`

// pythonWithBoto names a Python that has boto3; the system's own may stand
// behind another one in PATH.
func pythonWithBoto() string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import boto3").Run() == nil {
			return python
		}
	}
	return ""
}

// TestBotoSignatures has boto3 sign real requests and verifies them, with the
// right key and with a wrong one.
func TestBotoSignatures(t *testing.T) {
	t.Parallel()
	python := pythonWithBoto()
	if python == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 with boto3 is not installed")
		}
		t.Skip("python3 with boto3 is not installed: its signatures go unverified")
	}
	var mu sync.Mutex
	var seen []string
	var failures []error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifyBoth(r, sent, &seen)
		}
		if err != nil {
			failures = append(failures, err)
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	command := exec.CommandContext(t.Context(), python, "-c", botoScript, server.URL, keyID, secretKey.Reveal())
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("boto3: %v\n%s", err, output)
	}
	mu.Lock()
	defer mu.Unlock()
	if err := errors.Join(failures...); err != nil {
		t.Error(err)
	}
	want := []string{
		"cognito-idp AWSCognitoIdentityProviderService.DescribeUserPool ",
		"cognito-idp AWSCognitoIdentityProviderService.AdminDeleteUser token/with+signs=",
		"cognito-identity AWSCognitoIdentityService.DeleteIdentityPool ",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("verified %q, want %q", seen, want)
	}
}

// verifyBoth expects the right key to verify and a wrong one to fail.
func verifyBoth(r *http.Request, sent []byte, seen *[]string) error {
	v := &sigv4.Verifier{
		Lookup:   func(id string) (secret.String, bool) { return secretKey, id == keyID },
		Services: []string{"cognito-idp", "cognito-identity"},
	}
	identity, err := v.Verify(r, sent)
	if err != nil {
		return err
	}
	*seen = append(*seen, strings.Join([]string{identity.Service, r.Header.Get("X-Amz-Target"), identity.SessionToken.Reveal()}, " "))
	v.Lookup = func(string) (secret.String, bool) { return secret.New("another key"), true }
	if _, err := v.Verify(r, sent); !errors.Is(err, sigv4.ErrSignature) {
		return errors.New("a wrong key verifies")
	}
	return nil
}
