package federation

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Keys of ProviderDetails (CreateIdentityProvider).
const (
	keyClientID     = "client_id"
	keyClientSecret = "client_secret"
	keyScopes       = "authorize_scopes"
	keyIssuer       = "oidc_issuer"
	keyMethod       = "attributes_request_method"
	keyAuthorizeURL = "authorize_url"
	keyTokenURL     = "token_url"
	keyUserInfoURL  = "attributes_url"
	keyJWKS         = "jwks_uri"
	keyAPIVersion   = "api_version"
	keyTeam         = "team_id"
	keyKey          = "key_id"
	keyPrivate      = "private_key"
	// keyFormer lists issuers that the provider had before it moved, separated by
	// blanks or commas. Cognito has no such key.
	keyFormer = "former_issuers"
)

// profile is what is known of a kind of providers.
type profile struct {
	subject  string   // claim that tells users apart
	issuer   string   // of subjects, where the kind sends no iss
	openID   bool     // there is an ID token
	required []string // beyond client_id
	defaults map[string]string
	fields   bool // attributes_url lists the claims that are wanted
	social   bool // Cognito knows the provider, and takes scopes without openid
}

var profiles = map[string]profile{
	wire.ProviderOIDC: {
		subject: "sub", openID: true, required: []string{keyIssuer},
		defaults: map[string]string{keyMethod: "GET", keyScopes: "openid"},
	},
	wire.ProviderGoogle: {
		subject: "sub", openID: true, social: true, required: []string{keyClientSecret},
		defaults: map[string]string{keyIssuer: "https://accounts.google.com", keyScopes: "profile email openid"},
	},
	wire.ProviderApple: {
		subject: "sub", openID: true, social: true, required: []string{keyTeam, keyKey, keyPrivate},
		defaults: map[string]string{keyIssuer: "https://appleid.apple.com", keyScopes: "openid email name"},
	},
	wire.ProviderFacebook: {
		subject: "id", issuer: "https://www.facebook.com", required: []string{keyClientSecret}, fields: true,
		defaults: map[string]string{keyAPIVersion: "v21.0", keyScopes: "public_profile,email"},
	},
	wire.ProviderAmazon: {
		subject: "user_id", issuer: "https://www.amazon.com", required: []string{keyClientSecret},
		defaults: map[string]string{
			keyScopes: "profile", keyAuthorizeURL: "https://www.amazon.com/ap/oa",
			keyTokenURL: "https://api.amazon.com/auth/o2/token", keyUserInfoURL: "https://api.amazon.com/user/profile",
		},
	},
}

// facebook are the endpoints of a version of Facebook's API, which its address names.
func facebook(version string) map[string]string {
	return map[string]string{
		keyAuthorizeURL: "https://www.facebook.com/" + version + "/dialog/oauth",
		keyTokenURL:     "https://graph.facebook.com/" + version + "/oauth/access_token",
		keyUserInfoURL:  "https://graph.facebook.com/" + version + "/me",
	}
}

// detailKeys are all keys that ProviderDetails may have. Those that Cognito shows
// and this service has no use for pass, so that what was described can be sent back.
var detailKeys = []string{
	keyClientID, keyClientSecret, keyScopes, keyIssuer, keyMethod, keyAuthorizeURL, keyTokenURL, keyUserInfoURL, keyJWKS,
	keyAPIVersion, keyTeam, keyKey, keyPrivate, keyFormer, "attributes_url_add_attributes", "token_request_method",
}

// maxDetail bounds one of them in bytes.
const maxDetail = 8 << 10

// Complete checks ProviderDetails of a kind of providers and fills in what is left
// out. The error's text is for the administrator.
func Complete(kind string, details wire.Parameters) (wire.Parameters, error) {
	p, known := profiles[kind]
	if !known {
		return nil, fmt.Errorf("providers of type %s are not supported; use OIDC", kind)
	}
	full := wire.Parameters{}
	for name, value := range details {
		if !slices.Contains(detailKeys, name) {
			return nil, fmt.Errorf("ProviderDetails has the key %s, which is not known; keys are %s", clean(name), strings.Join(detailKeys, ", "))
		}
		if len(value) > maxDetail {
			return nil, fmt.Errorf("%s of ProviderDetails is longer than %d bytes", name, maxDetail)
		}
		if value != "" {
			full[name] = value
		}
	}
	fill(full, p.defaults)
	if kind == wire.ProviderFacebook {
		fill(full, facebook(full[keyAPIVersion]))
	}
	for _, name := range append([]string{keyClientID}, p.required...) {
		if full[name] == "" {
			return nil, fmt.Errorf("%s is missing in ProviderDetails", name)
		}
	}
	if strings.ContainsFunc(full[keyClientID], func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("client_id must be visible ASCII characters")
	}
	return full, p.check(full)
}

