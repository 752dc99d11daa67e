package awscli

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

// aws is Debian's package; another one may stand earlier in PATH.
const aws = "/usr/bin/aws"

// cli runs `aws cognito-idp`, with the administrator's key unless told
// otherwise, and reads its JSON into out.
type cli struct {
	keyID, secret string
}

func newCLI(t *testing.T) cli {
	t.Helper()
	local.Need(t, aws)
	return cli{local.Up().AccessKeyID, local.Up().SecretAccessKey}
}

func (c cli) try(t *testing.T, out any, arguments ...string) error {
	t.Helper()
	command := exec.CommandContext(t.Context(), aws, append([]string{
		"--endpoint-url", local.Up().Endpoint, "--output", "json", "--no-cli-pager", "cognito-idp",
	}, arguments...)...)
	folder := t.TempDir()
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=" + local.Up().Region,
		"AWS_ACCESS_KEY_ID=" + c.keyID, "AWS_SECRET_ACCESS_KEY=" + c.secret,
	}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return errors.New(strings.TrimSpace(stderr.String()))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(stdout.Bytes(), out)
}

func (c cli) run(t *testing.T, out any, arguments ...string) {
	t.Helper()
	if err := c.try(t, out, arguments...); err != nil {
		t.Fatalf("aws cognito-idp %s: %v", arguments[0], err)
	}
}

func newName() string { return "cli-" + strings.ToLower(rand.Text()[:10]) }

type user struct {
	Username       string
	UserStatus     string
	Enabled        bool
	UserCreateDate string // the CLI prints dates, not numbers
	Attributes     []struct{ Name, Value string }
}

func TestUsers(t *testing.T) {
	t.Parallel()
	c, pool, name := newCLI(t), local.Up().UserPoolID, newName()
	var created struct{ User user }
	c.run(t, &created, "admin-create-user", "--user-pool-id", pool, "--username", name, "--message-action", "SUPPRESS",
		"--user-attributes", "Name=email,Value="+name+"@example.com", "Name=email_verified,Value=true")
	if u := created.User; u.Username != name || u.UserStatus != "FORCE_CHANGE_PASSWORD" || !u.Enabled || !strings.HasPrefix(u.UserCreateDate, "20") {
		t.Errorf("created %+v", u)
	}
	var listed struct{ Users []user }
	c.run(t, &listed, "list-users", "--user-pool-id", pool, "--filter", fmt.Sprintf(`email = "%s@example.com"`, name))
	if len(listed.Users) != 1 || listed.Users[0].Username != name {
		t.Errorf("list-users --filter finds %+v", listed.Users)
	}
	c.run(t, &listed, "list-users", "--user-pool-id", pool, "--page-size", "1")
	if !slices.ContainsFunc(listed.Users, func(u user) bool { return u.Username == name }) || len(listed.Users) < 2 {
		t.Errorf("list-users in pages of one finds %d users", len(listed.Users))
	}
	c.run(t, nil, "admin-disable-user", "--user-pool-id", pool, "--username", name)
	var got user
	c.run(t, &got, "admin-get-user", "--user-pool-id", pool, "--username", name)
	if got.Enabled {
		t.Error("admin-disable-user has left the user enabled")
	}
	c.run(t, nil, "admin-delete-user", "--user-pool-id", pool, "--username", name)
	wants(t, c.try(t, nil, "admin-get-user", "--user-pool-id", pool, "--username", name),
		"An error occurred (UserNotFoundException) when calling the AdminGetUser operation: User does not exist.")
}

func wants(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("the CLI says %v, want %s", err, text)
	}
}

