package signed

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// Debian's programs; others may stand earlier in PATH.
const (
	curl   = "/usr/bin/curl"
	python = "/usr/bin/python3"
	awscli = "/usr/bin/aws"
)

// TestCurl: --aws-sigv4, with the token as a header of the user's.
func TestCurl(t *testing.T) {
	t.Parallel()
	up := local.Up()
	server := serve(t, up)
	credentials, identity := signIn(t, up)
	file := filepath.Join(t.TempDir(), "body")
	check(t, os.WriteFile(file, []byte("a file"), 0o600))
	for name, test := range map[string]struct {
		path string
		args []string
		body string
	}{
		"GET":        {path: "/notes"},
		"GET, query": {path: "/notes?a=1&b=2"},
		"POST":       {path: "/notes", body: `{"text":"x"}`, args: []string{"-H", "Content-Type: application/json", "-d", `{"text":"x"}`}},
		"PUT":        {path: "/notes/1", body: "a file", args: []string{"-X", "PUT", "-H", "Content-Type: text/plain", "--data-binary", "@" + file}},
	} {
		args := append([]string{
			"-sS", "--noproxy", "*", "--aws-sigv4", "aws:amz:" + region + ":" + service, "--user", credentials.AccessKeyID + ":" + credentials.SecretAccessKey,
			"-H", "X-Amz-Security-Token: " + credentials.SessionToken, "-H", "X-Amz-Meta-Nonce: " + unique(),
		}, test.args...)
		output, err := run(t, credentials, curl, append(args, server.URL+test.path)...)
		check(t, err)
		got := read(t, []byte(output))
		wantCaller(t, got, up, identity)
		if got.Body != test.body {
			t.Errorf("%s: the body arrived as %q", name, got.Body)
		}
	}
	for name, test := range map[string]struct {
		secret, want string
		args         []string
	}{
		"a wrong key": {"wrong", "does not match the signature", nil},
		// curl signs the headers that it is given, and not the type that it adds.
		"its own type": {credentials.SecretAccessKey, "header content-type is not signed", []string{"-d", "a=b"}},
	} {
		args := append([]string{
			"-sS", "--noproxy", "*", "--aws-sigv4", "aws:amz:" + region + ":" + service, "--user", credentials.AccessKeyID + ":" + test.secret,
			"-H", "X-Amz-Security-Token: " + credentials.SessionToken,
		}, test.args...)
		output, err := run(t, credentials, curl, append(args, server.URL)...)
		if err != nil || !strings.Contains(output, "InvalidSignatureException") || !strings.Contains(output, test.want) {
			t.Errorf("%s: %s, %v", name, output, err)
		}
	}
}

const botocore = `
import json, os, sys, urllib.request, uuid
from botocore.auth import SigV4Auth, SigV4QueryAuth, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

url, identity = sys.argv[1:]
credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"])
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def call(auth, method, path, body=b"", headers={}):
    request = AWSRequest(method=method, url=url + path, data=body, headers=dict(headers))
    auth.add_auth(request)
    ready = request.prepare()
    plain = urllib.request.Request(ready.url, data=body or None, method=method, headers=dict(ready.headers))
    answer = json.load(opener.open(plain))
    assert answer["Caller"]["IdentityID"] == identity, answer
    assert answer["Body"] == body.decode(), answer
    return answer

json_type = {"Content-Type": "application/json"}
header = SigV4Auth(credentials, "execute-api", "us-east-1")
call(header, "GET", "/notes/a%20b/c/d?x=1&a=%20")
call(header, "POST", "/notes", '{"text":"\u00e4"}'.encode(), {**json_type, "X-Amz-Meta-Nonce": uuid.uuid4().hex})
query = SigV4QueryAuth(credentials, "execute-api", "us-east-1", expires=60)
assert call(query, "GET", "/notes?x=1")["Caller"]["Presigned"]
s3 = S3SigV4Auth(credentials, "s3", "us-east-1")
call(s3, "GET", "/bucket/a//b/../c%20d")
call(s3, "PUT", "/bucket/k", b"hello", {**json_type, "X-Amz-Meta-Nonce": uuid.uuid4().hex})
assert call(S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=60), "GET", "/bucket/a%20b")["Caller"]["Presigned"]
print("six calls")
`

// TestBotocore: the four ways in which boto3 signs.
func TestBotocore(t *testing.T) {
	t.Parallel()
	up := local.Up()
	credentials, identity := signIn(t, up)
	output, err := run(t, credentials, python, "-c", botocore, serve(t, up).URL, identity)
	if err != nil || !strings.HasSuffix(output, "six calls\n") {
		t.Errorf("%s, %v", output, err)
	}
}

// TestAWSCLI: the command line reads the credentials from its environment, signs,
// and understands the refusal.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	up := local.Up()
	server := serve(t, up)
	credentials, identity := signIn(t, up)
	output, err := run(t, credentials, awscli, "--endpoint-url", server.URL, "--output", "text", "dynamodb", "list-tables")
	if err != nil || !strings.Contains(output, identity) {
		t.Errorf("list-tables: %s, %v", output, err)
	}
	link, err := run(t, credentials, awscli, "--endpoint-url", server.URL, "s3", "presign", "s3://bucket/a b", "--expires-in", "60")
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), "GET", strings.TrimSpace(link), nil)
	check(t, err)
	seen, _ := send(t, r, http.StatusOK)
	wantCaller(t, seen, up, identity)
	credentials.SecretAccessKey = "wrong"
	_, err = run(t, credentials, awscli, "--endpoint-url", server.URL, "dynamodb", "list-tables")
	if err == nil || !strings.Contains(err.Error(), "InvalidSignatureException") || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("a wrong key: %v", err)
	}
}
