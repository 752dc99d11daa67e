package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey/e2e/local"
)

const awscli = "/usr/bin/aws" // Debian's; another may stand earlier in PATH

func static(c aws.Credentials) func(context.Context) (aws.Credentials, error) {
	return func(context.Context) (aws.Credentials, error) { return c, nil }
}

// commandLine has the AWS CLI copy a file there and back, with a profile whose
// credentials come from a process.
func commandLine(t *testing.T, w world) {
	local.Need(t, awscli)
	folder := t.TempDir()
	made, err := signIn(t, w).Retrieve(t.Context())
	check(t, err)
	output, err := json.Marshal(map[string]any{
		"Version": 1, "AccessKeyId": made.AccessKeyID, "SecretAccessKey": made.SecretAccessKey,
		"SessionToken": made.SessionToken, "Expiration": made.Expires.UTC().Format(time.RFC3339),
	})
	check(t, err)
	credentials, config := filepath.Join(folder, "credentials.json"), filepath.Join(folder, "config")
	check(t, os.WriteFile(credentials, output, 0o600))
	check(t, os.WriteFile(config, fmt.Appendf(nil, "[profile latchkey]\nregion = %s\ncredential_process = /bin/cat %s\n", w.up.Region, credentials), 0o600))
	file, back := filepath.Join(folder, "there"), filepath.Join(folder, "back")
	check(t, os.WriteFile(file, []byte("from the command line"), 0o600))
	aws := func(arguments ...string) string {
		command := exec.CommandContext(t.Context(), awscli, append([]string{"--endpoint-url", w.endpoint, "--profile", "latchkey", "--no-cli-pager"}, arguments...)...)
		command.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + folder, "LANG=C.UTF-8", "AWS_CONFIG_FILE=" + config, "AWS_EC2_METADATA_DISABLED=true"}
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", arguments, err, said)
		}
		return string(said)
	}
	aws("s3", "mb", "s3://papers")
	aws("s3", "cp", file, "s3://papers/a b.txt")
	if listed := aws("s3", "ls", "s3://papers"); !strings.Contains(listed, "a b.txt") {
		t.Errorf("listed %s", listed)
	}
	aws("s3", "cp", "s3://papers/a b.txt", back)
	if text, err := os.ReadFile(back); err != nil || string(text) != "from the command line" {
		t.Errorf("came back as %q, %v", text, err)
	}
}