type tokens struct {
	AuthenticationResult struct {
		AccessToken, IdToken, RefreshToken, TokenType string
		ExpiresIn                                     int
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	c, up := newCLI(t), local.Up()
	var first, second tokens
	c.run(t, &first, "initiate-auth", "--client-id", up.ClientID, "--auth-flow", "USER_PASSWORD_AUTH",
		"--auth-parameters", "USERNAME="+up.Username+",PASSWORD="+up.Password)
	if r := first.AuthenticationResult; r.TokenType != "Bearer" || r.ExpiresIn != 3600 || r.RefreshToken == "" {
		t.Errorf("initiate-auth gives a %s for %d s", r.TokenType, r.ExpiresIn)
	}
	c.run(t, &second, "initiate-auth", "--client-id", up.ClientID, "--auth-flow", "REFRESH_TOKEN_AUTH",
		"--auth-parameters", "REFRESH_TOKEN="+first.AuthenticationResult.RefreshToken)
	if r := second.AuthenticationResult; r.RefreshToken != "" || r.AccessToken == "" || r.AccessToken == first.AuthenticationResult.AccessToken {
		t.Error("the refresh gave no new access token, or a refresh token")
	}
	var who struct{ Username string }
	c.run(t, &who, "get-user", "--access-token", second.AuthenticationResult.AccessToken)
	if who.Username != up.Username {
		t.Errorf("get-user says %s", who.Username)
	}
	// In one argument: a refresh token may begin with "-".
	c.run(t, nil, "revoke-token", "--client-id", up.ClientID, "--token="+first.AuthenticationResult.RefreshToken)
	wants(t, c.try(t, nil, "get-user", "--access-token", second.AuthenticationResult.AccessToken),
		"An error occurred (NotAuthorizedException) when calling the GetUser operation: Access Token has been revoked")
	wants(t, c.try(t, nil, "initiate-auth", "--client-id", up.ClientID, "--auth-flow", "USER_PASSWORD_AUTH",
		"--auth-parameters", "USERNAME="+newName()+",PASSWORD=Wrong-Horse-9"),
		"An error occurred (NotAuthorizedException) when calling the InitiateAuth operation: Incorrect username or password.")
}

func TestPools(t *testing.T) {
	t.Parallel()
	c, up := newCLI(t), local.Up()
	var described struct {
		UserPool struct {
			Id, Name, Arn string
			Policies      struct{ PasswordPolicy struct{ MinimumLength int } }
		}
	}
	c.run(t, &described, "describe-user-pool", "--user-pool-id", up.UserPoolID)
	if p := described.UserPool; p.Id != up.UserPoolID || p.Arn != "arn:aws:cognito-idp:us-east-1:000000000000:userpool/"+up.UserPoolID || p.Policies.PasswordPolicy.MinimumLength != 8 {
		t.Errorf("described %+v", p)
	}
	var pools struct{ UserPools []struct{ Id string } }
	c.run(t, &pools, "list-user-pools", "--max-results", "10")
	if len(pools.UserPools) != 1 || pools.UserPools[0].Id != up.UserPoolID {
		t.Errorf("pools %+v", pools)
	}
	var app struct {
		UserPoolClient struct{ ClientId, ClientSecret string }
	}
	c.run(t, &app, "create-user-pool-client", "--user-pool-id", up.UserPoolID, "--client-name", "cli", "--generate-secret")
	if len(app.UserPoolClient.ClientId) != 26 || app.UserPoolClient.ClientSecret == "" {
		t.Errorf("the app client's id is %q", app.UserPoolClient.ClientId)
	}
	c.run(t, nil, "create-group", "--user-pool-id", up.UserPoolID, "--group-name", "from-the-cli", "--precedence", "0")
	var groups struct {
		Groups []struct {
			GroupName  string
			Precedence *int
		}
	}
	c.run(t, &groups, "list-groups", "--user-pool-id", up.UserPoolID)
	if len(groups.Groups) != 1 || groups.Groups[0].Precedence == nil || *groups.Groups[0].Precedence != 0 {
		t.Errorf("groups %+v", groups)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	c, pool := newCLI(t), local.Up().UserPoolID
	c.secret = "not-the-secret"
	err := c.try(t, nil, "describe-user-pool", "--user-pool-id", pool)
	if err == nil || !strings.Contains(err.Error(), "InvalidSignatureException") {
		t.Errorf("a wrong secret gives %v", err)
	}
	c.keyID = "AKIAIOSFODNN7EXAMPLE"
	err = c.try(t, nil, "describe-user-pool", "--user-pool-id", pool)
	if err == nil || !strings.Contains(err.Error(), "UnrecognizedClientException") {
		t.Errorf("an unknown key gives %v", err)
	}
}
