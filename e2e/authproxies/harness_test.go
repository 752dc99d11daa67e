package authproxies

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

const password = "Correct-Horse-9"

// userScope lets an access token call the user pool, GlobalSignOut for example.
const userScope = "aws.cognito.signin.user.admin"

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// issuer is the issuer of the service's user pool.
func issuer() string { return local.Up().Endpoint + "/" + local.Up().UserPoolID }

// administrator is an SDK client with the service's key.
func administrator() *cip.Client {
	up := local.Up()
	return cip.New(cip.Options{
		Region: up.Region, BaseEndpoint: &up.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: up.AccessKeyID, SecretAccessKey: up.SecretAccessKey}, nil
		}),
	})
}

// newUser creates a user in groups and returns its name.
func newUser(t *testing.T, groups ...string) string {
	t.Helper()
	sdk, pool, name := administrator(), local.Up().UserPoolID, "user-"+strings.ToLower(rand.Text()[:10])
	_, err := sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String(name + "@example.com")}, {Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	check(t, err)
	_, err = sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &name, Password: aws.String(password), Permanent: true})
	check(t, err)
	for _, group := range groups {
		_, err = sdk.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, Username: &name, GroupName: &group})
		check(t, err)
	}
	return name
}

// newGroup creates a group and returns its name.
func newGroup(t *testing.T) string {
	t.Helper()
	name := "group-" + strings.ToLower(rand.Text()[:10])
	_, err := administrator().CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: aws.String(local.Up().UserPoolID), GroupName: &name})
	check(t, err)
	return name
}

// rotation is a client's setting with a grace period in seconds; nil is no rotation.
func rotation(grace int32) *types.RefreshTokenRotationType {
	return &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: &grace}
}

// newAppClient creates an app client with a secret, whose access tokens live for five
// minutes, the least there is.
func newAppClient(t *testing.T, callback, bye string, rotates *types.RefreshTokenRotationType) *types.UserPoolClientType {
	t.Helper()
	out, err := administrator().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: aws.String(local.Up().UserPoolID), ClientName: aws.String("proxy"), GenerateSecret: true,
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email", "profile", userScope},
		CallbackURLs:       []string{callback}, LogoutURLs: []string{bye}, SupportedIdentityProviders: []string{"COGNITO"},
		AccessTokenValidity: aws.Int32(5), TokenValidityUnits: &types.TokenValidityUnitsType{AccessToken: types.TimeUnitsTypeMinutes},
		RefreshTokenRotation: rotates,
	})
	check(t, err)
	return out.UserPoolClient
}

// globalSignOut ends all sessions of a user, as an administrator does.
func globalSignOut(t *testing.T, user string) {
	t.Helper()
	_, err := administrator().AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &user})
	check(t, err)
}

// newApplication starts an application that answers every request with the request's own
// headers, and returns its URL.
func newApplication(t *testing.T) string {
	t.Helper()
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.Header)
	}))
	t.Cleanup(application.Close)
	return application.URL
}

// start runs a server until the test ends and waits until it accepts connections. Its
// output goes to the file log of dir, which a failed test shows.
func start(t *testing.T, dir, address string, command *exec.Cmd) {
	t.Helper()
	path := filepath.Join(dir, "log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	check(t, err)
	defer log.Close()
	command.Dir, command.Stdout, command.Stderr = dir, log, log
	check(t, command.Start())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
		defer late.Stop()
		<-ended
		if output, err := os.ReadFile(path); t.Failed() {
			t.Logf("output of %s: %v\n%s", command.Path, err, output)
		}
	})
	eventually(t, "a connection to "+address, func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended", command.Path)
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// eventually waits until a condition of other processes holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("no %s within a minute", what)
}
