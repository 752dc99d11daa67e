package latchkey

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exports is aws-exports.js of Amplify Gen 1, as far as it concerns signing in.
type exports struct {
	ProjectRegion      string           `json:"aws_project_region"`
	UserPoolID         string           `json:"aws_user_pools_id"`
	ClientID           string           `json:"aws_user_pools_web_client_id"`
	IdentityPoolID     string           `json:"aws_cognito_identity_pool_id"`
	MandatorySignIn    string           `json:"aws_mandatory_sign_in"`
	MFA                string           `json:"aws_cognito_mfa_configuration"`
	MFATypes           []string         `json:"aws_cognito_mfa_types"`
	Password           *exportsPassword `json:"aws_cognito_password_protection_settings"`
	Verification       []string         `json:"aws_cognito_verification_mechanisms"`
	SignupAttributes   []string         `json:"aws_cognito_signup_attributes"`
	SocialProviders    []string         `json:"aws_cognito_social_providers"`
	UsernameAttributes []string         `json:"aws_cognito_username_attributes"`
	OAuth              *exportsOAuth    `json:"oauth"`
	Latchkey           extension        `json:"latchkey"`
}

// exportsPassword is the password policy. Amplify's command line wrote the
// length as a number, and later as a text.
type exportsPassword struct {
	MinLength  jsontext.Value `json:"passwordPolicyMinLength"` // a number, or a number in a text
	Characters []string       `json:"passwordPolicyCharacters"`
}

// exportsOAuth is the sign-in pages' part. It is an empty object when there are none.
type exportsOAuth struct {
	Domain       string   `json:"domain"`
	Scopes       []string `json:"scope"`
	SignIn       string   `json:"redirectSignIn"` // comma-separated
	SignOut      string   `json:"redirectSignOut"`
	ResponseType string   `json:"responseType"`
}

// exportsMFA are Gen 1's words for what Gen 2 calls mfa_configuration.
var exportsMFA = map[string]string{"OFF": "NONE", "NONE": "NONE", "OPTIONAL": "OPTIONAL", "ON": "REQUIRED", "REQUIRED": "REQUIRED"}

// parseExports reads Gen 1. The user pool's region is that of its id, as in
// Amplify; aws_project_region must be there, since without it Amplify refuses
// the file, but is not used.
func parseExports(text []byte) (Config, error) {
	var file exports
	if err := json.Unmarshal(text, &file); err != nil {
		return Config{}, located(text, err)
	}
	if file.ProjectRegion == "" {
		return Config{}, configFault("it has no aws_project_region")
	}
	policy, err := file.Password.config()
	if err != nil {
		return Config{}, err
	}
	config := Config{
		UserPoolID: file.UserPoolID, ClientID: file.ClientID, IdentityPoolID: file.IdentityPoolID,
		AllowGuests:        file.MandatorySignIn != "enable",
		UsernameAttributes: lower(file.UsernameAttributes), RequiredAttributes: lower(file.SignupAttributes),
		VerificationAttributes: lower(file.Verification),
		MFA:                    exportsMFA[file.MFA], MFAMethods: file.MFATypes,
		PasswordPolicy: policy, OAuth: file.OAuth.config(file.SocialProviders),
	}
	file.Latchkey.extend(&config)
	return config, nil
}

// config reads the rules; those that Amplify does not know are passed over.
func (p *exportsPassword) config() (*PasswordPolicy, error) {
	if p == nil {
		return nil, nil
	}
	policy := &PasswordPolicy{MinLength: defaultMinLength}
	if digits := strings.Trim(string(p.MinLength), `"`); digits != "" && digits != "null" {
		if err := json.Unmarshal([]byte(digits), &policy.MinLength); err != nil {
			return nil, configFault("aws_cognito_password_protection_settings.passwordPolicyMinLength is not a number")
		}
	}
	for _, rule := range p.Characters {
		switch strings.ToUpper(rule) {
		case "REQUIRES_NUMBERS":
			policy.RequireNumbers = true
		case "REQUIRES_LOWERCASE":
			policy.RequireLowercase = true
		case "REQUIRES_UPPERCASE":
			policy.RequireUppercase = true
		case "REQUIRES_SYMBOLS":
			policy.RequireSymbols = true
		}
	}
	return policy, nil
}

// config reads Gen 1's OAuth object, which is there and empty when OAuth is off.
func (o *exportsOAuth) config(providers []string) *OAuthConfig {
	if o == nil || o.Domain == "" {
		return nil
	}
	return &OAuthConfig{
		Domain: o.Domain, Scopes: o.Scopes, RedirectSignIn: commaList(o.SignIn), RedirectSignOut: commaList(o.SignOut),
		ResponseType: o.ResponseType, IdentityProviders: providers,
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
