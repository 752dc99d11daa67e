package latchkey

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// outputs is amplify_outputs.json, schema 1.x, as far as it concerns signing
// in. The field names are the schema's, see client_config_v1.5.json of
// aws-amplify/amplify-backend.
type outputs struct {
	Version  string       `json:"version"`
	Auth     *outputsAuth `json:"auth"`
	Latchkey extension    `json:"latchkey"`
}

// outputsAuth is the object "auth". Members that Amplify's schema has and that
// are not here concern nothing that this module does.
type outputsAuth struct {
	Region             string                  `json:"aws_region"` // its type is checked; the ids name the region
	UserPoolID         string                  `json:"user_pool_id"`
	ClientID           string                  `json:"user_pool_client_id"`
	IdentityPoolID     string                  `json:"identity_pool_id"`
	PasswordPolicy     *outputsPassword        `json:"password_policy"`
	OAuth              *outputsOAuth           `json:"oauth"`
	RequiredAttributes []string                `json:"standard_required_attributes"`
	UsernameAttributes []string                `json:"username_attributes"`
	VerificationTypes  []string                `json:"user_verification_types"`
	Guests             bool                    `json:"unauthenticated_identities_enabled"`
	MFA                string                  `json:"mfa_configuration"`
	MFAMethods         []string                `json:"mfa_methods"`
	Groups             []map[string]precedence `json:"groups"`
	Passwordless       *outputsPasswordless    `json:"passwordless"`
}

// outputsPassword is the pool's password policy.
type outputsPassword struct {
	MinLength        *int `json:"min_length"`
	RequireNumbers   bool `json:"require_numbers"`
	RequireLowercase bool `json:"require_lowercase"`
	RequireUppercase bool `json:"require_uppercase"`
	RequireSymbols   bool `json:"require_symbols"`
}

// outputsOAuth is the sign-in pages' part. The lists of URLs are in the order of
// the backend's definition; which one fits is for the sign-in to choose.
type outputsOAuth struct {
	Domain       string   `json:"domain"`
	Scopes       []string `json:"scopes"`
	SignIn       []string `json:"redirect_sign_in_uri"`
	SignOut      []string `json:"redirect_sign_out_uri"`
	ResponseType string   `json:"response_type"`
	Providers    []string `json:"identity_providers"`
}

// precedence is what the schema says of a group: an object of one member, under
// the group's name.
type precedence struct {
	Precedence int `json:"precedence"`
}

// outputsPasswordless came with schema 1.5.
type outputsPasswordless struct {
	EmailOTP bool `json:"email_otp_enabled"`
	SMSOTP   bool `json:"sms_otp_enabled"`
	WebAuthn *struct {
		RelyingPartyID   string `json:"relying_party_id"`
		UserVerification string `json:"user_verification"`
	} `json:"web_authn"`
	Preferred string `json:"preferred_challenge"`
}

// defaultMinLength is what Amplify assumes when a policy gives no length.
const defaultMinLength = 6

// parseOutputs reads Gen 2. Any version 1.x is read: later ones add members.
func parseOutputs(text []byte) (Config, error) {
	var file outputs
	if err := json.Unmarshal(text, &file); err != nil {
		return Config{}, located(text, err)
	}
	if file.Version != "1" && !strings.HasPrefix(file.Version, "1.") {
		return Config{}, configFault(fmt.Sprintf("version %q is not 1.x", clip(file.Version)))
	}
	auth := file.Auth
	if auth == nil {
		return Config{}, configFault(`it has no "auth"; add authentication to the backend`)
	}
	config := Config{
		UserPoolID: auth.UserPoolID, ClientID: auth.ClientID, IdentityPoolID: auth.IdentityPoolID,
		AllowGuests:        auth.Guests,
		UsernameAttributes: auth.UsernameAttributes, RequiredAttributes: auth.RequiredAttributes,
		VerificationAttributes: auth.VerificationTypes,
		MFA:                    auth.MFA, MFAMethods: auth.MFAMethods,
		PasswordPolicy: auth.PasswordPolicy.config(), OAuth: auth.OAuth.config(), Passwordless: auth.Passwordless.config(),
	}
	for _, entry := range auth.Groups {
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			config.Groups = append(config.Groups, Group{Name: name, Precedence: entry[name].Precedence})
		}
	}
	file.Latchkey.extend(&config)
	return config, nil
}

// config is nil when the file has no policy, which is not the same as one that
// asks for nothing.
func (p *outputsPassword) config() *PasswordPolicy {
	if p == nil {
		return nil
	}
	policy := &PasswordPolicy{
		MinLength: defaultMinLength, RequireNumbers: p.RequireNumbers, RequireLowercase: p.RequireLowercase,
		RequireUppercase: p.RequireUppercase, RequireSymbols: p.RequireSymbols,
	}
	if p.MinLength != nil {
		policy.MinLength = *p.MinLength
	}
	return policy
}

// config is nil when the pool has no sign-in pages.
func (o *outputsOAuth) config() *OAuthConfig {
	if o == nil {
		return nil
	}
	return &OAuthConfig{
		Domain: o.Domain, Scopes: o.Scopes, RedirectSignIn: o.SignIn, RedirectSignOut: o.SignOut,
		ResponseType: o.ResponseType, IdentityProviders: o.Providers,
	}
}

// config is nil when the pool asks for passwords only.
func (p *outputsPasswordless) config() *Passwordless {
	if p == nil {
		return nil
	}
	offer := &Passwordless{EmailOTP: p.EmailOTP, SMSOTP: p.SMSOTP, PreferredChallenge: p.Preferred}
	if p.WebAuthn != nil {
		offer.RelyingPartyID, offer.UserVerification = p.WebAuthn.RelyingPartyID, p.WebAuthn.UserVerification
	}
	return offer
}
