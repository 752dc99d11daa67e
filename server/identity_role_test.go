package server_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func roleNamed(name string) string { return "arn:aws:iam::000000000000:role/" + name }

// inGroups puts a user into groups of these precedences, with a role each.
func (w *world) inGroups(user string, precedences map[string]int32) {
	w.t.Helper()
	for name, precedence := range precedences {
		must[wire.CreateGroupResponse](w, "CreateGroup", &wire.CreateGroupRequest{
			UserPoolId: w.pool, GroupName: name, RoleArn: roleNamed(name), Precedence: &precedence,
		})
		must[wire.AdminAddUserToGroupResponse](w, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{
			UserPoolId: w.pool, Username: user, GroupName: name,
		})
	}
}

// roleOf is the role that a user gets who signs in now.
func (w *world) roleOf(user, custom string) (string, error) {
	w.t.Helper()
	login := w.login(w.signIn(user).IdToken)
	out, err := call[wire.GetCredentialsForIdentityResponse](w, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
		IdentityId: w.mustID(login), Logins: login, CustomRoleArn: custom,
	})
	if err != nil {
		return "", err
	}
	return string(out.Credentials.SecretKey), nil
}

// TestGroupsGiveRoles: the roles of a user's groups reach the identity pool in the ID token,
// the preferred one first, unless several groups have the lowest precedence.
func TestGroupsGiveRoles(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	for _, user := range []string{"none", "one", "two", "tie"} {
		w.addUser(user)
	}
	w.inGroups("one", map[string]int32{"solo": 5})
	w.inGroups("two", map[string]int32{"first": 1, "second": 2})
	w.inGroups("tie", map[string]int32{"left": 3, "right": 3})
	w.setRoles(w.identities, map[string]wire.RoleMapping{
		w.awsKey() + ":" + w.client: {Type: wire.RoleMappingToken, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
	})
	for _, test := range []struct{ user, custom, want string }{
		{"none", "", ""},
		{"tie", "", ""},
		{"tie", roleNamed("right"), roleNamed("right")},
		{"one", "", roleNamed("solo")},
		{"two", "", roleNamed("first")},
		{"two", roleNamed("second"), roleNamed("second")},
		{"two", roleNamed("solo"), ""},
	} {
		got, err := w.roleOf(test.user, test.custom)
		if test.want == "" {
			wantRefusal(t, test.user+" "+test.custom, err, wire.MessageRoleDenied)
		} else if got != test.want {
			t.Errorf("%s %s: role %q, %v; want %s", test.user, test.custom, got, err, test.want)
		}
	}
}
