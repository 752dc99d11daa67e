package amplifyconfig

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wrapped puts a member of "auth" into a Gen 2 file.
func wrapped(member string) []byte { return []byte(`{"version":"1.4","auth":{` + member + `}}`) }

func TestParseReadsEveryForm(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, member string
		want         File
	}{
		{"nothing", ``, File{}},
		{"null text", `"user_pool_id":null`, File{}},
		{"null list", `"username_attributes":null`, File{}},
		{"null object", `"oauth":null`, File{}},
		{"null policy", `"password_policy":null`, File{}},
		{"empty list", `"mfa_methods":[]`, File{MFAMethods: []string{}}},
		{"null in a list", `"mfa_methods":["SMS",null]`, File{MFAMethods: []string{"SMS", ""}}},
		{"empty object", `"oauth":{}`, File{OAuth: &OAuth{}}},
		{"object without passkeys", `"passwordless":{"sms_otp_enabled":true,"web_authn":null}`, File{Passwordless: &Passwordless{SMSOTP: true}}},
		{"groups of one object", `"groups":[{"b":{"precedence":2},"a":{}},{"c":null}]`, File{Groups: []Group{{"b", 2}, {"a", 0}, {"c", 0}}}},
		{"unknown members of every type", `"x":{"y":[1,null,"z",{}]},"user_pool_id":"p","w":-1e9`, File{UserPoolID: "p"}},
		{"escapes in a name and a value", `"\u0075ser_pool_id":"\u0061"`, File{UserPoolID: "a"}},
		{"MFA off", `"mfa_configuration":"NONE"`, File{MFA: "NONE"}},
		{"MFA off in Cognito's word", `"mfa_configuration":"OFF"`, File{MFA: "NONE"}},
		{"MFA optional", `"mfa_configuration":"OPTIONAL"`, File{MFA: "OPTIONAL"}},
		{"MFA required", `"mfa_configuration":"REQUIRED"`, File{MFA: "REQUIRED"}},
		{"null MFA", `"mfa_configuration":null`, File{}},
		{"length", `"password_policy":{"min_length":99}`, File{PasswordPolicy: &PasswordPolicy{MinLength: 99}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(wrapped(tt.member))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseNamesTheMember: a value of the wrong type is named with its line, and the
// values of the file, which may be secret, are not repeated.
func TestParseNamesTheMember(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		`"user_pool_id":{"secret":1}`:                       "line 1: auth.user_pool_id: expected a string, found an object",
		`"user_pool_id":["secret"]`:                         "auth.user_pool_id: expected a string, found an array",
		`"unauthenticated_identities_enabled":0`:            "auth.unauthenticated_identities_enabled: expected true or false, found a number",
		`"password_policy":"secret"`:                        "auth.password_policy: expected an object, found a string",
		"\"password_policy\":{\n\"min_length\":1.5}":        "line 2: auth.password_policy.min_length: expected a whole number",
		`"password_policy":{"min_length":1e99}`:             "auth.password_policy.min_length: expected a whole number",
		`"groups":{"secret":{}}`:                            "auth.groups: expected an array, found an object",
		`"groups":[{"a":7}]`:                                "auth.groups.0.a: expected an object, found a number",
		`"mfa_methods":"secret"`:                            "auth.mfa_methods: expected an array, found a string",
		`"oauth":{"scopes":[7]}`:                            "auth.oauth.scopes.0: expected a string, found a number",
		`"user_pool_id":true`:                               "auth.user_pool_id: expected a string, found true",
		`"oauth":{"scopes":false}`:                          "auth.oauth.scopes: expected an array, found false",
		`"password_policy":{"min_length":"8"}`:              "auth.password_policy.min_length: expected a number, found a string",
		`"mfa_configuration":7`:                             "auth.mfa_configuration: expected a string, found a number",
		"\"mfa_methods\":[],\n\"mfa_configuration\":\"ON\"": `line 2: auth.mfa_configuration: unknown value "ON": use NONE, OPTIONAL or REQUIRED`,
		`"mfa_configuration":"none"`:                        `auth.mfa_configuration: unknown value "none"`,
		`"mfa_configuration":""`:                            `auth.mfa_configuration: unknown value ""`,
		`"x":{"y":1,"y":2}`:                                 "auth.x.y: duplicate member",
		`"groups":[`:                                        "not well-formed JSON",
		`"mfa_methods":["SMS" "secret"]`:                    "not well-formed JSON",
		`"user_pool_id":`:                                   "not well-formed JSON",
		"\"user_pool_id\":\"secret\xff\"":                   "not well-formed JSON",
	} {
		_, err := Parse(wrapped(member))
		fault, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(fault.Error(), want) || strings.Contains(fault.Error(), "secret") {
			t.Errorf("%s: %v, want %q", member, err, want)
		}
	}
}

// TestParseReadsBothGenerationsAlike: what both generations can say, they say in one File.
func TestParseReadsBothGenerationsAlike(t *testing.T) {
	t.Parallel()
	gen1, err := Parse([]byte(`const awsmobile = {"aws_project_region": "us-east-1", "aws_user_pools_id": "us-east-1_a",
"aws_user_pools_web_client_id": "c", "aws_cognito_identity_pool_id": "us-east-1:1", "aws_mandatory_sign_in": "enable",
"aws_cognito_mfa_configuration": "ON", "aws_cognito_mfa_types": ["SMS"], "aws_cognito_username_attributes": ["EMAIL"],
"aws_cognito_signup_attributes": ["NAME"], "aws_cognito_verification_mechanisms": ["EMAIL"],
"aws_cognito_social_providers": ["GOOGLE"],
"aws_cognito_password_protection_settings": {"passwordPolicyMinLength": "8", "passwordPolicyCharacters": ["REQUIRES_NUMBERS", "requires_symbols", "REQUIRES_LUCK"]},
"oauth": {"domain": "d.example", "scope": ["openid"], "redirectSignIn": "https://a/, https://b/", "redirectSignOut": "https://a/", "responseType": "code"},
"latchkey": {"issuer": "https://i"}};`))
	if err != nil {
		t.Fatal(err)
	}
	gen2, err := Parse([]byte(`{"version": "1.5", "auth": {"aws_region": "us-east-1", "user_pool_id": "us-east-1_a",
"user_pool_client_id": "c", "identity_pool_id": "us-east-1:1",
"mfa_configuration": "REQUIRED", "mfa_methods": ["SMS"], "username_attributes": ["email"],
"standard_required_attributes": ["name"], "user_verification_types": ["email"],
"password_policy": {"min_length": 8, "require_numbers": true, "require_symbols": true},
"oauth": {"domain": "d.example", "scopes": ["openid"], "redirect_sign_in_uri": ["https://a/", "https://b/"],
"redirect_sign_out_uri": ["https://a/"], "response_type": "code", "identity_providers": ["GOOGLE"]}},
"latchkey": {"issuer": "https://i"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if gen1.Gen1 != "aws_project_region" || gen2.Gen1 != "" {
		t.Errorf("the members that make the generation are %q and %q", gen1.Gen1, gen2.Gen1)
	}
	gen1.Gen1 = ""
	if diff := cmp.Diff(gen2, gen1); diff != "" {
		t.Errorf("(-gen 2 +gen 1):\n%s", diff)
	}
}
