package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
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

func (w *world) wantRole(name, user, custom, want string) {
	w.t.Helper()
	got, err := w.roleOf(user, custom)
	if want == "" {
		wantRefusal(w.t, name, err, wire.MessageRoleDenied)
	} else if got != want {
		w.t.Errorf("%s: role %q, %v; want %s", name, got, err, want)
	}
}

// TestRoleByToken: the roles of the user's groups, the preferred one first.
func TestRoleByToken(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	for _, user := range []string{"none", "one", "two", "tie"} {
		w.addUser(user)
	}
	w.inGroups("one", map[string]int32{"solo": 5})
	w.inGroups("two", map[string]int32{"first": 1, "second": 2})
	w.inGroups("tie", map[string]int32{"left": 3, "right": 3})
	for _, resolution := range []string{wire.AmbiguousRoleAuthenticated, wire.AmbiguousRoleDeny} {
		w.setRoles(w.identities, map[string]wire.RoleMapping{
			w.awsKey() + ":" + w.client: {Type: wire.RoleMappingToken, AmbiguousRoleResolution: resolution},
		})
		ambiguous := userRole
		if resolution == wire.AmbiguousRoleDeny {
			ambiguous = ""
		}
		w.wantRole("no role, "+resolution, "none", "", ambiguous)
		w.wantRole("a tie, "+resolution, "tie", "", ambiguous)
		w.wantRole("one role", "one", "", roleNamed("solo"))
		w.wantRole("the preferred of two", "two", "", roleNamed("first"))
		w.wantRole("the other of two", "two", roleNamed("second"), roleNamed("second"))
		w.wantRole("one of a tie", "tie", roleNamed("right"), roleNamed("right"))
		w.wantRole("a role of others", "two", roleNamed("solo"), "")
		w.wantRole("the default role by name", "none", userRole, "")
	}
	// A mapping of another app client, and none.
	w.setRoles(w.identities, map[string]wire.RoleMapping{
		w.awsKey() + ":other": {Type: wire.RoleMappingToken, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
	})
	w.wantRole("another client's mapping", "two", "", userRole)
	w.wantRole("the default by name", "two", userRole, userRole)
	w.wantRole("a role of the token without a mapping", "two", roleNamed("first"), "")
	// The issuer's form of the key.
	w.setRoles(w.identities, map[string]wire.RoleMapping{
		w.issuerKey() + ":" + w.client: {Type: wire.RoleMappingToken, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
	})
	w.wantRole("mapping by issuer", "two", "", roleNamed("first"))
	guest := w.mustID(nil)
	_, err := call[wire.GetCredentialsForIdentityResponse](w, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
		IdentityId: guest, CustomRoleArn: userRole,
	})
	wantRefusal(t, "a guest who wants a user's role", err, wire.MessageRoleDenied)
}

// TestRoleByRules: the first rule that matches wins; a claim that is missing
// matches no rule.
func TestRoleByRules(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"})
	w.inGroups("ann", map[string]int32{"admins": 1, "staff": 2})
	rule := func(claim, match, value string) wire.MappingRule {
		return wire.MappingRule{Claim: claim, MatchType: match, Value: value, RoleARN: roleNamed("rule")}
	}
	set := func(resolution string, rules ...wire.MappingRule) {
		w.setRoles(w.identities, map[string]wire.RoleMapping{w.awsKey() + ":" + w.client: {
			Type: wire.RoleMappingRules, AmbiguousRoleResolution: resolution, RulesConfiguration: &wire.RulesConfigurationType{Rules: rules},
		}})
	}
	for _, c := range []struct {
		rule wire.MappingRule
		want bool
	}{
		{rule("email", wire.MatchEquals, "ann@example.com"), true},
		{rule("email", wire.MatchEquals, "ann@example.co"), false},
		{rule("email", wire.MatchStartsWith, "ann@"), true},
		{rule("email", wire.MatchStartsWith, "nn@"), false},
		{rule("email", wire.MatchContains, "example"), true},
		{rule("email", wire.MatchContains, "Example"), false},
		{rule("email", wire.MatchNotEqual, "bob@example.com"), true},
		{rule("email", wire.MatchNotEqual, "ann@example.com"), false},
		{rule("nothing", wire.MatchNotEqual, "x"), false},
		{rule("nothing", wire.MatchContains, "x"), false},
		{rule("email_verified", wire.MatchEquals, "true"), true},
		{rule("cognito:groups", wire.MatchEquals, "staff"), true},
		{rule("cognito:groups", wire.MatchContains, "dmin"), true},
		{rule("cognito:groups", wire.MatchNotEqual, "admins"), false},
		{rule("cognito:groups", wire.MatchNotEqual, "nobody"), true},
	} {
		set(wire.AmbiguousRoleDeny, c.rule)
		want := ""
		if c.want {
			want = roleNamed("rule")
		}
		w.wantRole(fmt.Sprintf("%s %s %s", c.rule.Claim, c.rule.MatchType, c.rule.Value), "ann", "", want)
	}
	second := rule("email", wire.MatchContains, "@")
	second.RoleARN = roleNamed("second")
	never := rule("email", wire.MatchContains, "nobody")
	never.RoleARN = roleNamed("never")
	set(wire.AmbiguousRoleAuthenticated, never, rule("email", wire.MatchStartsWith, "ann"), second)
	w.wantRole("the first that matches", "ann", "", roleNamed("rule"))
	w.wantRole("a later one by name", "ann", roleNamed("second"), roleNamed("second"))
	w.wantRole("one that does not match by name", "ann", roleNamed("never"), "")
	set(wire.AmbiguousRoleAuthenticated, never)
	w.wantRole("none", "ann", "", userRole)
}

func TestRoleRefusals(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	rules := make([]wire.MappingRule, 26)
	for i := range rules {
		rules[i] = wire.MappingRule{Claim: "email", MatchType: wire.MatchEquals, Value: "x", RoleARN: userRole}
	}
	for name, m := range map[string]wire.RoleMapping{
		"no resolution":  {Type: wire.RoleMappingToken},
		"rules without":  {Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
		"too many rules": {Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny, RulesConfiguration: &wire.RulesConfigurationType{Rules: rules}},
	} {
		_, err := call[wire.SetIdentityPoolRolesResponse](w, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
			IdentityPoolId: w.identities, Roles: map[string]string{}, RoleMappings: map[string]wire.RoleMapping{"p": m},
		}})
		wantType(t, name, err, wire.InvalidParameterException)
	}
}

