package awsidentity

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cipTypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/e2e/internal/wiretap"
)

func TestMain(m *testing.M) { local.Main(m, nothingLeftOut) }

const password = "Correct-Horse-9"

// succeeded are the operations that have answered 200 in these tests.
var succeeded sync.Map

// nothingLeftOut names the operations of the API that no test has seen succeed: the
// service offers them all. It has nothing to say when only some tests were run.
func nothingLeftOut() error {
	for _, choice := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(choice).Value.String() != "" {
			return nil
		}
	}
	var missing []string
	for method := range reflect.TypeFor[*ci.Client]().Methods() {
		if _, ok := succeeded.Load(method.Name); !ok && method.Type.NumIn() == 4 {
			missing = append(missing, method.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no test has called with success: %s", strings.Join(missing, ", "))
	}
	return nil
}

// client makes an SDK client whose exchanges are judged when the test ends.
func client(t *testing.T, credentials aws.CredentialsProvider) *ci.Client {
	t.Helper()
	tap := &wiretap.Tap{}
	t.Cleanup(func() {
		for _, e := range tap.Exchanges() {
			if e.Status == http.StatusOK {
				succeeded.Store(e.Operation, true)
			}
			if err := errors.Join(wiretap.CheckRequest(e), wiretap.CheckAnswer(e)); err != nil {
				t.Error(err)
			}
		}
	})
	return ci.New(ci.Options{
		Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint),
		Credentials: credentials, HTTPClient: &http.Client{Transport: tap},
	})
}

// public has no keys, so that a public operation that wants some fails.
func public(t *testing.T) *ci.Client { return client(t, aws.AnonymousCredentials{}) }

func admin(t *testing.T) *ci.Client { return client(t, keys) }

var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: local.Up().AccessKeyID, SecretAccessKey: local.Up().SecretAccessKey}, nil
})

// userPools is the SDK's client of the other API, as the administrator.
func userPools() *cip.Client {
	return cip.New(cip.Options{Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint), Credentials: keys})
}

// name makes a name that no other test uses.
func name(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:10]) }

// newUser makes a confirmed user of the service's own user pool.
func newUser(t *testing.T) string {
	t.Helper()
	user := name("user")
	_, err := userPools().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: aws.String(local.Up().UserPoolID), Username: &user, MessageAction: cipTypes.MessageActionTypeSuppress,
	})
	check(t, err)
	_, err = userPools().AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: aws.String(local.Up().UserPoolID), Username: &user, Password: aws.String(password), Permanent: true,
	})
	check(t, err)
	return user
}

// signIn gives the Logins of a user who signs in now.
func signIn(t *testing.T, user string) map[string]string {
	t.Helper()
	out, err := userPools().InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: cipTypes.AuthFlowTypeUserPasswordAuth, ClientId: aws.String(local.Up().ClientID),
		AuthParameters: map[string]string{"USERNAME": user, "PASSWORD": password},
	})
	check(t, err)
	return map[string]string{provider(): *out.AuthenticationResult.IdToken}
}

// provider is AWS's form of the Logins key.
func provider() string {
	return "cognito-idp." + local.Up().Region + ".amazonaws.com/" + local.Up().UserPoolID
}

// newPool makes an identity pool that ends with the test.
func newPool(t *testing.T, change func(*ci.CreateIdentityPoolInput)) string {
	t.Helper()
	input := &ci.CreateIdentityPoolInput{
		IdentityPoolName: aws.String(name("pool")), AllowUnauthenticatedIdentities: true, AllowClassicFlow: aws.Bool(true),
		DeveloperProviderName: aws.String("login.example.app"),
		CognitoIdentityProviders: []types.CognitoIdentityProvider{{
			ProviderName: aws.String(provider()), ClientId: aws.String(local.Up().ClientID), ServerSideTokenCheck: aws.Bool(true),
		}},
	}
	if change != nil {
		change(input)
	}
	out, err := admin(t).CreateIdentityPool(t.Context(), input)
	check(t, err)
	a := admin(t)
	t.Cleanup(func() {
		_, err := a.DeleteIdentityPool(context.Background(), &ci.DeleteIdentityPoolInput{IdentityPoolId: out.IdentityPoolId})
		if err != nil {
			t.Error(err)
		}
	})
	return *out.IdentityPoolId
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused asks for an exception that the SDK knows by its type, with a text.
func refused[E smithy.APIError](t *testing.T, err error, text string) {
	t.Helper()
	exception, ok := errors.AsType[E](err)
	if !ok {
		t.Errorf("error is %T %v, want a %T", err, err, *new(E))
		return
	}
	if text != "" && exception.ErrorMessage() != text {
		t.Errorf("%s says %q, want %q", exception.ErrorCode(), exception.ErrorMessage(), text)
	}
}

// same asks that two values be equal.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
