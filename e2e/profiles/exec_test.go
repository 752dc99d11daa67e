package profiles

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// credentialLife is how long the credentials of the tests of exec last: a renewal is
// a matter of seconds, and every client has time to use what it got.
const credentialLife = 12 * time.Second

// newExecMachine is a machine whose user is signed in at a service with credentials that
// expire soon.
func newExecMachine(t *testing.T) machine {
	t.Helper()
	srv := latchkeytest.NewServer(t, latchkeytest.CredentialLife(credentialLife))
	srv.AddUser(latchkeytest.User{Username: "ann", Password: "Correct-Horse-9"})
	root := t.TempDir()
	type object = map[string]any
	text, err := json.Marshal(object{
		"version": "1.4",
		"auth": object{
			"aws_region": latchkeytest.Region, "user_pool_id": srv.UserPoolID, "user_pool_client_id": srv.ClientID, "identity_pool_id": srv.IdentityPoolID,
		},
		"latchkey": object{"user_pool_endpoint": srv.URL, "identity_pool_endpoint": srv.URL},
	})
	must(t, err)
	path := filepath.Join(root, "amplify_outputs.json")
	must(t, os.WriteFile(path, text, 0o600))
	m := machine{t: t, command: local.Command(), environ: []string{
		"PATH=/usr/bin:/bin", "HOME=" + root, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true",
		"LATCHKEY_HOME=" + filepath.Join(root, "home"), "LATCHKEY_CONFIG=" + path,
		// Both would win over the endpoint, if the command saw them.
		"AWS_ACCESS_KEY_ID=AKIAOTHER", "AWS_SECRET_ACCESS_KEY=other", "AWS_CONFIG_FILE=" + filepath.Join(root, "aws-config"),
	}}
	must(t, os.WriteFile(filepath.Join(root, "aws-config"), []byte("[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = other\n"), 0o600))
	m.run("Correct-Horse-9\n", m.command, "login", "ann", "--password-stdin")
	return m
}

// botocoreTwice prints the keys that one long-running program gets, before and after they
// expire.
const botocoreTwice = `
import botocore.session, sys, time
credentials = botocore.session.Session().get_credentials()
print(credentials.method)
first = credentials.get_frozen_credentials()
time.sleep(float(sys.argv[1]))
second = credentials.get_frozen_credentials()
for c in (first, second): print(c.access_key, bool(c.token))
`

// TestExecRenews runs a program with each of three clients under exec for longer than the
// credentials last: it gets new ones, and never those of the environment or of the default
// profile.
func TestExecRenews(t *testing.T) {
	local.Need(t, awscli)
	local.Need(t, python)
	m := newExecMachine(t)
	wait := (credentialLife + 2*time.Second).String()
	seconds := strings.TrimSuffix(wait, "s")
	goProgram := filepath.Join(t.TempDir(), "gosdk")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", goProgram, "../internal/twice")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for name, command := range map[string][]string{
		"botocore":      {python, "-c", botocoreTwice, seconds},
		"aws-sdk-go-v2": {goProgram, wait},
		// The AWS CLI is a program for one call: the endpoint outlives each.
		"AWS CLI": {"/bin/sh", "-c", awscli + " configure export-credentials && sleep " + seconds + " && " + awscli + " configure export-credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := m
			m.t = t
			said := m.run("", m.command, append([]string{"exec", "--"}, command...)...)
			keys := keysIn(said)
			if len(keys) != 2 || keys[0] == keys[1] || strings.Contains(said, "OTHER") || strings.Contains(said, "DEFAULT") {
				t.Errorf("keys %v in\n%s", keys, said)
			}
		})
	}
}

// keysIn are the access key ids in a text, in order.
func keysIn(text string) []string {
	var keys []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9') }) {
		if strings.HasPrefix(word, "ASIA") && len(word) == 20 {
			keys = append(keys, word)
		}
	}
	return keys
}

// TestExecStatic checks that the keys in the environment are those of the command.
func TestExecStatic(t *testing.T) {
	local.Need(t, awscli)
	m := newExecMachine(t)
	said := m.run("", m.command, "exec", "--static", "--", awscli, "configure", "export-credentials")
	if keys := keysIn(said); len(keys) != 1 {
		t.Errorf("keys %v in\n%s", keys, said)
	}
}
