package s3

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

const awscli = "/usr/bin/aws" // Debian's; another may stand earlier in PATH

func static(c aws.Credentials) func(context.Context) (aws.Credentials, error) {
	return func(context.Context) (aws.Credentials, error) { return c, nil }
}

// terminal runs programs as a user does, with a home of its own.
type terminal struct {
	w      world
	folder string
}

func (c terminal) try(t *testing.T, stdin, program string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + c.folder, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=" + c.w.up.Region,
		"LATCHKEY_HOME=" + filepath.Join(c.folder, "latchkey"), "LATCHKEY_CONFIG=" + c.w.up.ConfigFile,
	}
	command.Stdin = strings.NewReader(stdin)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}

func (c terminal) run(t *testing.T, stdin, program string, arguments ...string) string {
	t.Helper()
	said, err := c.try(t, stdin, program, arguments...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(program), arguments, err, said)
	}
	return said
}

// commandLine: sign in, install a profile, and the AWS CLI copies a file there and
// back with it; after sign-out it does not.
func commandLine(t *testing.T, w world) {
	local.Need(t, awscli)
	c := terminal{w, t.TempDir()}
	aws := []string{"--endpoint-url", w.endpoint, "--profile", "latchkey", "s3"}
	file, back := filepath.Join(c.folder, "there"), filepath.Join(c.folder, "back")
	check(t, os.WriteFile(file, []byte("from the command line"), 0o600))
	c.run(t, w.up.Password+"\n", local.Command(), "login", w.up.Username, "--password-stdin")
	c.run(t, "", local.Command(), "credentials", "--install", "latchkey")
	c.run(t, "", awscli, append(aws, "mb", "s3://papers")...)
	c.run(t, "", awscli, append(aws, "cp", file, "s3://papers/a b.txt")...)
	if listed := c.run(t, "", awscli, append(aws, "ls", "s3://papers")...); !strings.Contains(listed, "a b.txt") {
		t.Errorf("listed %s", listed)
	}
	c.run(t, "", awscli, append(aws, "cp", "s3://papers/a b.txt", back)...)
	if text, err := os.ReadFile(back); err != nil || string(text) != "from the command line" {
		t.Errorf("came back as %q, %v", text, err)
	}
	c.run(t, "", local.Command(), "logout")
	if said, err := c.try(t, "", awscli, append(aws, "ls", "s3://papers")...); err == nil || !strings.Contains(said, "is not signed in") {
		t.Errorf("after sign-out: %s, %v", said, err)
	}
}
