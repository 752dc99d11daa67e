package accounts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

func TestListUsersFilter(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)},
		Schema:                []wire.SchemaAttributeType{{Name: "tier"}},
	})
	alice := c.User(t, id, "Alice", "email", "alice@example.com", "given_name", "Al", "custom:tier", "gold")
	c.User(t, id, "bob", "email", "bob@example.com", "given_name", "Al%", "phone_number", "+15555550100")
	c.User(t, id, "carol", "given_name", "x' OR '1'='1")
	pooltest.Must(c.Accounts.AdminDisableUser(t.Context(), &wire.AdminDisableUserRequest{UserPoolId: id, Username: "carol"}))(t)
	pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{
		UserPoolId: id, Username: "bob", Password: "Correct-h0rse", Permanent: true}))(t)

	tests := []struct {
		filter string
		want   []string
	}{
		{"", []string{"alice", "bob", "carol"}},
		{`username = "ALICE"`, []string{"alice"}},
		{`username ^= "Al"`, []string{"alice"}},
		{`email = "bob@example.com"`, []string{"bob"}},
		{`email ^= ""`, []string{"alice", "bob"}},
		{`given_name = "Al"`, []string{"alice"}},
		{`given_name ^= "Al"`, []string{"alice", "bob"}},
		{`given_name = "Al%"`, []string{"bob"}},
		{`given_name = "x' OR '1'='1"`, []string{"carol"}},
		{`status = "Disabled"`, []string{"carol"}},
		{`status = "Enabled"`, []string{"alice", "bob"}},
		{`cognito:user_status = "confirmed"`, []string{"bob"}},
		{`sub = "` + alice.Sub + `"`, []string{"alice"}},
		{`phone_number ^= "+1"`, []string{"bob"}},
		{`name = "nobody"`, nil},
	}
	for _, tt := range tests {
		out := pooltest.Must(c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: id, Filter: tt.filter}))(t)
		var got []string
		for _, u := range out.Users {
			got = append(got, u.Username)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.filter, diff)
		}
	}
	_, err := c.Accounts.ListUsers(t.Context(), &wire.ListUsersRequest{UserPoolId: id, Filter: `custom:tier = "gold"`})
	wiretest.WantException(t, err, wire.InvalidParameterException, "Invalid search attribute: custom:tier")

	in := &wire.ListUsersRequest{UserPoolId: id, Filter: `username = "alice"`, AttributesToGet: []string{"custom:tier", "birthdate"}}
	shown := pooltest.Must(c.Accounts.ListUsers(t.Context(), in))(t).Users[0].Attributes
	if diff := cmp.Diff(pooltest.Attributes("custom:tier", "gold"), shown); diff != "" {
		t.Errorf("AttributesToGet (-want +got):\n%s", diff)
	}
	in.AttributesToGet = []string{"custom:colour"}
	_, err = c.Accounts.ListUsers(t.Context(), in)
	wiretest.WantException(t, err, wire.InvalidParameterException, "One or more requested attributes do not exist")
}
