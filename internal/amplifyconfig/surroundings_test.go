package amplifyconfig

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outputs is a small amplify_outputs.json.
const outputs = `{"version":"1.4","auth":{"user_pool_id":"us-east-1_a"}}`

// exportsWith is an aws-exports.js with some members.
func exportsWith(members string) []byte {
	return []byte(`const awsmobile = {"aws_project_region":"us-east-1"` + members + `};`)
}

// TestParseSurroundings checks what may stand around the object: what Amplify generates,
// and nothing else.
func TestParseSurroundings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, fails string }{
		"alone":                         {outputs, ""},
		"byte order mark":               {"\xef\xbb\xbf" + outputs, ""},
		"blank lines":                   {"\r\n\t" + outputs + "\r\n", ""},
		"const":                         {"const awsmobile = " + outputs + ";\n\nexport default awsmobile;\n", ""},
		"let, no spaces":                {"let a=" + outputs, ""},
		"let, spaced":                   {"let a = " + outputs + ";", ""},
		"var":                           {"var a = " + outputs, ""},
		"export const":                  {"export const a = " + outputs, ""},
		"export default":                {"export default " + outputs + ";", ""},
		"comments":                      {"/* eslint-disable */\n// WARNING: { DO NOT EDIT }\n" + outputs, ""},
		"comment of stars":              {"/**{**/" + outputs, ""},
		"two comments in a line":        {"/* a */ /* b */ const c = " + outputs, ""},
		"comment without an end":        {"/* " + outputs, `"/*" stands before the object`},
		"line comment without end":      {"// nothing", "it holds no JSON object"},
		"division":                      {"/ " + outputs, `"/" stands before the object`},
		"no object":                     {"[]", "it holds no JSON object"},
		"nothing":                       {"", "it holds no JSON object"},
		"code before":                   {"alert(1); " + outputs, `"alert(1);" stands before the object`},
		"assignment without name":       {"const = " + outputs, "stands before the object"},
		"a name too many":               {"const a b = " + outputs, "stands before the object"},
		"long code before":              {strings.Repeat("x", 100) + outputs, strings.Repeat("x", 40) + `…" stands before the object`},
		"code after":                    {outputs + "\nalert(1)", `line 2: "alert(1)" follows the object`},
		"another object after":          {outputs + "{}", `"{}" follows the object`},
		"export of another name":        {outputs + ";export default b", ""},
		"export in the object's go":     {outputs + ";exported b", "follows the object"},
		"not closed":                    {outputs[:len(outputs)-1], "line 1: the file: not well-formed JSON"},
		"a trailing comma":              {`{"version":"1.4","auth":{},}`, "not well-formed JSON"},
		"trailing commas in JavaScript": {"const a = {\"version\":\"1.4\",\"auth\":{\"user_pool_id\":\"us-east-1_a\",\n\"mfa_methods\":[\"SMS\" , ],},\n};", ""},
		"commas within strings":         {`const a = {"version":"1.4","x":"a,]\\\",}","auth":{"user_pool_id":"us-east-1_a"},}`, ""},
		"two trailing commas":           {`const a = {"version":"1.4","auth":{},,}`, "not well-formed JSON"},
		"a comma and no member":         {`const a = {"version":"1.4","auth":{,}}`, "not well-formed JSON"},
		"a comma and no element":        {`const a = {"version":"1.4","auth":{"mfa_methods":[,]}}`, "not well-formed JSON"},
		"a comma and no value":          {`const a = {"version":"1.4","auth":,}`, "not well-formed JSON"},
		"not UTF-8 after":               {outputs + strings.Repeat("\xff", 50), "follows the object"},
	} {
		file, err := Parse([]byte(test.text))
		if test.fails == "" {
			if err != nil || file.UserPoolID != "us-east-1_a" {
				t.Errorf("%s: %+v, %v", name, file, err)
			}
			continue
		}
		if wrong, ok := errors.AsType[*Error](err); !ok || !strings.Contains(wrong.Text, test.fails) {
			t.Errorf("%s: %v, want %q", name, err, test.fails)
		}
		if diff := cmp.Diff(File{}, file); diff != "" {
			t.Errorf("%s: something was read (-want +got):\n%s", name, diff)
		}
	}
}

// TestParseGenerations checks by which members a generation is told, and what each must
// have.
func TestParseGenerations(t *testing.T) {
	t.Parallel()
	for text, fails := range map[string]string{
		`{"version":"1","auth":{}}`:                                             "",
		`{"version":"1.99","auth":{}}`:                                          "",
		`{"version":"2","auth":{}}`:                                             `version "2" is not 1.x`,
		`{"version":"12","auth":{}}`:                                            `version "12" is not 1.x`,
		`{"version":"","auth":{}}`:                                              `version "" is not 1.x`,
		`{"version":null,"auth":{}}`:                                            `version "" is not 1.x`,
		`{"version":1,"auth":{}}`:                                               "version: expected a string, found a number",
		`{"version":"` + strings.Repeat("9", 99) + `"}`:                         `version "` + strings.Repeat("9", 40) + `…" is not 1.x`,
		`{"version":"1.4","auth":{"user_pool_id":"p","user_pool_client_id":7}}`: "auth.user_pool_client_id: expected a string, found a number",
		`{"version":"1.4"}`:                                                     `it has no "auth"`,
		`{"version":"1.4","auth":null}`:                                         `it has no "auth"`,
		`{"auth":{}}`:                                                           `it has "auth" but no "version"`,
		`{"Version":"1.4","auth":{}}`:                                           `it has "auth" but no "version"`,
		`{}`:                                                                    "it is neither",
		`{"aws_project_region":"us-east-1"}`:                                    "",
		`{"aws_project_region":"us-east-1","version":"7"}`:                      "", // Gen 1 comes first, as in Amplify
		`{"aws_user_pools_id":"us-east-1_a"}`:                                   "it has no aws_project_region",
		`{"version":"1.4","auth":{},"aws_extra":1}`:                             `its member "aws_extra" makes it a file of Gen 1`,
		`{"aws_project_region":""}`:                                             "it has no aws_project_region",
		`{"aws_project_region":7}`:                                              "aws_project_region: expected a string, found a number",
		`{"aws_project_region":"a","aws_project_region":"b"}`:                   "duplicate member",
		outputs + strings.Repeat(" ", MaxSize-len(outputs)):                     "",
		outputs + strings.Repeat(" ", MaxSize-len(outputs)+1):                   "it has more than 1 MiB",
	} {
		file, err := Parse([]byte(text))
		if err != nil && cmp.Diff(File{}, file) != "" {
			t.Errorf("%.60s: half of it was read: %+v", text, file)
		}
		if (err == nil) != (fails == "") || err != nil && !strings.Contains(err.Error(), fails) {
			t.Errorf("%.60s: %v, want %q", text, err, fails)
		}
	}
}