// TestPrincipalTags: the claims that a pool maps reach the broker as tags.
func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"})
	w.inGroups("ann", map[string]int32{"a": 1, "b": 2})
	login := w.login(w.signIn("ann").IdToken)
	id := w.mustID(login)
	var got map[string]string
	w.broker = func(_ context.Context, g plug.Grant) (plug.Credentials, error) {
		got = g.Tags
		return plug.Credentials{AccessKeyID: "ASIA", Expiration: w.now().Add(g.Life)}, nil
	}
	set := func(m wire.PrincipalTagAttributeMap) {
		t.Helper()
		m.IdentityPoolId, m.IdentityProviderName = w.identities, w.issuerKey()
		must[wire.SetPrincipalTagAttributeMapResponse](w, "SetPrincipalTagAttributeMap", &wire.SetPrincipalTagAttributeMapRequest{PrincipalTagAttributeMap: m})
		w.mustCredentials(id, login)
	}
	w.mustCredentials(id, login)
	if len(got) != 0 {
		t.Errorf("tags without a mapping: %v", got)
	}
	set(wire.PrincipalTagAttributeMap{PrincipalTags: map[string]string{"mail": "email", "groups": "cognito:groups", "none": "nothing"}})
	if diff := cmp.Diff(map[string]string{"mail": "ann@example.com"}, got); diff != "" {
		t.Errorf("mapped (-want +got):\n%s", diff)
	}
	if log := w.log.String(); !strings.Contains(log, "claim=cognito:groups") && !strings.Contains(log, `"claim":"cognito:groups"`) || strings.Contains(log, "ann@example.com") {
		t.Errorf("the claim that is left out is not logged: %s", log)
	}
	set(wire.PrincipalTagAttributeMap{UseDefaults: new(true)})
	if len(got) != 2 || got["client"] != w.client || got["username"] == "" {
		t.Errorf("defaults: %v", got)
	}
	shown := must[wire.GetPrincipalTagAttributeMapResponse](w, "GetPrincipalTagAttributeMap", &wire.GetPrincipalTagAttributeMapRequest{
		IdentityPoolId: w.identities, IdentityProviderName: w.awsKey(),
	})
	if shown.UseDefaults == nil || !*shown.UseDefaults || shown.PrincipalTags["username"] != "sub" {
		t.Errorf("shown %+v", shown)
	}
	_, err := call[wire.GetPrincipalTagAttributeMapResponse](w, "GetPrincipalTagAttributeMap", &wire.GetPrincipalTagAttributeMapRequest{
		IdentityPoolId: w.identities, IdentityProviderName: "accounts.google.com",
	})
	wantType(t, "a provider that the pool has not", err, wire.InvalidParameterException)
}

// TestPrincipalTagLength: STS counts characters, whatever their bytes.
func TestPrincipalTagLength(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{strings.Repeat("ö", 256): true, strings.Repeat("密", 256): true, strings.Repeat("x", 257): false, strings.Repeat("ö", 257): false} {
		w := identityWorld(t, nil)
		w.addUser("ann", wire.AttributeType{Name: "name", Value: value})
		login := w.login(w.signIn("ann").IdToken)
		var got map[string]string
		w.broker = func(_ context.Context, g plug.Grant) (plug.Credentials, error) {
			got = g.Tags
			return plug.Credentials{AccessKeyID: "ASIA", Expiration: w.now().Add(g.Life)}, nil
		}
		must[wire.SetPrincipalTagAttributeMapResponse](w, "SetPrincipalTagAttributeMap", &wire.SetPrincipalTagAttributeMapRequest{PrincipalTagAttributeMap: wire.PrincipalTagAttributeMap{
			IdentityPoolId: w.identities, IdentityProviderName: w.issuerKey(), PrincipalTags: map[string]string{"full": "name"},
		}})
		w.mustCredentials(w.mustID(login), login)
		logged := strings.Contains(w.log.String(), "longer than 256 characters")
		if (got["full"] == value) != good || logged == good || strings.Contains(w.log.String(), value) {
			t.Errorf("%d bytes: tags %d, logged %v", len(value), len(got), logged)
		}
	}
}
