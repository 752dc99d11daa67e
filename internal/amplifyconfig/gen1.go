package amplifyconfig

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// exports holds what aws-exports.js says in other forms than [File] does.
type exports struct {
	projectRegion, mandatorySignIn string
	signIn, signOut                string // comma-separated
	oauth                          OAuth
	rules                          []string
}

// readExports reads aws-exports.js of Gen 1. The user pool's region is that of its id,
// as in Amplify; aws_project_region must be there, since without it Amplify refuses the
// file, but is not used. Guests are on unless aws_mandatory_sign_in is "enable".
func readExports(text []byte, file *File) error {
	var e exports
	if err := parseObject(text, e.members(file)); err != nil {
		return err
	}
	if e.projectRegion == "" {
		return faultf("it has no aws_project_region; its member %q makes it a file of Gen 1, which needs one: remove the member from an amplify_outputs.json", clip(file.Gen1))
	}
	file.AllowGuests = e.mandatorySignIn != "enable"
	for _, names := range []*[]string{&file.UsernameAttributes, &file.RequiredAttributes, &file.VerificationAttributes} {
		*names = lower(*names)
	}
	if file.PasswordPolicy != nil {
		file.PasswordPolicy.require(e.rules)
	}
	// Where OAuth is off, the object is there and empty.
	if e.oauth.Domain != "" {
		e.oauth.RedirectSignIn, e.oauth.RedirectSignOut = commaList(e.signIn), commaList(e.signOut)
		file.OAuth = &e.oauth
	}
	return nil
}

func (e *exports) members(file *File) members {
	return members{
		"aws_project_region":           &e.projectRegion,
		"aws_user_pools_id":            &file.UserPoolID,
		"aws_user_pools_web_client_id": &file.ClientID,
		"aws_cognito_identity_pool_id": &file.IdentityPoolID,
		"aws_mandatory_sign_in":        &e.mandatorySignIn,
		"aws_cognito_mfa_configuration": choice(&file.MFA, map[string]string{
			"OFF": "NONE", "NONE": "NONE", "OPTIONAL": "OPTIONAL", "ON": "REQUIRED", "REQUIRED": "REQUIRED", "": "",
		}, "OFF, OPTIONAL or ON"),
		"aws_cognito_mfa_types":                    &file.MFAMethods,
		"aws_cognito_password_protection_settings": reader(func(d *jsontext.Decoder) error { return e.readPolicy(d, file) }),
		"aws_cognito_verification_mechanisms":      &file.VerificationAttributes,
		"aws_cognito_signup_attributes":            &file.RequiredAttributes,
		"aws_cognito_social_providers":             &e.oauth.IdentityProviders,
		"aws_cognito_username_attributes":          &file.UsernameAttributes,
		"oauth": members{
			"domain":          &e.oauth.Domain,
			"scope":           &e.oauth.Scopes,
			"redirectSignIn":  &e.signIn,
			"redirectSignOut": &e.signOut,
			"responseType":    &e.oauth.ResponseType,
		},
		"latchkey": file.extension(),
	}
}

// readPolicy reads the password policy. Amplify's command line wrote the length as a
// number, and later as a text.
func (e *exports) readPolicy(d *jsontext.Decoder, file *File) error {
	policy := &PasswordPolicy{MinLength: defaultMinLength}
	file.PasswordPolicy = policy
	return members{
		"passwordPolicyCharacters": &e.rules,
		"passwordPolicyMinLength": reader(func(d *jsontext.Decoder) (err error) {
			value, err := d.ReadValue()
			if err != nil {
				return err
			}
			digits := strings.Trim(string(value), `"`)
			if digits == "" {
				return nil
			}
			if policy.MinLength, err = strconv.Atoi(digits); err != nil {
				return mismatched(d, d.InputOffset()-int64(len(value)), "expected a whole number")
			}
			return nil
		}),
	}.read(d)
}

// require reads the policy's rules; those that Amplify does not know are passed over.
func (p *PasswordPolicy) require(rules []string) {
	for _, rule := range rules {
		switch strings.ToUpper(rule) {
		case "REQUIRES_NUMBERS":
			p.RequireNumbers = true
		case "REQUIRES_LOWERCASE":
			p.RequireLowercase = true
		case "REQUIRES_UPPERCASE":
			p.RequireUppercase = true
		case "REQUIRES_SYMBOLS":
			p.RequireSymbols = true
		}
	}
}

// commaList splits a list that Gen 1 keeps in one text.
func commaList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// lower turns Gen 1's EMAIL into Gen 2's email.
func lower(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	return list
}