func fill(details wire.Parameters, defaults map[string]string) {
	for name, value := range defaults {
		if details[name] == "" {
			details[name] = value
		}
	}
}

// scopes are the scopes that a provider is asked for. Google and Apple are always asked
// for openid, without which there is no ID token: the AWS CDK's defaults lack it.
func (p profile) scopes(details wire.Parameters) string {
	scopes := strings.Fields(details[keyScopes])
	if p.openID && p.social && !slices.Contains(scopes, "openid") {
		return strings.Join(append([]string{"openid"}, scopes...), " ")
	}
	return details[keyScopes]
}

func (p profile) check(details wire.Parameters) error {
	pinned := 0
	for _, name := range []string{keyAuthorizeURL, keyTokenURL, keyJWKS} {
		if details[name] != "" {
			pinned++
		}
	}
	switch {
	case p.openID && !p.social && !slices.Contains(strings.Fields(details[keyScopes]), "openid"):
		return fmt.Errorf("authorize_scopes must contain openid")
	case p.openID && !strings.HasPrefix(details[keyIssuer], "https://") && !strings.HasPrefix(details[keyIssuer], "http://"):
		return fmt.Errorf("oidc_issuer must begin with https://, in lower case")
	case p.openID && pinned != 0 && pinned != 3:
		return fmt.Errorf("authorize_url, token_url and jwks_uri must be there together, or be left to discovery")
	case details[keyMethod] != "" && details[keyMethod] != "GET" && details[keyMethod] != "POST":
		return fmt.Errorf("attributes_request_method must be GET or POST")
	case details[keyFormer] != "" && !p.openID:
		return fmt.Errorf("former_issuers does not apply to providers without an issuer")
	case details[keyFormer] != "":
		if err := checkFormer(details); err != nil {
			return err
		}
	}
	if details[keyPrivate] != "" {
		_, err := appleKey(details[keyPrivate])
		return err
	}
	return nil
}

// maxFormer bounds the number of former issuers.
const maxFormer = 10

func checkFormer(details wire.Parameters) error {
	list := FormerIssuers(details)
	if len(list) > maxFormer {
		return fmt.Errorf("former_issuers has more than %d issuers", maxFormer)
	}
	for _, issuer := range list {
		if u, err := url.Parse(issuer); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return fmt.Errorf("former_issuers has %q, which is not an http or https URL", clean(issuer))
		}
	}
	return nil
}

// Issuer is the issuer at which the subjects of a provider are unique.
func Issuer(kind string, details wire.Parameters) string {
	if p := profiles[kind]; !p.openID {
		return p.issuer
	}
	return details[keyIssuer]
}

// FormerIssuers are the issuers that a provider had before it moved, as an
// administrator says. Their subjects are the same persons.
func FormerIssuers(details wire.Parameters) []string {
	return strings.FieldsFunc(details[keyFormer], func(r rune) bool { return r == ',' || r == ' ' })
}

// URLs are the addresses in completed details, for a check of where they lead.
func URLs(details wire.Parameters) map[string]string {
	found := map[string]string{}
	for _, name := range []string{keyIssuer, keyAuthorizeURL, keyTokenURL, keyUserInfoURL, keyJWKS} {
		if details[name] != "" {
			found[name] = details[name]
		}
	}
	return found
}

// SubjectClaim is the claim that tells the users of a kind of providers apart.
func SubjectClaim(kind string) string { return profiles[kind].subject }

// clean is Description for a name within a longer text.
func clean(text string) string { return Description(text, 200) }

// Description makes a text from outside fit for error_description (RFC 6749, section
// 4.1.2.1): printable ASCII without quote and backslash, at most so many bytes.
func Description(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r < ' ' || r > '~':
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), most)]
}
