package awssdk

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

func TestAddedAttributeIsWrittenAndDeleted(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	_, err := a.AddCustomAttributes(t.Context(), &cip.AddCustomAttributesInput{UserPoolId: &pool, CustomAttributes: []types.SchemaAttributeType{{
		Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true),
	}}})
	check(t, err)
	user := newUserIn(t, pool)
	_, err = a.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{
		UserPoolId: &pool, Username: &user, UserAttributes: attributes("custom:plan", "pro"),
	})
	check(t, err)
	same(t, "custom:plan", attributesOf(t, pool, user)["custom:plan"], "pro")
	_, err = a.AdminDeleteUserAttributes(t.Context(), &cip.AdminDeleteUserAttributesInput{
		UserPoolId: &pool, Username: &user, UserAttributeNames: []string{"custom:plan"},
	})
	check(t, err)
	if value, ok := attributesOf(t, pool, user)["custom:plan"]; ok {
		t.Errorf("custom:plan is %q after it was deleted", value)
	}
}

func attributesOf(t *testing.T, pool, user string) map[string]string {
	t.Helper()
	out, err := admin(t).AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &user})
	check(t, err)
	found := map[string]string{}
	for _, attribute := range out.UserAttributes {
		found[*attribute.Name] = *attribute.Value
	}
	return found
}

func TestUserPoolTags(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t)
	out, err := a.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &pool})
	check(t, err)
	arn := out.UserPool.Arn
	_, err = a.TagResource(t.Context(), &cip.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"env": "dev", "team": "auth"}})
	check(t, err)
	_, err = a.UntagResource(t.Context(), &cip.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"team"}})
	check(t, err)
	list, err := a.ListTagsForResource(t.Context(), &cip.ListTagsForResourceInput{ResourceArn: arn})
	check(t, err)
	if !maps.Equal(list.Tags, map[string]string{"env": "dev"}) {
		t.Errorf("tags are %v", list.Tags)
	}
}

func TestMfaConfigIsOff(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	out, err := admin(t).GetUserPoolMfaConfig(t.Context(), &cip.GetUserPoolMfaConfigInput{UserPoolId: &pool})
	check(t, err)
	same(t, "MfaConfiguration", out.MfaConfiguration, types.UserPoolMfaTypeOff)
}
