package identitypool_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func (h *harness) describeIdentity(id string) *wire.DescribeIdentityResponse {
	h.t.Helper()
	return must[wire.DescribeIdentityResponse](h, "DescribeIdentity", &wire.DescribeIdentityRequest{IdentityId: id})
}

// TestIdentityPoolLife takes a pool from its creation to its end.
func TestIdentityPoolLife(t *testing.T) {
	t.Parallel()
	h := newService(t, nil)
	settings := wire.IdentityPoolSettings{
		IdentityPoolName: "first pool", AllowUnauthenticatedIdentities: new(false), AllowClassicFlow: new(false),
		SupportedLoginProviders:   map[string]string{"accounts.google.com": "a.apps.googleusercontent.com,b.apps.googleusercontent.com"},
		DeveloperProviderName:     "login.example.app",
		OpenIdConnectProviderARNs: []string{"arn:aws:iam::123456789012:oidc-provider/idp.example.com/realms/x"},
		SamlProviderARNs:          []string{"arn:aws:iam::123456789012:saml-provider/corp"},
		CognitoIdentityProviders:  []wire.CognitoIdentityProvider{{ProviderName: h.issuerKey(), ClientId: fakeClient, ServerSideTokenCheck: new(false)}},
		IdentityPoolTags:          map[string]string{"team": "blue"},
	}
	made := must[wire.CreateIdentityPoolResponse](h, "CreateIdentityPool", &wire.CreateIdentityPoolRequest{IdentityPoolSettings: settings})
	if diff := cmp.Diff(settings, made.IdentityPoolSettings); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	describe := func() wire.IdentityPoolSettings {
		t.Helper()
		return must[wire.DescribeIdentityPoolResponse](h, "DescribeIdentityPool", &wire.DescribeIdentityPoolRequest{IdentityPoolId: made.IdentityPoolId}).IdentityPoolSettings
	}
	if diff := cmp.Diff(settings, describe()); diff != "" {
		t.Errorf("described (-want +got):\n%s", diff)
	}
	h.setRoles(made.IdentityPoolId, nil)
	changed := wire.IdentityPoolSettings{
		IdentityPoolName: "renamed", AllowUnauthenticatedIdentities: new(true), AllowClassicFlow: new(true), DeveloperProviderName: "login.example.app",
	}
	update := &wire.UpdateIdentityPoolRequest{IdentityPool: wire.IdentityPool{IdentityPoolId: made.IdentityPoolId, IdentityPoolSettings: changed}}
	must[wire.UpdateIdentityPoolResponse](h, "UpdateIdentityPool", update)
	changed.IdentityPoolTags = settings.IdentityPoolTags // tags have operations of their own
	if diff := cmp.Diff(changed, describe()); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	roles := must[wire.GetIdentityPoolRolesResponse](h, "GetIdentityPoolRoles", &wire.GetIdentityPoolRolesRequest{IdentityPoolId: made.IdentityPoolId})
	if roles.Roles[wire.RoleAuthenticated] != userRole {
		t.Errorf("roles after an update: %v", roles.Roles)
	}
	update.DeveloperProviderName = "other"
	_, err := call[wire.UpdateIdentityPoolResponse](h, "UpdateIdentityPool", update)
	wantType(t, "another developer provider", err, wire.InvalidParameterException)

	h.identities = made.IdentityPoolId
	guest := h.mustID(nil)
	must[wire.DeleteIdentityPoolResponse](h, "DeleteIdentityPool", &wire.DeleteIdentityPoolRequest{IdentityPoolId: made.IdentityPoolId})
	_, err = h.getCredentials(guest, nil)
	wantException(t, err, wire.ResourceNotFoundException, "Identity '"+guest+"' not found.")
	_, err = h.getID(nil)
	wantException(t, err, wire.ResourceNotFoundException, "IdentityPool '"+h.identities+"' not found.")
	_, err = call[wire.DeleteIdentityPoolResponse](h, "DeleteIdentityPool", &wire.DeleteIdentityPoolRequest{IdentityPoolId: made.IdentityPoolId})
	wantException(t, err, wire.ResourceNotFoundException, "IdentityPool '"+h.identities+"' not found.")
}