// TestParseWordsOfGen1 checks the words of aws-exports.js that Gen 2 says otherwise.
func TestParseWordsOfGen1(t *testing.T) {
	t.Parallel()
	six := func(edit func(*PasswordPolicy)) *PasswordPolicy {
		p := &PasswordPolicy{MinLength: defaultMinLength}
		edit(p)
		return p
	}
	policy := func(text string) string { return `,"aws_cognito_password_protection_settings":` + text }
	for members, want := range map[string]File{
		``:                                            {AllowGuests: true},
		`,"aws_mandatory_sign_in":"enable"`:           {},
		`,"aws_mandatory_sign_in":"disable"`:          {AllowGuests: true},
		`,"aws_cognito_mfa_configuration":"OFF"`:      {AllowGuests: true, MFA: "NONE"},
		`,"aws_cognito_mfa_configuration":"NONE"`:     {AllowGuests: true, MFA: "NONE"},
		`,"aws_cognito_mfa_configuration":"ON"`:       {AllowGuests: true, MFA: "REQUIRED"},
		`,"aws_cognito_mfa_configuration":"REQUIRED"`: {AllowGuests: true, MFA: "REQUIRED"},
		`,"aws_cognito_mfa_configuration":"OPTIONAL"`: {AllowGuests: true, MFA: "OPTIONAL"},
		`,"aws_cognito_mfa_configuration":""`:         {AllowGuests: true},
		`,"oauth":{}`:                                 {AllowGuests: true},
		`,"oauth":{"domain":"d","redirectSignIn":" https://a ,,https://b,"}`: {AllowGuests: true, OAuth: &OAuth{Domain: "d", RedirectSignIn: []string{"https://a", "https://b"}}},
		policy(`{}`):                             {AllowGuests: true, PasswordPolicy: six(func(*PasswordPolicy) {})},
		policy(`{"passwordPolicyMinLength":""}`): {AllowGuests: true, PasswordPolicy: six(func(*PasswordPolicy) {})},
		policy(`{"passwordPolicyMinLength":12}`): {AllowGuests: true, PasswordPolicy: six(func(p *PasswordPolicy) { p.MinLength = 12 })},
		policy(`{"passwordPolicyCharacters":["REQUIRES_LOWERCASE","REQUIRES_UPPERCASE"]}`): {
			AllowGuests: true, PasswordPolicy: six(func(p *PasswordPolicy) { p.RequireLowercase, p.RequireUppercase = true, true }),
		},
		`,"latchkey":{"insecure_http":true,"ca_file":"a.pem"}`: {AllowGuests: true, InsecureHTTP: true, CAFile: "a.pem"},
	} {
		got, err := Parse(exportsWith(members))
		if err != nil {
			t.Errorf("%s: %v", members, err)
		}
		want.Gen1 = "aws_project_region"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", members, diff)
		}
	}
	for _, length := range []string{`"eight"`, `true`, `{"a":1}`, `1.5`} {
		if _, err := Parse(exportsWith(policy(`{"passwordPolicyMinLength":` + length + `}`))); err == nil || !strings.Contains(err.Error(), "passwordPolicyMinLength: expected a whole number") {
			t.Errorf("a length of %s: %v", length, err)
		}
	}
}

// TestParseRefusesUnknownMFAOfGen1 checks that an unknown word is not read as no MFA.
func TestParseRefusesUnknownMFAOfGen1(t *testing.T) {
	t.Parallel()
	_, err := Parse(exportsWith(`,"aws_cognito_mfa_configuration":"SOMETIMES"`))
	want := `line 1: aws_cognito_mfa_configuration: unknown value "SOMETIMES": use OFF, OPTIONAL or ON`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestParseDamagedFiles cuts and changes files at random places: an error is an *Error of
// bounded length, and what is read is never half a file.
func TestParseDamagedFiles(t *testing.T) {
	t.Parallel()
	files := [][]byte{[]byte(outputs), exportsWith(`,"oauth":{"domain":"d"}`), wrapped(`"groups":[{"a":{"precedence":1}}],"x":[1,{"y":null}]`)}
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(string(rapid.SampledFrom(files).Draw(t, "file")))
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
			data[at] = rapid.Byte().Draw(t, "byte")
		}
		data = data[:rapid.IntRange(0, len(data)).Draw(t, "length")]
		file, err := Parse(data)
		if err == nil {
			return
		}
		if _, ok := errors.AsType[*Error](err); !ok || len(err.Error()) > 300 || cmp.Diff(File{}, file) != "" {
			t.Fatalf("%q: %+v, %v", data, file, err)
		}
	})
}
