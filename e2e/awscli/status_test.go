package awscli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// TestStatusVariables uses the service by the lines of `latchkey status --format env`, in a
// shell that has the variables of other credentials.
func TestStatusVariables(t *testing.T) {
	t.Parallel()
	newCLI(t)
	data := filepath.Dir(local.Up().ConfigFile)
	const script = `eval "$("$1" status --data "$2" --format env)" &&
exec "$3" --endpoint-url "$LATCHKEY_ENDPOINT" --output text --no-cli-pager cognito-idp list-users --user-pool-id "$LATCHKEY_USER_POOL_ID" --query 'Users[].Username'`
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", script, "sh", local.Command(), data, aws)
	command.Env = append(local.Environment(t.TempDir()), "AWS_EC2_METADATA_DISABLED=true", "AWS_SESSION_TOKEN=of-another-key", "AWS_PROFILE=missing")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), local.Up().Username) {
		t.Errorf("%v: %s", err, out)
	}
}