func TestIdentityPoolRefusals(t *testing.T) {
	t.Parallel()
	h := newService(t, nil)
	for name, change := range map[string]func(*wire.IdentityPoolSettings){
		"guests left open": func(s *wire.IdentityPoolSettings) { s.AllowUnauthenticatedIdentities = nil },
		"a foreign user pool": func(s *wire.IdentityPoolSettings) {
			s.CognitoIdentityProviders[0].ProviderName = "idp.example.com/us-east-1_x"
		},
		"no app client":          func(s *wire.IdentityPoolSettings) { s.CognitoIdentityProviders[0].ClientId = "" },
		"a user pool as a login": func(s *wire.IdentityPoolSettings) { s.SupportedLoginProviders = map[string]string{h.awsKey(): "x"} },
		"a login without a client": func(s *wire.IdentityPoolSettings) {
			s.SupportedLoginProviders = map[string]string{"idp.example.com": ",;"}
		},
		"an ARN of something else": func(s *wire.IdentityPoolSettings) {
			s.OpenIdConnectProviderARNs = []string{"arn:aws:iam::123456789012:role/x"}
		},
		"our name as developer's": func(s *wire.IdentityPoolSettings) { s.DeveloperProviderName = "cognito-identity.amazonaws.com" },
		"a provider as developer": func(s *wire.IdentityPoolSettings) {
			s.DeveloperProviderName = "idp.example.com"
			s.SupportedLoginProviders = map[string]string{"idp.example.com": "x"}
		},
		"a pinned id of no shape": func(s *wire.IdentityPoolSettings) {
			s.IdentityPoolTags = map[string]string{"_custom_id_": "us-east-1_Example01"}
		},
	} {
		request := &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
			IdentityPoolName: "x", AllowUnauthenticatedIdentities: new(true),
			CognitoIdentityProviders: []wire.CognitoIdentityProvider{{ProviderName: h.awsKey(), ClientId: fakeClient}},
		}}
		change(&request.IdentityPoolSettings)
		_, err := call[wire.CreateIdentityPoolResponse](h, "CreateIdentityPool", request)
		wantType(t, name, err, wire.InvalidParameterException)
	}
}

func TestPinnedIdentityPool(t *testing.T) {
	t.Parallel()
	h := newService(t, nil)
	const id = "us-east-1:0a1b2c3d-0000-4000-8000-000000000001"
	request := &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
		IdentityPoolName: "pinned", AllowUnauthenticatedIdentities: new(true), IdentityPoolTags: map[string]string{"_custom_id_": id},
	}}
	if got := must[wire.CreateIdentityPoolResponse](h, "CreateIdentityPool", request).IdentityPoolId; got != id {
		t.Errorf("id %s, want %s", got, id)
	}
	_, err := call[wire.CreateIdentityPoolResponse](h, "CreateIdentityPool", request)
	wantType(t, "the same id again", err, wire.InvalidParameterException)
	const arn = "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + id
	must[wire.TagResourceResponse](h, "TagResource", &wire.TagResourceRequest{ResourceArn: arn, Tags: map[string]string{"team": "blue", "stage": "test"}})
	must[wire.UntagResourceResponse](h, "UntagResource", &wire.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"stage", "none"}})
	tags := must[wire.ListTagsForResourceResponse](h, "ListTagsForResource", &wire.ListTagsForResourceRequest{ResourceArn: arn}).Tags
	if diff := cmp.Diff(map[string]string{"_custom_id_": id, "team": "blue"}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	_, err = call[wire.TagResourceResponse](h, "TagResource", &wire.TagResourceRequest{ResourceArn: arn, Tags: map[string]string{"_custom_id_": "us-east-1:0"}})
	wantType(t, "another pinned id", err, wire.InvalidParameterException)
	for _, bad := range []string{strings.Replace(arn, "us-east-1:000", "eu-west-1:000", 1), strings.Replace(arn, "identitypool", "userpool", 1), arn + "0"} {
		_, err = call[wire.ListTagsForResourceResponse](h, "ListTagsForResource", &wire.ListTagsForResourceRequest{ResourceArn: bad})
		if err == nil {
			t.Errorf("tags of %s", bad)
		}
	}
}

