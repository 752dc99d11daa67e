package accounts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// setting updates a user's attributes.
func setting(t *testing.T, c *pooltest.Console, poolID, name string, attributes ...string) error {
	t.Helper()
	_, err := c.Accounts.AdminUpdateUserAttributes(t.Context(), &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: poolID, Username: name, UserAttributes: pooltest.Attributes(attributes...)})
	return err
}

func TestAdminUpdateUserAttributes(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{Schema: []wire.SchemaAttributeType{
		{Name: "tier"}, {Name: "tenant", Mutable: new(false)}, {Name: "badge", Mutable: new(false)}, {Name: "family_name", Required: new(true)},
	}})
	before := []string{"email", "a@example.com", "email_verified", "true", "phone_number", "+15555550100",
		"phone_number_verified", "true", "custom:tenant", "red", "family_name", "Doe"}
	type attributes = map[string]string
	tests := []struct {
		name   string
		change []string
		want   attributes // what differs afterwards; empty is gone
		text   string     // of the refusal
	}{
		{"sets and keeps", []string{"custom:tier", "gold"}, attributes{"custom:tier": "gold"}, ""},
		{"new e-mail is unverified", []string{"email", "b@example.com"}, attributes{"email": "b@example.com", "email_verified": "false"}, ""},
		{"new e-mail verified by the call", []string{"email", "b@example.com", "email_verified", "True"}, attributes{"email": "b@example.com"}, ""},
		{"same e-mail stays verified", []string{"email", "a@example.com"}, attributes{}, ""},
		{"new phone is unverified", []string{"phone_number", "+15555550101"}, attributes{"phone_number": "+15555550101", "phone_number_verified": "false"}, ""},
		{"empty deletes, with its flag", []string{"email", ""}, attributes{"email": "", "email_verified": ""}, ""},
		{"deleting what is not there", []string{"nickname", ""}, attributes{}, ""},
		{"same immutable value", []string{"custom:tenant", "red"}, attributes{}, ""},
		{"required changed", []string{"family_name", "Roe"}, attributes{"family_name": "Roe"}, ""},

		{"required deleted", []string{"family_name", ""}, nil, "family_name: The attribute is required"},
		{"sub", []string{"sub", "11111111-2222-3333-4444-555555555555"}, nil, "user.sub: Attribute cannot be updated."},
		{"sub deleted", []string{"sub", ""}, nil, "sub"},
		{"identities", []string{"identities", "[]"}, nil, "user.identities: Attribute cannot be updated."},
		{"immutable changed", []string{"custom:tenant", "blue"}, nil, "user.custom:tenant: Attribute cannot be updated."},
		{"immutable deleted", []string{"custom:tenant", ""}, nil, "user.custom:tenant: Attribute cannot be updated."},
		{"immutable set late", []string{"custom:badge", "7"}, nil, "user.custom:badge: Attribute cannot be updated."},
		{"not in the schema", []string{"custom:nope", "x"}, nil, "custom:nope: Attribute does not exist in the schema."},
		{"twice", []string{"nickname", "x", "nickname", "y"}, nil, "Duplicate attribute: nickname"},
		{"flag without e-mail", []string{"email", "", "email_verified", "true"}, nil, "Email is required to verify"},
		{"flag without phone", []string{"phone_number", "", "phone_number_verified", "true"}, nil, "Phone Number is required to verify"},
		{"flag that is none", []string{"email_verified", "maybe"}, nil, "Boolean must be true or false"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := "user" + string(rune('a'+i))
			old := c.User(t, id, name, before...)
			err := setting(t, c, id, name, tt.change...)
			got := c.Stored(t, id, name)
			if tt.text != "" {
				wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
				if diff := cmp.Diff(old, got); diff != "" {
					t.Errorf("a refused change changed the user (-before +after):\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := old.Attributes
			for name, value := range tt.want {
				if want[name] = value; value == "" {
					delete(want, name)
				}
			}
			if diff := cmp.Diff(want, got.Attributes); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if !got.ModifiedAt.After(old.ModifiedAt) {
				t.Error("the time of modification did not grow")
			}
		})
	}
}

func TestAliasFollowsAttributes(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "preferred_username"}})
	alice := c.User(t, id, "alice", "email", "a@example.com")
	bob := c.User(t, id, "bob", "email", "b@example.com", "email_verified", "true")
	finds := func(name string) string {
		t.Helper()
		out, err := c.Accounts.AdminGetUser(t.Context(), &wire.AdminGetUserRequest{UserPoolId: id, Username: name})
		if err != nil {
			wiretest.WantException(t, err, wire.UserNotFoundException, "User does not exist.")
			return ""
		}
		return out.Username
	}
	if got := finds("a@example.com"); got != "" {
		t.Errorf("an unverified e-mail finds %q", got)
	}
	if err := setting(t, c, id, "alice", "email_verified", "true", "preferred_username", "Al"); err != nil {
		t.Fatal(err)
	}
	if got := finds("a@example.com") + finds("Al"); got != "alicealice" {
		t.Errorf("aliases find %q, want alice twice", got)
	}
	refusals := []struct{ name, attribute, value, text string }{
		{"alice", "email", "b@example.com", ""}, // as long as it is not verified
		{"alice", "email_verified", "true", "An account with the email already exists."},
		{"bob", "preferred_username", "Al", "An account with the preferred_username already exists."},
		{"bob", "preferred_username", "alice", "An account with the preferred_username already exists."},
		{"bob", "preferred_username", alice.Sub, "An account with the preferred_username already exists."},
		{"bob", "preferred_username", bob.Sub, ""},
		{"bob", "preferred_username", "bob", ""},
	}
	for _, r := range refusals {
		err := setting(t, c, id, r.name, r.attribute, r.value)
		switch {
		case r.text != "":
			wiretest.WantException(t, err, wire.AliasExistsException, r.text)
		case err != nil:
			t.Errorf("%s = %s of %s: %v", r.attribute, r.value, r.name, err)
		}
	}
	if got := finds("a@example.com"); got != "" {
		t.Errorf("an address that was given up finds %q", got)
	}
}

func TestContactAsUsername(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email", "phone_number"}})
	alice := c.User(t, id, "a@example.com")
	c.User(t, id, "b@example.com")
	wiretest.WantException(t, setting(t, c, id, "a@example.com", "email", ""), wire.InvalidParameterException, "can be changed and not be deleted")
	wiretest.WantException(t, setting(t, c, id, "a@example.com", "email", "b@example.com"), wire.AliasExistsException, "An account with the email already exists.")
	if err := setting(t, c, id, "a@example.com", "email", "", "phone_number", "+15555550100"); err != nil {
		t.Fatal(err)
	}
	got := c.Stored(t, id, "+15555550100")
	want := []string{"username:" + alice.Sub, "phone_number:+15555550100"}
	if diff := cmp.Diff(want, got.Logins); diff != "" || got.Sub != alice.Sub {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}
