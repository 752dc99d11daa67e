package awssdk

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code reads the newest code for an address from the outbox page, as a person does.
func code(t *testing.T, address string) *string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, local.Up().Endpoint+"/outbox", nil)
	check(t, err)
	answer, err := http.DefaultClient.Do(request)
	check(t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	check(t, err)
	_, message, found := strings.Cut(string(page), address)
	_, text, _ := strings.Cut(message, "<pre>")
	digits := sixDigits.FindString(text)
	if !found || digits == "" {
		t.Fatalf("the outbox has no code for %s", address)
	}
	return &digits
}

// TestSignUpAndForgottenPassword is an account's whole life, by the SDK.
func TestSignUpAndForgottenPassword(t *testing.T) {
	t.Parallel()
	p, app, user := public(t), local.Up().ClientID, name("person")
	address := user + "@example.com"
	signUp := &cip.SignUpInput{ClientId: &app, Username: &user, Password: aws.String(password), UserAttributes: attributes("email", address)}
	out, err := p.SignUp(t.Context(), signUp)
	check(t, err)
	same(t, "UserConfirmed", out.UserConfirmed, false)
	same(t, "destination", *out.CodeDeliveryDetails.Destination, address[:1]+"***@e***")
	same(t, "medium", out.CodeDeliveryDetails.DeliveryMedium, types.DeliveryMediumTypeEmail)
	_, err = p.SignUp(t.Context(), signUp)
	refused[*types.UsernameExistsException](t, err, "User already exists")
	_, err = p.InitiateAuth(t.Context(), passwordAuth(app, user, password))
	refused[*types.UserNotConfirmedException](t, err, "User is not confirmed.")
	_, err = p.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &app, Username: &user, ConfirmationCode: aws.String("not-it")})
	refused[*types.CodeMismatchException](t, err, "Invalid verification code provided, please try again.")
	_, err = p.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &app, Username: &user})
	check(t, err)
	_, err = p.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &app, Username: &user, ConfirmationCode: code(t, address)})
	check(t, err)
	signIn(t, address, password) // the alias is verified

	_, err = p.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &app, Username: &user})
	check(t, err)
	confirm := &cip.ConfirmForgotPasswordInput{ClientId: &app, Username: &user, ConfirmationCode: code(t, address), Password: aws.String("weak")}
	_, err = p.ConfirmForgotPassword(t.Context(), confirm)
	refused[*types.InvalidParameterException](t, err, "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6")
	confirm.Password = aws.String("Another-Horse-7")
	_, err = p.ConfirmForgotPassword(t.Context(), confirm)
	check(t, err)
	tokens := signIn(t, user, "Another-Horse-7")

	moved := "moved-" + address
	updated, err := p.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: tokens.AccessToken, UserAttributes: attributes("email", moved, "nickname", "N")})
	check(t, err)
	same(t, "codes sent", len(updated.CodeDeliveryDetailsList), 1)
	_, err = p.GetUserAttributeVerificationCode(t.Context(), &cip.GetUserAttributeVerificationCodeInput{AccessToken: tokens.AccessToken, AttributeName: aws.String("email")})
	check(t, err)
	_, err = p.VerifyUserAttribute(t.Context(), &cip.VerifyUserAttributeInput{AccessToken: tokens.AccessToken, AttributeName: aws.String("email"), Code: code(t, moved)})
	check(t, err)
	_, err = p.DeleteUserAttributes(t.Context(), &cip.DeleteUserAttributesInput{AccessToken: tokens.AccessToken, UserAttributeNames: []string{"nickname"}})
	check(t, err)
	_, err = p.DeleteUser(t.Context(), &cip.DeleteUserInput{AccessToken: tokens.AccessToken})
	check(t, err)
	_, err = p.GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken})
	if err == nil {
		t.Error("a deleted user's token is good")
	}
}

// TestConfirmedByAdministrator: who signed up needs no code then.
func TestConfirmedByAdministrator(t *testing.T) {
	t.Parallel()
	app, pool, user := local.Up().ClientID, local.Up().UserPoolID, name("person")
	_, err := public(t).SignUp(t.Context(), &cip.SignUpInput{ClientId: &app, Username: &user, Password: aws.String(password)})
	check(t, err)
	_, err = admin(t).AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	signIn(t, user, password)
}

// TestDomainsAndResourceServers are what the sign-in pages and machine clients need.
func TestDomainsAndResourceServers(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	domain := name("domain")
	_, err := a.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &domain})
	check(t, err)
	described, err := a.DescribeUserPoolDomain(t.Context(), &cip.DescribeUserPoolDomainInput{Domain: &domain})
	check(t, err)
	same(t, "pool of the domain", *described.DomainDescription.UserPoolId, pool)
	_, err = a.UpdateUserPoolDomain(t.Context(), &cip.UpdateUserPoolDomainInput{UserPoolId: &pool, Domain: &domain, ManagedLoginVersion: aws.Int32(1)})
	check(t, err)
	_, err = a.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: &domain})
	check(t, err)

	id := "https://notes.example.com"
	scopes := []types.ResourceServerScopeType{{ScopeName: aws.String("read"), ScopeDescription: aws.String("read notes")}}
	_, err = a.CreateResourceServer(t.Context(), &cip.CreateResourceServerInput{UserPoolId: &pool, Identifier: &id, Name: aws.String("notes"), Scopes: scopes})
	check(t, err)
	_, err = a.UpdateResourceServer(t.Context(), &cip.UpdateResourceServerInput{UserPoolId: &pool, Identifier: &id, Name: aws.String("all notes"), Scopes: scopes})
	check(t, err)
	server, err := a.DescribeResourceServer(t.Context(), &cip.DescribeResourceServerInput{UserPoolId: &pool, Identifier: &id})
	check(t, err)
	same(t, "name", *server.ResourceServer.Name, "all notes")
	list, err := a.ListResourceServers(t.Context(), &cip.ListResourceServersInput{UserPoolId: &pool, MaxResults: aws.Int32(10)})
	check(t, err)
	same(t, "listed", len(list.ResourceServers), 1)
	_, err = a.DeleteResourceServer(t.Context(), &cip.DeleteResourceServerInput{UserPoolId: &pool, Identifier: &id})
	check(t, err)
}
