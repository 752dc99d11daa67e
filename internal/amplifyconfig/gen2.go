package amplifyconfig

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// readOutputs reads amplify_outputs.json, schema 1.x, as far as it concerns signing in:
// client_config_v1.5.json of aws-amplify/amplify-backend. Later versions 1.x add members.
func readOutputs(text []byte, file *File) error {
	var version string
	var hasAuth bool
	err := parseObject(text, members{
		"version": &version,
		"auth": reader(func(d *jsontext.Decoder) error {
			hasAuth = true
			return file.auth().read(d)
		}),
		"latchkey": file.extension(),
	})
	switch {
	case err != nil:
		return err
	case version != "1" && !strings.HasPrefix(version, "1."):
		return faultf("version %q is not 1.x", clip(version))
	case !hasAuth:
		return faultf(`it has no "auth"; add authentication to the backend`)
	}
	return nil
}

// auth reads the object "auth". Guests are allowed only by a literal true.
func (f *File) auth() members {
	var region string // its type is checked; the ids name the region
	return members{
		"aws_region":                         &region,
		"user_pool_id":                       &f.UserPoolID,
		"user_pool_client_id":                &f.ClientID,
		"identity_pool_id":                   &f.IdentityPoolID,
		"password_policy":                    reader(f.readPolicy),
		"oauth":                              reader(f.readOAuth),
		"standard_required_attributes":       &f.RequiredAttributes,
		"username_attributes":                &f.UsernameAttributes,
		"user_verification_types":            &f.VerificationAttributes,
		"unauthenticated_identities_enabled": &f.AllowGuests,
		"mfa_configuration": choice(&f.MFA, map[string]string{ // OFF is Cognito's own word
			"NONE": "NONE", "OFF": "NONE", "OPTIONAL": "OPTIONAL", "REQUIRED": "REQUIRED",
		}, "NONE, OPTIONAL or REQUIRED"),
		"mfa_methods":  &f.MFAMethods,
		"groups":       reader(f.readGroups),
		"passwordless": reader(f.readPasswordless),
	}
}

func (f *File) readPolicy(d *jsontext.Decoder) error {
	policy := &PasswordPolicy{MinLength: defaultMinLength}
	f.PasswordPolicy = policy
	return members{
		"min_length":        &policy.MinLength,
		"require_numbers":   &policy.RequireNumbers,
		"require_lowercase": &policy.RequireLowercase,
		"require_uppercase": &policy.RequireUppercase,
		"require_symbols":   &policy.RequireSymbols,
	}.read(d)
}

func (f *File) readOAuth(d *jsontext.Decoder) error {
	f.OAuth = &OAuth{}
	return members{
		"domain":                &f.OAuth.Domain,
		"scopes":                &f.OAuth.Scopes,
		"redirect_sign_in_uri":  &f.OAuth.RedirectSignIn,
		"redirect_sign_out_uri": &f.OAuth.RedirectSignOut,
		"response_type":         &f.OAuth.ResponseType,
		"identity_providers":    &f.OAuth.IdentityProviders,
	}.read(d)
}

// readGroups reads a list of objects whose members are groups under their names.
func (f *File) readGroups(d *jsontext.Decoder) error {
	return readList(d, func() error {
		return readObject(d, func(name string) error {
			group := Group{Name: name}
			if err := readValue(d, members{"precedence": &group.Precedence}); err != nil {
				return err
			}
			f.Groups = append(f.Groups, group)
			return nil
		})
	})
}

func (f *File) readPasswordless(d *jsontext.Decoder) error {
	offer := &Passwordless{}
	f.Passwordless = offer
	return members{
		"email_otp_enabled":   &offer.EmailOTP,
		"sms_otp_enabled":     &offer.SMSOTP,
		"preferred_challenge": &offer.PreferredChallenge,
		"web_authn": members{
			"relying_party_id":  &offer.RelyingPartyID,
			"user_verification": &offer.UserVerification,
		},
	}.read(d)
}
