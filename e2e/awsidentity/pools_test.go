package awsidentity

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func setRoles(t *testing.T, pool string, mappings map[string]types.RoleMapping) {
	t.Helper()
	_, err := admin(t).SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{
		IdentityPoolId: &pool, RoleMappings: mappings,
		Roles: map[string]string{"authenticated": "arn:aws:iam::000000000000:role/user", "unauthenticated": "arn:aws:iam::000000000000:role/guest"},
	})
	check(t, err)
}

// TestPoolLife takes an identity pool from its creation to its end.
func TestPoolLife(t *testing.T) {
	t.Parallel()
	a := admin(t)
	pool := newPool(t, func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"team": "blue"} })
	shown, err := a.DescribeIdentityPool(t.Context(), &ci.DescribeIdentityPoolInput{IdentityPoolId: &pool})
	check(t, err)
	same(t, "the provider", *shown.CognitoIdentityProviders[0].ProviderName, provider())
	changed, err := a.UpdateIdentityPool(t.Context(), &ci.UpdateIdentityPoolInput{
		IdentityPoolId: &pool, IdentityPoolName: aws.String("renamed"), AllowUnauthenticatedIdentities: false,
		DeveloperProviderName: aws.String("login.example.app"),
	})
	check(t, err)
	same(t, "the name", *changed.IdentityPoolName, "renamed")
	_, err = public(t).GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool})
	refused[*types.NotAuthorizedException](t, err, "Unauthenticated access is not supported for this identity pool.")
	found := false
	for pages := ci.NewListIdentityPoolsPaginator(a, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		for _, p := range page.IdentityPools {
			found = found || *p.IdentityPoolId == pool
		}
	}
	same(t, "listed", found, true)
}

// TestPinnedPool: a tag pins a pool's id; tags come and go.
func TestPinnedPool(t *testing.T) {
	t.Parallel()
	a := admin(t)
	const id = "us-east-1:0a1b2c3d-1111-4000-8000-000000000001"
	pool := newPool(t, func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"_custom_id_": id} })
	same(t, "the id", pool, id)
	arn := aws.String("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + id)
	_, err := a.TagResource(t.Context(), &ci.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	check(t, err)
	_, err = a.UntagResource(t.Context(), &ci.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	check(t, err)
	tags, err := a.ListTagsForResource(t.Context(), &ci.ListTagsForResourceInput{ResourceArn: arn})
	check(t, err)
	same(t, "tags", len(tags.Tags), 2)
	same(t, "b", tags.Tags["b"], "2")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t, nil)
	mapping := map[string]types.RoleMapping{provider() + ":" + local.Up().ClientID: {
		Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny,
		RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{{
			Claim: aws.String("cognito:username"), MatchType: types.MappingRuleMatchTypeStartsWith,
			Value: aws.String("user-"), RoleARN: aws.String("arn:aws:iam::000000000000:role/by-name"),
		}}},
	}}
	setRoles(t, pool, mapping)
	out, err := a.GetIdentityPoolRoles(t.Context(), &ci.GetIdentityPoolRolesInput{IdentityPoolId: &pool})
	check(t, err)
	same(t, "mappings", len(out.RoleMappings), 1)
	same(t, "the guests' role", out.Roles["unauthenticated"], "arn:aws:iam::000000000000:role/guest")
	logins := signIn(t, newUser(t))
	id := getID(t, pool, logins)
	_, err = public(t).GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	check(t, err)
	_, err = public(t).GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{
		IdentityId: &id, Logins: logins, CustomRoleArn: aws.String("arn:aws:iam::000000000000:role/not-mine"),
	})
	refused[*types.NotAuthorizedException](t, err, "")
}

func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t, nil)
	_, err := a.SetPrincipalTagAttributeMap(t.Context(), &ci.SetPrincipalTagAttributeMapInput{
		IdentityPoolId: &pool, IdentityProviderName: aws.String(provider()), PrincipalTags: map[string]string{"mail": "email"},
	})
	check(t, err)
	out, err := a.GetPrincipalTagAttributeMap(t.Context(), &ci.GetPrincipalTagAttributeMapInput{
		IdentityPoolId: &pool, IdentityProviderName: aws.String(provider()),
	})
	check(t, err)
	same(t, "the claim", out.PrincipalTags["mail"], "email")
}

func TestListIdentities(t *testing.T) {
	t.Parallel()
	a, pool := admin(t), newPool(t, nil)
	want := map[string]bool{}
	for range 5 {
		want[getID(t, pool, nil)] = true
	}
	input, got := &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: aws.Int32(2), HideDisabled: true}, 0
	for {
		page, err := a.ListIdentities(t.Context(), input)
		check(t, err)
		for _, identity := range page.Identities {
			got++
			same(t, "listed of this pool", want[*identity.IdentityId], true)
		}
		if input.NextToken = page.NextToken; input.NextToken == nil {
			break
		}
	}
	same(t, "identities listed", got, 5)
	_, err := public(t).ListIdentities(t.Context(), &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: aws.Int32(2)})
	if err == nil {
		t.Error("identities are listed for everybody")
	}
}
