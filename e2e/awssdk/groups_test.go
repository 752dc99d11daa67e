package awssdk

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestGroupAdministration(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	for i := range 3 {
		_, err := a.CreateGroup(t.Context(), &cip.CreateGroupInput{
			UserPoolId: &pool, GroupName: aws.String(fmt.Sprint("group", i)), Precedence: aws.Int32(int32(i)),
		})
		check(t, err)
	}
	group := aws.String("group1")
	_, err := a.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &pool, GroupName: group})
	refused[*types.GroupExistsException](t, err, "A group with the name already exists.")
	_, err = a.UpdateGroup(t.Context(), &cip.UpdateGroupInput{UserPoolId: &pool, GroupName: group, Description: aws.String("changed")})
	check(t, err)
	got, err := a.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &pool, GroupName: group})
	check(t, err)
	same(t, "Description", aws.ToString(got.Group.Description), "changed")
	same(t, "Precedence", aws.ToInt32(got.Group.Precedence), 1)

	listed := 0
	pages := cip.NewListGroupsPaginator(a, &cip.ListGroupsInput{UserPoolId: &pool, Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		listed += len(page.Groups)
	}
	same(t, "groups listed", listed, 3)
	_, err = a.DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: group})
	check(t, err)
	_, err = a.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &pool, GroupName: group})
	refused[*types.ResourceNotFoundException](t, err, "Group not found.")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	group := aws.String("readers")
	_, err := a.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &pool, GroupName: group})
	check(t, err)
	users := []string{newUserIn(t, pool), newUserIn(t, pool), newUserIn(t, pool)}
	for _, user := range users {
		_, err := a.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: group, Username: &user})
		check(t, err)
	}
	members := 0
	pages := cip.NewListUsersInGroupPaginator(a, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: group, Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		members += len(page.Users)
	}
	same(t, "members", members, 3)
	_, err = a.AdminRemoveUserFromGroup(t.Context(), &cip.AdminRemoveUserFromGroupInput{UserPoolId: &pool, GroupName: group, Username: &users[0]})
	check(t, err)
	for i, user := range users {
		out, err := a.AdminListGroupsForUser(t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: &user})
		check(t, err)
		same(t, "groups of "+user, len(out.Groups), min(i, 1))
	}
	_, err = a.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: aws.String("none"), Username: &users[0]})
	refused[*types.ResourceNotFoundException](t, err, "Group not found.")
}

func TestGroupsAreInTheTokens(t *testing.T) {
	t.Parallel()
	a, pool, user, group := admin(t), local.Up().UserPoolID, newUser(t), name("group")
	role := "arn:aws:iam::000000000000:role/reader"
	_, err := a.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &pool, GroupName: &group, RoleArn: &role, Precedence: aws.Int32(3)})
	check(t, err)
	before := signIn(t, user, password)
	same(t, "cognito:groups before", claims(t, before.AccessToken)["cognito:groups"] == nil, true)
	_, err = a.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: &group, Username: &user})
	check(t, err)
	out, err := public(t).InitiateAuth(t.Context(), refreshAuth(local.Up().ClientID, before.RefreshToken))
	check(t, err)
	for use, token := range map[string]*string{"access": out.AuthenticationResult.AccessToken, "id": out.AuthenticationResult.IdToken} {
		same(t, "cognito:groups of the "+use+" token", fmt.Sprint(claims(t, token)["cognito:groups"]), "["+group+"]")
	}
	id := claims(t, out.AuthenticationResult.IdToken)
	same(t, "cognito:preferred_role", id["cognito:preferred_role"], any(role))
	same(t, "cognito:roles", fmt.Sprint(id["cognito:roles"]), "["+role+"]")
	same(t, "roles in the access token", claims(t, out.AuthenticationResult.AccessToken)["cognito:roles"] == nil, true)
}
