package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/e2e/internal/wiretap"
)

func TestMain(m *testing.M) { local.Main(m) }

const password = "Correct-Horse-9"

// tapped starts a tap whose exchanges are judged when the test ends. The test
// names what it wants to have seen, so that nothing is judged by not happening.
func tapped(t *testing.T, want ...string) *wiretap.Tap {
	t.Helper()
	tap := wiretap.New(t, local.Up().Endpoint)
	t.Cleanup(func() {
		seen := tap.Operations()
		slices.Sort(seen)
		slices.Sort(want)
		if got := slices.Compact(slices.Clone(seen)); !slices.Equal(got, want) {
			t.Errorf("operations on the wire: %v, want %v", got, want)
		}
		for _, e := range tap.Exchanges() {
			if err := errors.Join(wiretap.CheckRequest(e), wiretap.CheckAnswer(e)); err != nil {
				t.Error(err)
			}
			if got := e.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Errorf("%s: Content-Type %q", e.Operation, got)
			}
			if e.Header.Get("Authorization") != "" || e.Header.Get("Cookie") != "" {
				t.Errorf("%s: credentials in the headers %v", e.Operation, e.Header)
			}
		}
	})
	return tap
}

func newClient(t *testing.T, tap *wiretap.Tap) *latchkey.Client {
	t.Helper()
	up := local.Up()
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: up.UserPoolID, ClientID: up.ClientID, UserPoolEndpoint: tap.URL, Issuer: up.Endpoint + "/" + up.UserPoolID,
	})
	check(t, err)
	t.Cleanup(func() { check(t, client.Close()) })
	return client
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// admin is the SDK with the administrator's key, past the tap.
func admin() *cip.Client {
	return cip.New(cip.Options{
		Region: local.Up().Region, BaseEndpoint: aws.String(local.Up().Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: local.Up().AccessKeyID, SecretAccessKey: local.Up().SecretAccessKey}, nil
		}),
	})
}

// newUser makes a user whose password is good, or a temporary one.
func newUser(t *testing.T, permanent bool) string {
	t.Helper()
	user, pool := "user-"+strings.ToLower(rand.Text()[:10]), local.Up().UserPoolID
	_, err := admin().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &user, TemporaryPassword: aws.String("Temporary-1"), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(user + "@example.com")}},
	})
	check(t, err)
	if permanent {
		_, err = admin().AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
			UserPoolId: &pool, Username: &user, Password: aws.String(password), Permanent: true,
		})
		check(t, err)
	}
	return user
}

func signIn(t *testing.T, client *latchkey.Client, login latchkey.Login) {
	t.Helper()
	step, err := client.SignIn(t.Context(), login)
	check(t, err)
	if !step.Done() {
		t.Fatalf("sign-in asks for %s", step.Challenge.Name)
	}
}

func tokens(t *testing.T, client *latchkey.Client, options ...latchkey.FetchOption) latchkey.Tokens {
	t.Helper()
	session, err := client.FetchSession(t.Context(), options...)
	check(t, err)
	tokens, err := session.Tokens()
	check(t, err)
	return tokens
}

func TestLibrarySession(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken", "GetUser", "ChangePassword", "RevokeToken")
	client, user := newClient(t, tap), newUser(t, true)
	signIn(t, client, latchkey.Password(user, password))
	before := tokens(t, client)
	if got := tap.Operations(); !slices.Equal(got, []string{"InitiateAuth", "RespondToAuthChallenge"}) {
		t.Errorf("sign-in and a look at the session called %v", got)
	}
	after := tokens(t, client, latchkey.ForceRefresh())
	if before.Access.Raw() == after.Access.Raw() {
		t.Error("a forced refresh gave the same token")
	}
	attributes, err := account.Of(client).Attributes(t.Context())
	check(t, err)
	if attributes["email"] != user+"@example.com" {
		t.Errorf("attributes %v", attributes)
	}
	check(t, account.Of(client).ChangePassword(t.Context(), password, "Other-Horse-10"))
	report, err := client.SignOut(t.Context())
	check(t, err)
	if !report.Revoked || !report.Local {
		t.Errorf("sign-out reports %+v", report)
	}
	_, err = admin().GetUser(t.Context(), &cip.GetUserInput{AccessToken: aws.String(after.Access.Raw())})
	if refusal, ok := errors.AsType[*types.NotAuthorizedException](err); !ok || refusal.ErrorMessage() != "Access Token has been revoked" {
		t.Errorf("after sign-out the access token gives %v", err)
	}
}

