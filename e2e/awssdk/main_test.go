package awssdk

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/e2e/internal/wiretap"
)

func TestMain(m *testing.M) { local.Main(m, nothingLeftOut) }

const password = "Correct-Horse-9"

// client makes an SDK client whose exchanges are judged when the test ends.
func client(t *testing.T, keyID, secret string) *cip.Client {
	t.Helper()
	tap := &wiretap.Tap{}
	t.Cleanup(func() {
		for _, e := range tap.Exchanges() {
			called(e)
			if err := errors.Join(wiretap.CheckRequest(e), wiretap.CheckAnswer(e)); err != nil {
				t.Error(err)
			}
		}
	})
	var credentials aws.CredentialsProvider = aws.AnonymousCredentials{}
	if keyID != "" {
		credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, nil
		})
	}
	return cip.New(cip.Options{
		Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint),
		Credentials: credentials, HTTPClient: &http.Client{Transport: tap},
	})
}

func public(t *testing.T) *cip.Client { return client(t, "", "") }

func admin(t *testing.T) *cip.Client {
	return client(t, local.Up().AccessKeyID, local.Up().SecretAccessKey)
}

// name makes a name that no other test uses.
func name(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:10]) }

// newUser makes a confirmed user in the pool of the service and gives its name.
func newUser(t *testing.T) string {
	t.Helper()
	return newUserIn(t, local.Up().UserPoolID)
}

func newUserIn(t *testing.T, pool string) string {
	t.Helper()
	user := name("user")
	_, err := admin(t).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: attributes("email", user+"@example.com", "email_verified", "true"),
	})
	check(t, err)
	_, err = admin(t).AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &user, Password: aws.String(password), Permanent: true,
	})
	check(t, err)
	return user
}

func attributes(pairs ...string) []types.AttributeType {
	var list []types.AttributeType
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.AttributeType{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// signIn starts a session of a user of the service's own pool.
func signIn(t *testing.T, user, password string) *types.AuthenticationResultType {
	t.Helper()
	out, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
	check(t, err)
	if out.AuthenticationResult == nil {
		t.Fatalf("sign-in of %s asks for %s", user, out.ChallengeName)
	}
	return out.AuthenticationResult
}

func passwordAuth(clientID, user, password string) *cip.InitiateAuthInput {
	return &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: &clientID,
		AuthParameters: map[string]string{"USERNAME": user, "PASSWORD": password},
	}
}

func refreshAuth(clientID string, token *string) *cip.InitiateAuthInput {
	return &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeRefreshTokenAuth, ClientId: &clientID,
		AuthParameters: map[string]string{"REFRESH_TOKEN": *token},
	}
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
	if exception.ErrorMessage() != text {
		t.Errorf("%s says %q, want %q", exception.ErrorCode(), exception.ErrorMessage(), text)
	}
}

// refusedAs asks for an exception that Cognito's model does not declare, so that
// the SDK has no type for it.
func refusedAs(t *testing.T, err error, code string) {
	t.Helper()
	exception, ok := errors.AsType[smithy.APIError](err)
	if !ok || exception.ErrorCode() != code {
		t.Errorf("error is %v, want a %s", err, code)
	}
}

// claims reads a token's payload, without verifying: package verifiers does that.
func claims(t *testing.T, token *string) map[string]any {
	t.Helper()
	parts := strings.Split(aws.ToString(token), ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts, want 3", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	var all map[string]any
	check(t, json.Unmarshal(data, &all))
	return all
}

// same asks that two values be equal.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
