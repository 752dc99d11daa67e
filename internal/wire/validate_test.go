package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

const canary = "s3cr3t canary" // the space breaks most patterns

func ptr[T any](v T) *T { return &v }

func TestValidateTexts(t *testing.T) {
	t.Parallel()
	const one = "1 validation error detected: "
	user := func(f func(*wire.AdminSetUserPasswordRequest)) *wire.AdminSetUserPasswordRequest {
		r := &wire.AdminSetUserPasswordRequest{UserPoolId: "us-east-1_abcDEF123", Username: "ann", Password: "correct horse"}
		f(r)
		return r
	}
	client := func(s wire.UserPoolClientSettings) *wire.CreateUserPoolClientRequest {
		return &wire.CreateUserPoolClientRequest{UserPoolId: "us-east-1_a", ClientName: "web", UserPoolClientSettings: s}
	}
	pool := func(s wire.UserPoolSettings) *wire.CreateUserPoolRequest {
		return &wire.CreateUserPoolRequest{PoolName: "p", UserPoolSettings: s}
	}
	for name, c := range map[string]struct {
		request any
		want    string
	}{
		"valid":                {user(func(*wire.AdminSetUserPasswordRequest) {}), ""},
		"missing":              {user(func(r *wire.AdminSetUserPasswordRequest) { r.UserPoolId = "" }), one + "Value at 'userPoolId' failed to satisfy constraint: Member must not be null"},
		"three missing":        {&wire.AdminSetUserPasswordRequest{}, "3 validation errors detected: Value at 'userPoolId' failed to satisfy constraint: Member must not be null; Value at 'username' failed to satisfy constraint: Member must not be null; Value at 'password' failed to satisfy constraint: Member must not be null"},
		"pattern":              {user(func(r *wire.AdminSetUserPasswordRequest) { r.UserPoolId = "no pool" }), one + `Value 'no pool' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`},
		"pattern is whole":     {user(func(r *wire.AdminSetUserPasswordRequest) { r.UserPoolId = "us-east-1_a!" }), one + `Value 'us-east-1_a!' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`},
		"line end":             {user(func(r *wire.AdminSetUserPasswordRequest) { r.UserPoolId = "us-east-1_a\n" }), one + "Value 'us-east-1_a\n' at 'userPoolId'" + ` failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`},
		"too long":             {user(func(r *wire.AdminSetUserPasswordRequest) { r.Username = strings.Repeat("é", 129) }), one + "Value at 'username' failed to satisfy constraint: Member must have length less than or equal to 128"},
		"long in bytes only":   {user(func(r *wire.AdminSetUserPasswordRequest) { r.Username = strings.Repeat("é", 128) }), ""},
		"short password":       {user(func(r *wire.AdminSetUserPasswordRequest) { r.Password = "abcde" }), one + "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6"},
		"short in characters":  {user(func(r *wire.AdminSetUserPasswordRequest) { r.Password = "ééééé" }), one + "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6"},
		"space at the end":     {user(func(r *wire.AdminSetUserPasswordRequest) { r.Password = "abcdef " }), one + `Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$`},
		"two at once":          {user(func(r *wire.AdminSetUserPasswordRequest) { r.Password = "abc " }), `2 validation errors detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$; Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6`},
		"enum":                 {&wire.AdminInitiateAuthRequest{UserPoolId: "us-east-1_a", ClientId: "c", AuthFlow: "NO"}, one + "Value 'NO' at 'authFlow' failed to satisfy constraint: Member must satisfy enum value set: [USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, ADMIN_NO_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH]"},
		"number":               {&wire.ListUsersRequest{UserPoolId: "us-east-1_a", Limit: ptr[int32](61)}, one + "Value '61' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 60"},
		"negative":             {&wire.CreateGroupRequest{UserPoolId: "us-east-1_a", GroupName: "g", Precedence: ptr[int32](-1)}, one + "Value '-1' at 'precedence' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		"zero is there":        {&wire.ListUserPoolsRequest{MaxResults: ptr[int32](0)}, one + "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"number missing":       {&wire.ListUserPoolsRequest{}, one + "Value at 'maxResults' failed to satisfy constraint: Member must not be null"},
		"empty list is there":  {&wire.AdminUpdateUserAttributesRequest{UserPoolId: "us-east-1_a", Username: "u", UserAttributes: []wire.AttributeType{}}, ""},
		"second element":       {&wire.AdminUpdateUserAttributesRequest{UserPoolId: "us-east-1_a", Username: "u", UserAttributes: []wire.AttributeType{{Name: "email"}, {}}}, one + "Value at 'userAttributes.2.member.name' failed to satisfy constraint: Member must not be null"},
		"nested":               {pool(wire.UserPoolSettings{Policies: &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{MinimumLength: ptr[int32](5)}}}), one + "Value '5' at 'policies.passwordPolicy.minimumLength' failed to satisfy constraint: Member must have value greater than or equal to 6"},
		"nested missing":       {&wire.CreateUserPoolRequest{PoolName: "p", UsernameConfiguration: &wire.UsernameConfigurationType{}}, one + "Value at 'usernameConfiguration.caseSensitive' failed to satisfy constraint: Member must not be null"},
		"list of texts":        {client(wire.UserPoolClientSettings{AllowedOAuthFlows: []string{"code", "magic"}}), one + "Value '[code, magic]' at 'allowedOAuthFlows' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [code, implicit, client_credentials]]"},
		"list too long":        {client(wire.UserPoolClientSettings{AllowedOAuthFlows: []string{"code", "code", "code", "code"}}), one + "Value '[code, code, code, code]' at 'allowedOAuthFlows' failed to satisfy constraint: Member must have length less than or equal to 3"},
		"list of shapes empty": {&wire.CreateUserPoolRequest{PoolName: "p", Schema: []wire.SchemaAttributeType{}}, one + "Value at 'schema' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		"map key":              {pool(wire.UserPoolSettings{UserPoolTags: map[string]string{"": "x"}}), one + "Value at 'userPoolTags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		"map value":            {pool(wire.UserPoolSettings{UserPoolTags: map[string]string{"k": strings.Repeat("x", 257)}}), one + "Value at 'userPoolTags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]"},
		"map too large":        {&wire.GetIdRequest{IdentityPoolId: "us-east-1:0a-1b", Logins: elevenLogins()}, one + "Value at 'logins' failed to satisfy constraint: Member must have length less than or equal to 10"},
		"rotation":             {client(wire.UserPoolClientSettings{RefreshTokenRotation: &wire.RefreshTokenRotationType{RetryGracePeriodSeconds: ptr[int32](61)}}), "2 validation errors detected: Value at 'refreshTokenRotation.feature' failed to satisfy constraint: Member must not be null; Value '61' at 'refreshTokenRotation.retryGracePeriodSeconds' failed to satisfy constraint: Member must have value less than or equal to 60"},
		"refresh token":        {&wire.GetTokensFromRefreshTokenRequest{ClientId: "c", RefreshToken: "a+b"}, one + "Value at 'refreshToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"},
		"map of shapes":        {roles("authenticated", map[string]wire.RoleMapping{"b": {Type: "Token"}, "a": {Type: "Magic"}}), one + "Value 'Magic' at 'roleMappings.a.member.type' failed to satisfy constraint: Member must satisfy enum value set: [Token, Rules]"},
		"map of shapes deep":   {roles("authenticated", map[string]wire.RoleMapping{"a": {Type: "Rules", RulesConfiguration: &wire.RulesConfigurationType{Rules: []wire.MappingRule{{Claim: "c", MatchType: "Equals", Value: "v"}}}}}), one + "Value at 'roleMappings.a.member.rulesConfiguration.rules.1.member.roleARN' failed to satisfy constraint: Member must not be null"},
		"map of shapes key":    {roles("authenticated", map[string]wire.RoleMapping{"": {Type: "Token"}}), one + "Value at 'roleMappings' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		"role name":            {roles("admin", nil), one + "Value at 'roles' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: (un)?authenticated, Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		"long duration":        {&wire.GetOpenIdTokenForDeveloperIdentityRequest{IdentityPoolId: "us-east-1:0a", Logins: wire.Parameters{"a": "b"}, TokenDuration: ptr[int64](86401)}, one + "Value '86401' at 'tokenDuration' failed to satisfy constraint: Member must have value less than or equal to 86400"},
		"not a shape":          {ptr("x"), "Internal error."},
	} {
		err := wire.Validate(c.request)
		if (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			continue
		}
		if err == nil {
			continue
		}
		if e, ok := errors.AsType[*wire.Exception](err); !ok || e.Message != c.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func roles(role string, mappings map[string]wire.RoleMapping) *wire.SetIdentityPoolRolesRequest {
	return &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: "us-east-1:0a", Roles: map[string]string{role: "arn:aws:iam::000000000000:role/r"}, RoleMappings: mappings,
	}}
}

func elevenLogins() wire.Parameters {
	logins := wire.Parameters{}
	for i := range 11 {
		logins[strings.Repeat("p", i+1)] = "token"
	}
	return logins
}

func TestValidateNeverRepeatsSecrets(t *testing.T) {
	t.Parallel()
	for _, request := range []any{
		&wire.InitiateAuthRequest{AuthFlow: "X", ClientId: canary, Session: canary, AuthParameters: wire.Parameters{canary: strings.Repeat(canary, 20000)}},
		&wire.ChangePasswordRequest{PreviousPassword: " " + canary, ProposedPassword: " " + canary, AccessToken: canary},
		&wire.GetTokensFromRefreshTokenRequest{RefreshToken: canary, ClientId: canary, ClientSecret: canary},
		&wire.AdminSetUserPasswordRequest{UserPoolId: "x", Username: canary, Password: " " + canary},
		&wire.GetIdRequest{IdentityPoolId: "x", Logins: wire.Parameters{strings.Repeat(canary, 20): strings.Repeat(canary, 5000)}},
		&wire.AdminUpdateUserAttributesRequest{UserAttributes: []wire.AttributeType{{Name: "email", Value: strings.Repeat(canary, 200)}}},
	} {
		if err := wire.Validate(request); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%T: %v", request, err)
		}
	}
}