// TestIdentityLists: pages hold each entry once, tokens are of one list only.
func TestIdentityLists(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	login := h.signIn("ann", nil)
	want := []string{h.mustID(login)}
	for range 5 {
		want = append(want, h.mustID(nil))
	}
	merged := want[5]
	h.mustCredentials(merged, login)
	slices.Sort(want)
	list := func(hide bool) (got []string, first string) {
		t.Helper()
		request := &wire.ListIdentitiesRequest{IdentityPoolId: h.identities, MaxResults: new(int32(2)), HideDisabled: &hide}
		for {
			page := must[wire.ListIdentitiesResponse](h, "ListIdentities", request)
			for _, i := range page.Identities {
				got = append(got, i.IdentityId)
			}
			if first == "" {
				first = page.NextToken
			}
			if request.NextToken = page.NextToken; page.NextToken == "" {
				return got, first
			}
		}
	}
	all, token := list(false)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	enabled, _ := list(true)
	if diff := cmp.Diff(slices.DeleteFunc(slices.Clone(want), func(id string) bool { return id == merged }), enabled); diff != "" {
		t.Errorf("enabled (-want +got):\n%s", diff)
	}
	_, err := call[wire.ListIdentitiesResponse](h, "ListIdentities", &wire.ListIdentitiesRequest{
		IdentityPoolId: h.identities, MaxResults: new(int32(2)), NextToken: token, HideDisabled: new(true),
	})
	wantType(t, "the token of another list", err, wire.InvalidParameterException)
	_, err = call[wire.ListIdentityPoolsResponse](h, "ListIdentityPools", &wire.ListIdentityPoolsRequest{MaxResults: new(int32(2)), NextToken: token})
	wantType(t, "the token of a list of something else", err, wire.InvalidParameterException)

	h.addIdentityPool(nil)
	pools := must[wire.ListIdentityPoolsResponse](h, "ListIdentityPools", &wire.ListIdentityPoolsRequest{MaxResults: new(int32(1))})
	next := must[wire.ListIdentityPoolsResponse](h, "ListIdentityPools", &wire.ListIdentityPoolsRequest{MaxResults: new(int32(1)), NextToken: pools.NextToken})
	if len(pools.IdentityPools) != 1 || len(next.IdentityPools) != 1 || next.NextToken != "" || pools.IdentityPools[0] == next.IdentityPools[0] {
		t.Errorf("pools %v and %v", pools, next)
	}
}

func TestDescribeAndDeleteIdentities(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	login := h.signIn("ann", nil)
	user, guest := h.mustID(login), h.mustID(nil)
	if d := h.describeIdentity(user); !slices.Equal(d.Logins, []string{h.awsKey()}) || d.CreationDate.IsZero() || d.LastModifiedDate.IsZero() {
		t.Errorf("the user's identity: %+v", d)
	}
	if d := h.describeIdentity(guest); len(d.Logins) != 0 || d.IdentityId != guest {
		t.Errorf("the guest's identity: %+v", d)
	}
	out := must[wire.DeleteIdentitiesResponse](h, "DeleteIdentities", &wire.DeleteIdentitiesRequest{
		IdentityIdsToDelete: []string{user, guest, "us-east-1:00000000-0000-4000-8000-000000000000"},
	})
	if len(out.UnprocessedIdentityIds) != 0 {
		t.Errorf("unprocessed %v", out.UnprocessedIdentityIds)
	}
	for _, id := range []string{user, guest} {
		_, err := h.getCredentials(id, nil)
		wantException(t, err, wire.ResourceNotFoundException, "Identity '"+id+"' not found.")
	}
	if again := h.mustID(login); again == user {
		t.Error("a deleted identity came back")
	}
}

func TestUnlinkIdentity(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	anns, bobs := h.signIn("ann", nil), h.signIn("bob", nil)
	id := h.mustID(anns)
	unlink := func(logins wire.Parameters, remove ...string) error {
		_, err := call[wire.UnlinkIdentityResponse](h, "UnlinkIdentity", &wire.UnlinkIdentityRequest{
			IdentityId: id, Logins: logins, LoginsToRemove: remove,
		})
		return err
	}
	wantRefusal(t, "somebody else", unlink(bobs, h.awsKey()), wire.MessageLoginsDoNotMatch)
	wantType(t, "a login that it has not", unlink(anns, "accounts.google.com"), wire.InvalidParameterException)
	if err := unlink(anns, h.issuerKey()); err != nil {
		t.Fatal(err)
	}
	for name, logins := range map[string]wire.Parameters{"a guest": nil, "the user of before": anns, "another user": bobs} {
		_, err := h.getCredentials(id, logins)
		wantRefusal(t, name, err, "Access to Identity '"+id+"' is forbidden.")
	}
	wantRefusal(t, "again", unlink(anns, h.awsKey()), wire.MessageLoginsDoNotMatch)
	if fresh := h.mustID(anns); fresh == id {
		t.Error("the login still has the identity")
	}
}
