package client

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/e2e/internal/wiretap"
)

// terminal runs the command as a user with a home of their own does, on the
// configuration that `latchkey up` wrote, with a tap as its endpoint.
type terminal struct {
	t           *testing.T
	environment []string
}

func newTerminal(t *testing.T, tap *wiretap.Tap) terminal {
	t.Helper()
	dir := t.TempDir()
	written, err := os.ReadFile(local.Up().ConfigFile)
	check(t, err)
	if !bytes.Contains(written, []byte(`"user_pool_endpoint"`)) {
		t.Fatalf("the configuration names no endpoint: %s", written)
	}
	var config map[string]any
	check(t, json.Unmarshal(written, &config))
	config["latchkey"].(map[string]any)["user_pool_endpoint"] = tap.URL
	changed, err := json.Marshal(config)
	check(t, err)
	path := filepath.Join(dir, "amplify_outputs.json")
	check(t, os.WriteFile(path, changed, 0o600))
	return terminal{t, append(local.Environment(dir), "LATCHKEY_CONFIG="+path)}
}

// ends runs the command and gives its standard output. Its exit code must be
// the one that is wanted.
func (s terminal) ends(code int, input string, arguments ...string) string {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), local.Command(), arguments...)
	command.Env, command.Stdin = s.environment, strings.NewReader(input)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil && command.ProcessState == nil {
		s.t.Fatal(err)
	}
	if got := command.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("latchkey %s ends with %d, want %d: %s", arguments[0], got, code, said.String())
	}
	return strings.TrimSpace(out.String())
}

// Exit codes, as the command's documentation gives them.
const (
	done      = 0
	failed    = 1
	signedOut = 3
)

func TestCommandSession(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken", "RevokeToken")
	shell, user := newTerminal(t, tap), newUser(t, true)
	shell.ends(signedOut, "", "whoami")
	shell.ends(failed, "Wrong-Horse-9\n", "login", user, "--password-stdin")
	shell.ends(done, password+"\n", "login", user, "--password-stdin")
	if who := shell.ends(done, "", "whoami", "--json"); !strings.Contains(who, user) {
		t.Errorf("whoami says %s", who)
	}
	first := shell.ends(done, "", "token")
	if out, err := getUser(t, first); err != nil || *out.Username != user {
		t.Errorf("the printed token: %v", err)
	}
	shell.ends(done, "", "session", "--refresh", "--json")
	second := shell.ends(done, "", "token", "access")
	if first == second {
		t.Error("session --refresh left the token as it was")
	}
	shell.ends(done, second, "verify", "-")
	shell.ends(done, "", "logout")
	if _, err := getUser(t, second); err == nil {
		t.Error("after logout the token is still good")
	}
	shell.ends(signedOut, "", "token")
}

func TestCommandGlobalLogout(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge", "GlobalSignOut", "RevokeToken")
	user := newUser(t, true)
	one, other := newTerminal(t, tap), newTerminal(t, tap)
	one.ends(done, password+"\n", "login", user, "--password-stdin")
	other.ends(done, password+"\n", "login", user, "--password-stdin")
	token := other.ends(done, "", "token")
	one.ends(done, "", "logout", "--global")
	if _, err := getUser(t, token); err == nil {
		t.Error("after a global logout the other session's token is still good")
	}
}

func getUser(t *testing.T, token string) (*cip.GetUserOutput, error) {
	t.Helper()
	return admin().GetUser(t.Context(), &cip.GetUserInput{AccessToken: aws.String(token)})
}