// TestValidateTrustsTheType: a Sensitive member is not repeated even where its
// constraint is not marked as sensitive.
func TestValidateTrustsTheType(t *testing.T) {
	t.Parallel()
	err := wire.Validate(&struct {
		Hidden wire.Sensitive `is:"UserPoolIdType"`
		Shown  string         `is:"UserPoolIdType"`
	}{canary, "plain"})
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "Value 'plain' at 'shown'") {
		t.Error(err)
	}
}

// TestValidateBoundsItsText: whoever sends a megabyte of mistakes gets a short answer.
func TestValidateBoundsItsText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü ", 100_000)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = long
	}
	for _, request := range []any{
		&wire.AdminUpdateUserAttributesRequest{UserPoolId: long, UserAttributes: make([]wire.AttributeType, 50_000)},
		&wire.UpdateUserPoolClientRequest{UserPoolId: long, UserPoolClientSettings: wire.UserPoolClientSettings{
			CallbackURLs: many, LogoutURLs: many, AllowedOAuthScopes: many, ReadAttributes: many}},
	} {
		err := wire.Validate(request)
		if err == nil || len(err.Error()) > 20_000 {
			t.Errorf("%T: text of %d bytes", request, len(err.Error()))
		}
	}
}

func validRefresh() (*wire.InitiateAuthRequest, *wire.GetTokensFromRefreshTokenRequest) {
	token := strings.Repeat("eyJjdHkiOiJKV1Qi", 110)
	return &wire.InitiateAuthRequest{
			AuthFlow: wire.AuthFlowRefreshTokenAuth, ClientId: "1example23456789abcdefghij",
			AuthParameters: wire.Parameters{"REFRESH_TOKEN": token},
		}, &wire.GetTokensFromRefreshTokenRequest{
			RefreshToken: wire.Sensitive(token), ClientId: "1example23456789abcdefghij",
		}
}

// TestValidateAllocatesNothing guards the path of every refresh. It does not
// run in parallel, since it counts the allocations of the whole process.
func TestValidateAllocatesNothing(t *testing.T) {
	initiate, refresh := validRefresh()
	for _, request := range []any{initiate, refresh} {
		if n := testing.AllocsPerRun(100, func() {
			if err := wire.Validate(request); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%T: %v allocations", request, n)
		}
	}
}

func BenchmarkValidateRefresh(b *testing.B) {
	_, refresh := validRefresh()
	for b.Loop() {
		if err := wire.Validate(refresh); err != nil {
			b.Fatal(err)
		}
	}
}
