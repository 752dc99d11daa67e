package awssdk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestUserAdministration(t *testing.T) {
	t.Parallel()
	a, pool, user := admin(t), local.Up().UserPoolID, newUser(t)
	_, err := a.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress,
	})
	refused[*types.UsernameExistsException](t, err, "User account already exists")
	_, err = a.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{
		UserPoolId: &pool, Username: &user, UserAttributes: attributes("given_name", "Grace", "email", user+"@example.org"),
	})
	check(t, err)
	out, err := a.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	same(t, "Username", *out.Username, user)
	same(t, "UserStatus", out.UserStatus, types.UserStatusTypeConfirmed)
	same(t, "Enabled", out.Enabled, true)
	found := map[string]string{}
	for _, attribute := range out.UserAttributes {
		found[*attribute.Name] = *attribute.Value
	}
	same(t, "given_name", found["given_name"], "Grace")
	same(t, "email", found["email"], user+"@example.org")
	same(t, "sub has the shape of a UUID", len(found["sub"]), 36)
	same(t, "modified before created", out.UserLastModifiedDate.Before(*out.UserCreateDate), false)
	same(t, "given_name in the ID token", claims(t, signIn(t, user, password).IdToken)["given_name"], any("Grace"))

	_, err = a.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{UserPoolId: &pool, Username: &user})
	refused[*types.NotAuthorizedException](t, err, "User cannot be confirmed. Current status is CONFIRMED")
	_, err = a.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	_, err = a.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &user})
	refused[*types.UserNotFoundException](t, err, "User does not exist.")
}

func TestUnknownAttributeIsRefused(t *testing.T) {
	t.Parallel()
	user := newUser(t)
	_, err := admin(t).AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{
		UserPoolId: aws.String(local.Up().UserPoolID), Username: &user, UserAttributes: attributes("favourite", "tea"),
	})
	refused[*types.InvalidParameterException](t, err,
		"Attributes did not conform to the schema: favourite: Attribute does not exist in the schema.\n")
}

func TestAdministratorEndsSessions(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), local.Up().UserPoolID
	for name, act := range map[string]func(user string) error{
		"AdminDisableUser": func(user string) error {
			_, err := a.AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &pool, Username: &user})
			return err
		},
		"AdminSetUserPassword": func(user string) error {
			_, err := a.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
				UserPoolId: &pool, Username: &user, Password: aws.String("Other-Horse-10"), Permanent: true,
			})
			return err
		},
		"AdminResetUserPassword": func(user string) error {
			_, err := a.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: &user})
			return err
		},
		"AdminDeleteUser": func(user string) error {
			_, err := a.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: &user})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			user := newUser(t)
			tokens := signIn(t, user, password)
			check(t, act(user))
			if _, err := public(t).GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken}); err == nil {
				t.Error("the access token is still good")
			}
			if _, err := public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, tokens.RefreshToken)); err == nil {
				t.Error("the refresh token is still good")
			}
		})
	}
}

func TestUsersAreListed(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	want := []string{}
	for i := range 7 {
		user := fmt.Sprintf("user%d", i)
		_, err := a.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
			UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress,
			UserAttributes: attributes("email", fmt.Sprintf("%c%d@example.com", "ab"[i%2], i), "name", `Quote " and \ `+user),
		})
		check(t, err)
		want = append(want, user)
	}
	pages := cip.NewListUsersPaginator(a, &cip.ListUsersInput{UserPoolId: &pool, Limit: aws.Int32(3)})
	got, turns := []string{}, 0
	for ; pages.HasMorePages(); turns++ {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		got = append(got, names(page.Users)...)
	}
	slices.Sort(got)
	same(t, "users", fmt.Sprint(got), fmt.Sprint(want))
	same(t, "pages", turns, 3)

	for filter, want := range map[string][]string{
		`username = "user3"`:                     {"user3"},
		`email ^= "a"`:                           {"user0", "user2", "user4", "user6"},
		`email="b5@example.com"`:                 {"user5"},
		`name = "Quote \" and \\ user1"`:         {"user1"},
		`cognito:user_status = "CONFIRMED"`:      {},
		`status = "Enabled"`:                     {"user0", "user1", "user2", "user3", "user4", "user5", "user6"},
		`email ^= "a" `:                          {"user0", "user2", "user4", "user6"},
		`username = "user1\" or username ^= \""`: {},
	} {
		page, err := a.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool, Filter: &filter, AttributesToGet: []string{"email"}})
		check(t, err)
		found := names(page.Users)
		slices.Sort(found)
		same(t, filter, fmt.Sprint(found), fmt.Sprint(want))
		for _, user := range page.Users {
			same(t, "attributes shown", len(user.Attributes), 1)
		}
	}
	_, err := a.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String("email")})
	refused[*types.InvalidParameterException](t, err, "Error while parsing filter")
	_, err = a.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool, PaginationToken: aws.String("AAAA")})
	if err == nil {
		t.Error("a pagination token that nobody gave was taken")
	}
}

func names(users []types.UserType) []string {
	list := []string{}
	for _, user := range users {
		list = append(list, *user.Username)
	}
	return list
}
