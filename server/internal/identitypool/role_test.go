package identitypool_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// roleOf is the role that a user with these claims gets.
func (h *harness) roleOf(claims map[string]any, custom string) (string, error) {
	h.t.Helper()
	login := h.signIn("ann", claims)
	out, err := call[wire.GetCredentialsForIdentityResponse](h, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
		IdentityId: h.mustID(login), Logins: login, CustomRoleArn: custom,
	})
	if err != nil {
		return "", err
	}
	return string(out.Credentials.SecretKey), nil
}

// wantRole checks the role of a user with these claims; "" is a refusal.
func (h *harness) wantRole(name string, claims map[string]any, custom, want string) {
	h.t.Helper()
	got, err := h.roleOf(claims, custom)
	if want == "" {
		wantRefusal(h.t, name, err, wire.MessageRoleDenied)
	} else if got != want {
		h.t.Errorf("%s: role %q, %v; want %s", name, got, err, want)
	}
}

// inGroups are the claims of a user whose groups have these roles; preferred is that of
// the group with the lowest precedence, "" if several have it.
func inGroups(preferred string, names ...string) map[string]any {
	claims := map[string]any{}
	var roles []string
	for _, name := range names {
		roles = append(roles, roleNamed(name))
	}
	claims["cognito:roles"] = roles
	if preferred != "" {
		claims["cognito:preferred_role"] = roleNamed(preferred)
	}
	return claims
}

// TestRoleByToken: the roles of the user's groups, the preferred one first.
func TestRoleByToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	one, two, tie := inGroups("solo", "solo"), inGroups("first", "first", "second"), inGroups("", "left", "right")
	for _, resolution := range []string{wire.AmbiguousRoleAuthenticated, wire.AmbiguousRoleDeny} {
		h.setRoles(h.identities, map[string]wire.RoleMapping{
			h.awsKey() + ":" + fakeClient: {Type: wire.RoleMappingToken, AmbiguousRoleResolution: resolution},
		})
		ambiguous := userRole
		if resolution == wire.AmbiguousRoleDeny {
			ambiguous = ""
		}
		h.wantRole("no role, "+resolution, nil, "", ambiguous)
		h.wantRole("a tie, "+resolution, tie, "", ambiguous)
		h.wantRole("one role", one, "", roleNamed("solo"))
		h.wantRole("one role that is not preferred", inGroups("", "solo"), "", roleNamed("solo"))
		h.wantRole("the preferred of two", two, "", roleNamed("first"))
		h.wantRole("the other of two", two, roleNamed("second"), roleNamed("second"))
		h.wantRole("one of a tie", tie, roleNamed("right"), roleNamed("right"))
		h.wantRole("a role of others", two, roleNamed("solo"), "")
		h.wantRole("the default role by name", nil, userRole, "")
	}
	// A mapping of another app client, and none.
	h.setRoles(h.identities, map[string]wire.RoleMapping{
		h.awsKey() + ":other": {Type: wire.RoleMappingToken, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
	})
	h.wantRole("another client's mapping", two, "", userRole)
	h.wantRole("the default by name", two, userRole, userRole)
	h.wantRole("a role of the token without a mapping", two, roleNamed("first"), "")
	// The issuer's form of the key.
	h.setRoles(h.identities, map[string]wire.RoleMapping{
		h.issuerKey() + ":" + fakeClient: {Type: wire.RoleMappingToken, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
	})
	h.wantRole("mapping by issuer", two, "", roleNamed("first"))
	guest := h.mustID(nil)
	_, err := call[wire.GetCredentialsForIdentityResponse](h, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
		IdentityId: guest, CustomRoleArn: userRole,
	})
	wantRefusal(t, "a guest who wants a user's role", err, wire.MessageRoleDenied)
}

