package awssdk

import (
	"context"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// newPool makes a pool that lives as long as the test.
func newPool(t *testing.T) string {
	t.Helper()
	out, err := admin(t).CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String(name("pool"))})
	check(t, err)
	id := *out.UserPool.Id
	a := admin(t)
	t.Cleanup(func() {
		if _, err := a.DeleteUserPool(context.Background(), &cip.DeleteUserPoolInput{UserPoolId: &id}); err != nil {
			t.Error(err)
		}
	})
	return id
}

func TestUserPoolAdministration(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	if !regexp.MustCompile(`^us-east-1_[0-9A-Za-z]{9}$`).MatchString(pool) {
		t.Errorf("the pool's id is %q", pool)
	}
	_, err := a.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{
		UserPoolId: &pool, UserPoolTags: map[string]string{"stage": "test"},
		Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{
			MinimumLength: aws.Int32(12), RequireNumbers: true, TemporaryPasswordValidityDays: 3,
		}},
	})
	check(t, err)
	out, err := a.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &pool})
	check(t, err)
	policy := out.UserPool.Policies.PasswordPolicy
	same(t, "MinimumLength", aws.ToInt32(policy.MinimumLength), 12)
	same(t, "RequireNumbers", policy.RequireNumbers, true)
	same(t, "RequireUppercase", policy.RequireUppercase, false)
	same(t, "tag", out.UserPool.UserPoolTags["stage"], "test")
	same(t, "Arn", aws.ToString(out.UserPool.Arn), "arn:aws:cognito-idp:us-east-1:000000000000:userpool/"+pool)
	same(t, "creation is dated", aws.ToTime(out.UserPool.CreationDate).IsZero(), false)

	// The policy is in force, not only kept.
	user := newUserWith(t, pool, "only letters and 1 digit")
	_, err = a.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &user, Password: aws.String("shorter-1"), Permanent: true,
	})
	refused[*types.InvalidPasswordException](t, err, "Password did not conform with policy: Password not long enough")
}

func newUserWith(t *testing.T, pool, password string) string {
	t.Helper()
	user := name("user")
	_, err := admin(t).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &user, MessageAction: types.MessageActionTypeSuppress, TemporaryPassword: &password,
	})
	check(t, err)
	return user
}

func TestUserPoolsAreListed(t *testing.T) {
	t.Parallel()
	want := map[string]bool{newPool(t): false, newPool(t): false, newPool(t): false, local.Up().UserPoolID: false}
	pages := cip.NewListUserPoolsPaginator(admin(t), &cip.ListUserPoolsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		for _, pool := range page.UserPools {
			want[*pool.Id] = true
		}
	}
	for id, found := range want {
		if !found {
			t.Errorf("%s is not listed", id)
		}
	}
}

func TestDeletedUserPoolIsGone(t *testing.T) {
	t.Parallel()
	a := admin(t)
	out, err := a.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("short-lived")})
	check(t, err)
	id := out.UserPool.Id
	_, err = a.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: id})
	check(t, err)
	_, err = a.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: id})
	refused[*types.ResourceNotFoundException](t, err, "User pool "+*id+" does not exist.")
}

func TestPinnedIds(t *testing.T) {
	t.Parallel()
	a, want := admin(t), "us-east-1_Pinned123"
	out, err := a.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("pinned"), UserPoolTags: map[string]string{"_custom_id_": want},
	})
	check(t, err)
	same(t, "pool id", *out.UserPool.Id, want)
	c, err := a.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &want, ClientName: aws.String("_custom_id_:pinnedclient"),
	})
	check(t, err)
	same(t, "client id", *c.UserPoolClient.ClientId, "pinnedclient")
	_, err = a.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &want})
	check(t, err)
}
