package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

const (
	awscli = "/usr/bin/aws" // Debian's; another may stand earlier in PATH
	bash   = "/bin/bash"
)

// shim is an AWS CLI that finds the service by the variables of `latchkey status`, which
// versions before 2.13 do not read.
const shim = `#!/bin/bash
case "$1" in
cognito-idp) exec ` + awscli + ` --endpoint-url "$AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER" "$@" ;;
cognito-identity) exec ` + awscli + ` --endpoint-url "$AWS_ENDPOINT_URL_COGNITO_IDENTITY" "$@" ;;
esac
exec ` + awscli + ` "$@"
`

// TestShellBlocks runs the shell blocks of each page, in order, against a service on the
// default data folder. A comment "sh: …" before a block has commands that run first; "not run:
// …" has the reason why a block is only parsed.
func TestShellBlocks(t *testing.T) {
	t.Parallel()
	local.Need(t, awscli)
	scripts := map[string]*strings.Builder{}
	run := 0
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		if out, err := exec.CommandContext(t.Context(), bash, "-n", "-c", b.code).CombinedOutput(); err != nil {
			t.Errorf("%s:%d: %v\n%s", b.page, b.line, err, out)
		}
		if reason, ok := strings.CutPrefix(b.note, "not run:"); ok {
			if len(strings.Fields(reason)) < 3 {
				t.Errorf("%s:%d: say why the block is not run", b.page, b.line)
			}
			continue
		}
		if scripts[b.page] == nil {
			scripts[b.page] = &strings.Builder{}
		}
		run++
		fmt.Fprintf(scripts[b.page], "echo '== %s:%d' >&2\n%s\n%s\n", b.page, b.line, strings.TrimPrefix(b.note, "sh:"), b.code)
	}
	if run < 5 {
		t.Errorf("only %d blocks are run", run)
	}
	for page, script := range scripts {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			runPage(t, script.String())
		})
	}
}

// runPage runs the commands of a page.
func runPage(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	service, err := local.Start(filepath.Join(folder, "home", "up"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Stop(); err != nil {
			t.Error(err)
		}
	})
	programs := filepath.Join(folder, "bin")
	if err := os.MkdirAll(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(programs, "aws"), []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(local.Command(), filepath.Join(programs, "latchkey")); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), bash, "-euo", "pipefail", "-c", script)
	command.Dir = t.TempDir()
	command.Env = append(local.Environment(folder), "PATH="+programs+":/usr/bin:/bin", "HOME="+command.Dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}
