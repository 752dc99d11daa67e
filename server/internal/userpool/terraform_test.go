package userpool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// What Terraform's AWS provider calls for a resource, in its order.

// readPool is the provider's read of aws_cognito_user_pool.
func (w *world) readPool(id string) (*wire.UserPoolType, *wire.GetUserPoolMfaConfigResponse) {
	w.t.Helper()
	pool := must[wire.DescribeUserPoolResponse](w, "DescribeUserPool", &wire.DescribeUserPoolRequest{UserPoolId: id}).UserPool
	mfa := must[wire.GetUserPoolMfaConfigResponse](w, "GetUserPoolMfaConfig", &wire.GetUserPoolMfaConfigRequest{UserPoolId: id})
	pool.LastModifiedDate = wire.Time{}
	return pool, mfa
}

func ofPools(operation string) string { return wire.Target(wire.UserPools, operation) }

// TestTerraformUserPool: the resource is made, a second plan is empty, and updates change
// what they are about.
func TestTerraformUserPool(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	create := &wire.CreateUserPoolRequest{PoolName: "people", Schema: []wire.SchemaAttributeType{{
		Name: "tier", AttributeDataType: "String", Mutable: new(true), Required: new(false), DeveloperOnlyAttribute: new(false),
		StringAttributeConstraints: &wire.StringAttributeConstraintsType{MinLength: "0", MaxLength: "20"},
	}}}
	create.UserPoolTags = map[string]string{"team": "red"}
	create.AutoVerifiedAttributes = []string{"email"}
	id := must[wire.CreateUserPoolResponse](w, "CreateUserPool", create).UserPool.Id
	first, mfa := w.readPool(id)
	if diff := cmp.Diff(&wire.GetUserPoolMfaConfigResponse{MfaConfiguration: "OFF"}, mfa); diff != "" {
		t.Errorf("second factors of a new pool (-want +got):\n%s", diff)
	}
	second, _ := w.readPool(id)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("a second plan is not empty (-first +second):\n%s", diff)
	}

	// An update without the tags, which separate calls set.
	update := &wire.UpdateUserPoolRequest{UserPoolId: id}
	update.AutoVerifiedAttributes = []string{"email", "phone_number"}
	must[wire.UpdateUserPoolResponse](w, "UpdateUserPool", update)
	must[wire.AddCustomAttributesResponse](w, "AddCustomAttributes", &wire.AddCustomAttributesRequest{
		UserPoolId: id, CustomAttributes: []wire.SchemaAttributeType{{Name: "plan", AttributeDataType: "String"}, {Name: "role", DeveloperOnlyAttribute: new(true)}},
	})
	must[wire.TagResourceResponse](w, ofPools("TagResource"), &wire.TagUserPoolInput{ResourceArn: first.Arn, Tags: map[string]string{"env": "dev"}})
	must[wire.UntagResourceResponse](w, ofPools("UntagResource"), &wire.UntagUserPoolInput{ResourceArn: first.Arn, TagKeys: []string{"team", "none"}})
	want := *first
	want.AutoVerifiedAttributes = update.AutoVerifiedAttributes
	want.UserPoolTags = map[string]string{"env": "dev"}
	want.SchemaAttributes = append(want.SchemaAttributes,
		wire.SchemaAttributeType{
			Name: "custom:plan", AttributeDataType: "String", DeveloperOnlyAttribute: new(false), Mutable: new(true), Required: new(false),
			StringAttributeConstraints: &wire.StringAttributeConstraintsType{},
		},
		wire.SchemaAttributeType{
			Name: "dev:custom:role", AttributeDataType: "String", DeveloperOnlyAttribute: new(true), Mutable: new(true), Required: new(false),
			StringAttributeConstraints: &wire.StringAttributeConstraintsType{},
		})
	got, _ := w.readPool(id)
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("after the updates (-want +got):\n%s", diff)
	}
	tags := must[wire.ListTagsForResourceResponse](w, ofPools("ListTagsForResource"), &wire.ListTagsForUserPoolInput{ResourceArn: first.Arn})
	if diff := cmp.Diff(map[string]string{"env": "dev"}, tags.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	must[wire.DeleteUserPoolResponse](w, "DeleteUserPool", &wire.DeleteUserPoolRequest{UserPoolId: id})
}

