package latchkey

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/amplifyconfig"
)

// This file finds the names that errors call settings by. Who writes a configuration file
// knows its members, not the fields of Config.

// configFile is the file that a Config was read from.
type configFile struct {
	path string // empty if ParseConfig read it
	data []byte // all of it
	file amplifyconfig.File
}

// member is a setting with its names: the field of Config, and the members of Amplify's two
// generations of files.
type member struct{ field, gen2, gen1, value string }

// addresses are the addresses that c names.
func (c Config) addresses() [4]member {
	own := func(field, name, value string) member {
		return member{field, "latchkey." + name, "latchkey." + name, value}
	}
	return [...]member{
		own("UserPoolEndpoint", "user_pool_endpoint", c.UserPoolEndpoint),
		own("IdentityPoolEndpoint", "identity_pool_endpoint", c.IdentityPoolEndpoint),
		own("OAuthBaseURL", "oauth_base_url", c.OAuthBaseURL),
		own("Issuer", "issuer", c.Issuer),
	}
}

func (c Config) userPoolMember() member {
	return member{"UserPoolID", "auth.user_pool_id", "aws_user_pools_id", c.UserPoolID}
}

func (c Config) clientMember() member {
	return member{"ClientID", "auth.user_pool_client_id", "aws_user_pools_web_client_id", c.ClientID}
}

func (c Config) identityPoolMember() member {
	return member{"IdentityPoolID", "auth.identity_pool_id", "aws_cognito_identity_pool_id", c.IdentityPoolID}
}

// oauthMember is a member of the object "oauth"; its value is a list or absent.
func oauthMember(field, gen2, gen1 string) member {
	return member{field: "OAuth." + field, gen2: "auth.oauth." + gen2, gen1: "oauth." + gen1}
}

func domainMember() member { return oauthMember("Domain", "domain", "domain") }
func redirectSignInMember() member {
	return oauthMember("RedirectSignIn", "redirect_sign_in_uri", "redirectSignIn")
}
func redirectSignOutMember() member {
	return oauthMember("RedirectSignOut", "redirect_sign_out_uri", "redirectSignOut")
}

// inFile reports whether m has the value that the file of c gave it, which may be none.
func (c Config) inFile(m member) bool {
	if c.file == nil {
		return false
	}
	read := Config{
		UserPoolID: c.file.file.UserPoolID, ClientID: c.file.file.ClientID, IdentityPoolID: c.file.file.IdentityPoolID,
		UserPoolEndpoint: c.file.file.UserPoolEndpoint, IdentityPoolEndpoint: c.file.file.IdentityPoolEndpoint,
		OAuthBaseURL: c.file.file.OAuthBaseURL, Issuer: c.file.file.Issuer,
	}
	addresses := read.addresses()
	for _, known := range append(addresses[:], read.userPoolMember(), read.clientMember(), read.identityPoolMember()) {
		if known.field == m.field {
			return known.value == m.value
		}
	}
	return true
}

// shortName is what m is called in a sentence that does not begin with it.
func (c Config) shortName(m member) string {
	switch {
	case !c.inFile(m):
		return "Config." + m.field
	case c.file.file.Gen1 != "":
		return m.gen1
	}
	return m.gen2
}

// nameOf says where m comes from: the file's member if its value is the file's, else
// the field.
func (c Config) nameOf(m member) string {
	if c.inFile(m) && c.file.path != "" {
		return c.file.path + ": " + c.shortName(m)
	}
	return c.shortName(m)
}

// missing is the error of op without a setting; set says which ones to add.
func (c Config) missing(op string, m member, set ...member) error {
	var names []string
	for _, one := range append([]member{m}, set...) {
		names = append(names, c.shortName(one))
	}
	return &Error{
		Op: op, Kind: ErrConfig, Message: c.nameOf(m) + " is missing", Hint: "set " + strings.Join(names, " and "),
	}
}

// noUserPool is the error of op without a user pool.
func (c Config) noUserPool(op string) error {
	return c.missing(op, c.userPoolMember(), c.clientMember())
}

// malformed is the error of op about a setting's value, which is not secret.
func (c Config) malformed(op string, m member, form string) error {
	return &Error{Op: op, Kind: ErrConfig, Message: fmt.Sprintf("%s %q must have the form %s", c.nameOf(m), m.value, form)}
}

// exposed is the error of an address that is http beyond the loopback interface.
func (c Config) exposed(m member, u *url.URL) error {
	permission := "Config.InsecureHTTP"
	if c.file != nil {
		permission = "latchkey.insecure_http"
	}
	return &Error{
		Op: "New", Kind: ErrConfig, Message: fmt.Sprintf("%s is plain http to another machine, %q", c.nameOf(m), u.Hostname()),
		Hint: "use https, or set " + permission + " to true if everyone on the network may read passwords and tokens",
	}
}
