package awssdk

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// TestOtherNamesOfAUser signs in under the names that the service's own pool
// allows, which always end in the same user.
func TestOtherNamesOfAUser(t *testing.T) {
	t.Parallel()
	user, pool := newUser(t), local.Up().UserPoolID
	sub := claims(t, signIn(t, user, password).AccessToken)["sub"].(string)
	for what, login := range map[string]string{
		"capitals": strings.ToUpper(user), "e-mail": user + "@example.com", "sub": sub,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got, err := admin(t).AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &login})
			check(t, err)
			same(t, "Username", aws.ToString(got.Username), user)
			if what != "sub" {
				same(t, "username", claims(t, signIn(t, login, password).AccessToken)["username"], any(user))
			}
		})
	}
	second := name("second")
	_, err := admin(t).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &second, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: attributes("email", user+"@example.com", "email_verified", "true"),
	})
	// The model does not declare what the API reference says of ForceAliasCreation.
	refusedAs(t, err, "AliasExistsException")
}

// TestUnverifiedAddressIsNoName gives two users one address that neither has
// shown to be theirs.
func TestUnverifiedAddressIsNoName(t *testing.T) {
	t.Parallel()
	pool, address := local.Up().UserPoolID, name("shared")+"@example.com"
	for range 2 {
		user := name("user")
		_, err := admin(t).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
			UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress,
			TemporaryPassword: aws.String(password), UserAttributes: attributes("email", address),
		})
		check(t, err)
	}
	_, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, address, password))
	refused[*types.NotAuthorizedException](t, err, "Incorrect username or password.")
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	a, pool, user := admin(t), local.Up().UserPoolID, name("invited")
	created, err := a.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress})
	check(t, err)
	same(t, "UserStatus", created.User.UserStatus, types.UserStatusTypeForceChangePassword)
	_, err = a.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &user, Password: aws.String(password)})
	check(t, err)
	out, err := public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
	check(t, err)
	same(t, "ChallengeName", out.ChallengeName, types.ChallengeNameTypeNewPasswordRequired)
	_, err = a.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeResend, TemporaryPassword: aws.String("Temporary-2"),
	})
	check(t, err)
	out, err = public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, "Temporary-2"))
	check(t, err)
	same(t, "ChallengeName", out.ChallengeName, types.ChallengeNameTypeNewPasswordRequired)
	_, err = public(t).InitiateAuth(t.Context(), passwordAuth(local.Up().ClientID, user, password))
	refused[*types.NotAuthorizedException](t, err, "Incorrect username or password.")
}

func TestCustomAttributes(t *testing.T) {
	t.Parallel()
	a := admin(t)
	pool, err := a.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String(name("custom")),
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("tenant"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
			{Name: aws.String("seats"), AttributeDataType: types.AttributeDataTypeNumber, Mutable: aws.Bool(true),
				NumberAttributeConstraints: &types.NumberAttributeConstraintsType{MinValue: aws.String("1"), MaxValue: aws.String("9")}},
		},
	})
	check(t, err)
	id := pool.UserPool.Id
	c, err := a.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: id, ClientName: aws.String("reads tenant"), ReadAttributes: []string{"custom:tenant"},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
	})
	check(t, err)
	user := newUserIn(t, *id)
	update := func(pairs ...string) error {
		_, err := a.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{UserPoolId: id, Username: &user, UserAttributes: attributes(pairs...)})
		return err
	}
	check(t, update("custom:tenant", "acme", "custom:seats", "7"))
	refusedAs(t, update("custom:seats", "10"), "InvalidParameterException")
	identity := claims(t, signInTo(t, c.UserPoolClient, user).IdToken)
	same(t, "custom:tenant", identity["custom:tenant"], any("acme"))
	same(t, "custom:seats, which the client may not read", identity["custom:seats"], nil)
	same(t, "email, which the client may not read", identity["email"], nil)
	_, err = a.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: id})
	check(t, err)
}