func TestLibrarySignsInByPlainPassword(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "GlobalSignOut", "RevokeToken")
	client, user := newClient(t, tap), newUser(t, true)
	signIn(t, client, latchkey.PlainPassword(user, password))
	report, err := client.GlobalSignOut(t.Context())
	check(t, err)
	if !report.Global || !report.Local {
		t.Errorf("global sign-out reports %+v", report)
	}
}

func TestLibraryAnswersNewPasswordRequired(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge")
	client, user := newClient(t, tap), newUser(t, false)
	step, err := client.SignIn(t.Context(), latchkey.Password(user, "Temporary-1"))
	check(t, err)
	if step.Done() || step.Challenge.Name != "NEW_PASSWORD_REQUIRED" || step.Challenge.UserAttributes["email"] != user+"@example.com" {
		t.Fatalf("sign-in asks for %+v", step.Challenge)
	}
	step, err = step.Respond(t.Context(), latchkey.AnswerNewPassword(password, map[string]string{"given_name": "Grace"}))
	check(t, err)
	if !step.Done() {
		t.Fatalf("sign-in asks for %+v", step.Challenge)
	}
	out, err := admin().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &user})
	check(t, err)
	given := slices.ContainsFunc(out.UserAttributes, func(a types.AttributeType) bool { return *a.Name == "given_name" && *a.Value == "Grace" })
	if out.UserStatus != types.UserStatusTypeConfirmed || !given {
		t.Errorf("the user is %s with %d attributes, given_name %t", out.UserStatus, len(out.UserAttributes), given)
	}
}

func TestLibraryTellsRefusalsApart(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge", "GetTokensFromRefreshToken")
	client, user := newClient(t, tap), newUser(t, true)
	for name, login := range map[string]latchkey.Login{
		"wrong password": latchkey.Password(user, "Wrong-Horse-9"),
		"unknown user":   latchkey.Password("nobody-at-all", password),
		"plain":          latchkey.PlainPassword(user, "Wrong-Horse-9"),
	} {
		_, err := client.SignIn(t.Context(), login)
		failure, ok := errors.AsType[*latchkey.Error](err)
		if !ok || !errors.Is(err, latchkey.ErrNotAuthorized) || failure.Message != "Incorrect username or password." {
			t.Errorf("%s: %v", name, err)
		}
	}
	signIn(t, client, latchkey.Password(user, password))
	_, err := admin().AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: aws.String(local.Up().UserPoolID), Username: &user})
	check(t, err)
	session, err := client.FetchSession(t.Context(), latchkey.ForceRefresh())
	if err == nil {
		_, err = session.Tokens()
	}
	if !errors.Is(err, latchkey.ErrSessionExpired) {
		t.Errorf("a refresh after the administrator's sign-out: %v", err)
	}
}

// TestRecordedSignInIsWorthNothing sends the answer to an SRP challenge again, as
// somebody who has listened may.
func TestRecordedSignInIsWorthNothing(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge")
	signIn(t, newClient(t, tap), latchkey.Password(newUser(t, true), password))
	answer := tap.Exchanges("RespondToAuthChallenge")[0]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tap.URL, bytes.NewReader(answer.Request))
	check(t, err)
	request.Header.Set("Content-Type", answer.Header.Get("Content-Type"))
	request.Header.Set("X-Amz-Target", answer.Header.Get("X-Amz-Target"))
	response, err := http.DefaultClient.Do(request)
	check(t, err)
	check(t, response.Body.Close())
	last := tap.Exchanges("RespondToAuthChallenge")[1]
	if last.Status != http.StatusBadRequest || !bytes.Contains(last.Answer, []byte(`"NotAuthorizedException"`)) {
		t.Errorf("the answer, sent again, gives %d", last.Status)
	}
}

// TestLibrarySignsInTwentyTimes meets both signs of SRP_B, but for one run in
// half a million.
func TestLibrarySignsInTwentyTimes(t *testing.T) {
	t.Parallel()
	tap := tapped(t, "InitiateAuth", "RespondToAuthChallenge")
	user := newUser(t, true)
	for range 20 {
		signIn(t, newClient(t, tap), latchkey.Password(user, password))
	}
}