// TestRoleByRules: the first rule that matches wins; a claim that is missing
// matches no rule.
func TestRoleByRules(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	ann := map[string]any{"email": "ann@example.com", "email_verified": true, "cognito:groups": []string{"admins", "staff"}, "level": 7, "address": map[string]string{}, "mixed": []any{"a", nil}}
	rule := func(claim, match, value string) wire.MappingRule {
		return wire.MappingRule{Claim: claim, MatchType: match, Value: value, RoleARN: roleNamed("rule")}
	}
	set := func(resolution string, rules ...wire.MappingRule) {
		h.setRoles(h.identities, map[string]wire.RoleMapping{h.awsKey() + ":" + fakeClient: {
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
		{rule("level", wire.MatchEquals, "7"), true},
		{rule("address", wire.MatchNotEqual, "x"), false},
		{rule("mixed", wire.MatchEquals, "a"), false},
	} {
		set(wire.AmbiguousRoleDeny, c.rule)
		want := ""
		if c.want {
			want = roleNamed("rule")
		}
		h.wantRole(fmt.Sprintf("%s %s %s", c.rule.Claim, c.rule.MatchType, c.rule.Value), ann, "", want)
	}
	second := rule("email", wire.MatchContains, "@")
	second.RoleARN = roleNamed("second")
	never := rule("email", wire.MatchContains, "nobody")
	never.RoleARN = roleNamed("never")
	set(wire.AmbiguousRoleAuthenticated, never, rule("email", wire.MatchStartsWith, "ann"), second)
	h.wantRole("the first that matches", ann, "", roleNamed("rule"))
	h.wantRole("a later one by name", ann, roleNamed("second"), roleNamed("second"))
	h.wantRole("one that does not match by name", ann, roleNamed("never"), "")
	set(wire.AmbiguousRoleAuthenticated, never)
	h.wantRole("none", ann, "", userRole)
}

func TestRoleRefusals(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	rules := make([]wire.MappingRule, 26)
	for i := range rules {
		rules[i] = wire.MappingRule{Claim: "email", MatchType: wire.MatchEquals, Value: "x", RoleARN: userRole}
	}
	for name, m := range map[string]wire.RoleMapping{
		"no resolution":  {Type: wire.RoleMappingToken},
		"rules without":  {Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny},
		"too many rules": {Type: wire.RoleMappingRules, AmbiguousRoleResolution: wire.AmbiguousRoleDeny, RulesConfiguration: &wire.RulesConfigurationType{Rules: rules}},
	} {
		_, err := call[wire.SetIdentityPoolRolesResponse](h, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
			IdentityPoolId: h.identities, Roles: map[string]string{}, RoleMappings: map[string]wire.RoleMapping{"p": m},
		}})
		wantType(t, name, err, wire.InvalidParameterException)
	}
}

// TestPrincipalTags: the claims that a pool maps reach the broker as tags.
func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	login := h.signIn("ann", map[string]any{"email": "ann@example.com", "cognito:groups": []string{"a", "b"}})
	id := h.mustID(login)
	var got map[string]string
	h.broker = func(_ context.Context, g plug.Grant) (plug.Credentials, error) {
		got = g.Tags
		return plug.Credentials{AccessKeyID: "ASIA", Expiration: h.now().Add(g.Life)}, nil
	}
	set := func(m wire.PrincipalTagAttributeMap) {
		t.Helper()
		m.IdentityPoolId, m.IdentityProviderName = h.identities, h.issuerKey()
		must[wire.SetPrincipalTagAttributeMapResponse](h, "SetPrincipalTagAttributeMap", &wire.SetPrincipalTagAttributeMapRequest{PrincipalTagAttributeMap: m})
		h.mustCredentials(id, login)
	}
	h.mustCredentials(id, login)
	if len(got) != 0 {
		t.Errorf("tags without a mapping: %v", got)
	}
	set(wire.PrincipalTagAttributeMap{PrincipalTags: map[string]string{"mail": "email", "groups": "cognito:groups", "none": "nothing"}})
	if diff := cmp.Diff(map[string]string{"mail": "ann@example.com"}, got); diff != "" {
		t.Errorf("mapped (-want +got):\n%s", diff)
	}
	if log := h.log.String(); !strings.Contains(log, "claim=cognito:groups") && !strings.Contains(log, `"claim":"cognito:groups"`) || strings.Contains(log, "ann@example.com") {
		t.Errorf("the claim that is left out is not logged: %s", log)
	}
	set(wire.PrincipalTagAttributeMap{UseDefaults: new(true)})
	if len(got) != 2 || got["client"] != fakeClient || got["username"] == "" {
		t.Errorf("defaults: %v", got)
	}
	shown := must[wire.GetPrincipalTagAttributeMapResponse](h, "GetPrincipalTagAttributeMap", &wire.GetPrincipalTagAttributeMapRequest{
		IdentityPoolId: h.identities, IdentityProviderName: h.awsKey(),
	})
	if shown.UseDefaults == nil || !*shown.UseDefaults || shown.PrincipalTags["username"] != "sub" {
		t.Errorf("shown %+v", shown)
	}
	_, err := call[wire.GetPrincipalTagAttributeMapResponse](h, "GetPrincipalTagAttributeMap", &wire.GetPrincipalTagAttributeMapRequest{
		IdentityPoolId: h.identities, IdentityProviderName: "accounts.google.com",
	})
	wantType(t, "a provider that the pool has not", err, wire.InvalidParameterException)
}

// TestPrincipalTagLength: STS counts characters, whatever their bytes.
func TestPrincipalTagLength(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{strings.Repeat("ö", 256): true, strings.Repeat("密", 256): true, strings.Repeat("x", 257): false, strings.Repeat("ö", 257): false} {
		h := newHarness(t, nil)
		login := h.signIn("ann", map[string]any{"name": value})
		var got map[string]string
		h.broker = func(_ context.Context, g plug.Grant) (plug.Credentials, error) {
			got = g.Tags
			return plug.Credentials{AccessKeyID: "ASIA", Expiration: h.now().Add(g.Life)}, nil
		}
		must[wire.SetPrincipalTagAttributeMapResponse](h, "SetPrincipalTagAttributeMap", &wire.SetPrincipalTagAttributeMapRequest{PrincipalTagAttributeMap: wire.PrincipalTagAttributeMap{
			IdentityPoolId: h.identities, IdentityProviderName: h.issuerKey(), PrincipalTags: map[string]string{"full": "name"},
		}})
		h.mustCredentials(h.mustID(login), login)
		logged := strings.Contains(h.log.String(), "longer than 256 characters")
		if (got["full"] == value) != good || logged == good || strings.Contains(h.log.String(), value) {
			t.Errorf("%d bytes: tags %d, logged %v", len(value), len(got), logged)
		}
	}
}