// TestTerraformUser: attributes that the configuration drops are deleted by their own call.
func TestTerraformUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.AliasAttributes = []string{"email"}
		p.Schema = []wire.SchemaAttributeType{
			{Name: "tier"}, {Name: "role", DeveloperOnlyAttribute: new(true)}, {Name: "badge", Mutable: new(false)}, {Name: "name", Required: new(true)},
		}
	})
	w.addUser("ann", pooltest.Attributes("email", "ann@example.com", "email_verified", "true", "custom:tier", "gold", "dev:custom:role", "reader",
		"custom:badge", "7", "name", "Ann")...)
	remove := func(names ...string) error {
		_, err := call[wire.AdminDeleteUserAttributesResponse](w, "AdminDeleteUserAttributes", &wire.AdminDeleteUserAttributesRequest{
			UserPoolId: w.pool, Username: "ann", UserAttributeNames: names,
		})
		return err
	}
	for name, text := range map[string]string{
		"name":         "Invalid user attributes: name: The attribute is required",
		"sub":          "user.sub: Attribute cannot be updated.",
		"identities":   "user.identities: Attribute cannot be updated.",
		"custom:badge": "user.custom:badge: Attribute cannot be updated.",
		"custom:none":  "Attributes did not conform to the schema: custom:none: Attribute does not exist in the schema.",
	} {
		wantException(t, remove("custom:tier", name), wire.InvalidParameterException, text)
	}
	if err := remove("email", "custom:tier", "dev:custom:role", "nickname"); err != nil {
		t.Fatal(err)
	}
	u := w.user("ann")
	for _, name := range []string{"email", "email_verified", "custom:tier", "dev:custom:role"} {
		if got := attribute(u, name); got != "" {
			t.Errorf("%s is still %q", name, got)
		}
	}
	if _, err := w.withPassword("ann@example.com", password); err == nil {
		t.Error("an address that was deleted signs in")
	}
	w.signIn("ann")
}

func TestAddCustomAttributesRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.Schema = []wire.SchemaAttributeType{{Name: "tier"}}
	})
	many := make([]wire.SchemaAttributeType, 25)
	for i := range many {
		many[i].Name = "a" + string(rune('a'+i))
	}
	for name, test := range map[string]struct {
		list []wire.SchemaAttributeType
		text string
	}{
		"existing":     {[]wire.SchemaAttributeType{{Name: "plan"}, {Name: "tier"}}, "Existing attribute already has name custom:tier."},
		"twice":        {[]wire.SchemaAttributeType{{Name: "plan"}, {Name: "plan"}}, "Existing attribute already has name custom:plan."},
		"without name": {[]wire.SchemaAttributeType{{}}, "Invalid schema: an attribute has no name."},
		"required":     {[]wire.SchemaAttributeType{{Name: "plan", Required: new(true)}}, "Required custom attributes are not supported currently."},
		"bounds":       {[]wire.SchemaAttributeType{{Name: "plan", NumberAttributeConstraints: &wire.NumberAttributeConstraintsType{MinValue: "2", MaxValue: "1"}}}, "Invalid schema: the bounds of attribute plan must be numbers, the smaller first."},
	} {
		_, err := call[wire.AddCustomAttributesResponse](w, "AddCustomAttributes", &wire.AddCustomAttributesRequest{UserPoolId: w.pool, CustomAttributes: test.list})
		if err == nil || err.Error() != wire.InvalidParameterException+": "+test.text {
			t.Errorf("%s: %v, want %s", name, err, test.text)
		}
	}
	for i := range 2 {
		_, err := call[wire.AddCustomAttributesResponse](w, "AddCustomAttributes", &wire.AddCustomAttributesRequest{UserPoolId: w.pool, CustomAttributes: many})
		if i == 0 && err != nil || i == 1 && !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("25 attributes, time %d: %v", i+1, err)
		}
		for j := range many {
			many[j].Name = "b" + many[j].Name[1:]
		}
	}
}

func TestUserPoolTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	pool, _ := w.readPool(w.pool)
	tags := map[string]string{}
	for i := range 50 {
		tags["t"+string(rune('A'+i))] = "v"
	}
	tag := func(arn string, tags map[string]string) error {
		_, err := call[wire.TagResourceResponse](w, ofPools("TagResource"), &wire.TagUserPoolInput{ResourceArn: arn, Tags: tags})
		return err
	}
	if err := tag(pool.Arn, tags); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"too many":       tag(pool.Arn, map[string]string{"more": "v"}),
		"pinned":         tag(pool.Arn, map[string]string{"_custom_id_": "us-east-1_Example01"}),
		"other resource": tag("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/x", tags),
		"other region":   tag("arn:aws:cognito-idp:eu-west-1:000000000000:userpool/"+w.pool, tags),
	} {
		if !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantException(t, tag("arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_None", tags), wire.ResourceNotFoundException, "User pool us-east-1_None does not exist.")
	list := must[wire.ListTagsForResourceResponse](w, ofPools("ListTagsForResource"), &wire.ListTagsForUserPoolInput{ResourceArn: pool.Arn})
	if diff := cmp.Diff(tags, list.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
