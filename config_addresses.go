package latchkey

import (
	"fmt"
	"net/url"

	"github.com/latchkey-auth/latchkey/internal/amplifyconfig"
	"github.com/latchkey-auth/latchkey/internal/localhost"
)

// configFile is the file that a Config was read from.
type configFile struct {
	path string // empty if ParseConfig read it
	data []byte // all of it
	file amplifyconfig.File
}

// member is an address of a configuration, with its names in Go and in a file.
type member struct{ field, json, address string }

// addresses are the addresses that c names.
func (c Config) addresses() [4]member {
	return [...]member{
		{"UserPoolEndpoint", "user_pool_endpoint", c.UserPoolEndpoint},
		{"IdentityPoolEndpoint", "identity_pool_endpoint", c.IdentityPoolEndpoint},
		{"OAuthBaseURL", "oauth_base_url", c.OAuthBaseURL},
		{"Issuer", "issuer", c.Issuer},
	}
}

// nameOf says where m comes from: the file's member if its value is the file's, else
// the field.
func (c Config) nameOf(m member) string {
	if c.file == nil {
		return "Config." + m.field
	}
	for _, read := range (Config{
		UserPoolEndpoint: c.file.file.UserPoolEndpoint, IdentityPoolEndpoint: c.file.file.IdentityPoolEndpoint,
		OAuthBaseURL: c.file.file.OAuthBaseURL, Issuer: c.file.file.Issuer,
	}).addresses() {
		if read == m {
			name := "latchkey." + m.json
			if c.file.path != "" {
				name = c.file.path + ": " + name
			}
			return name
		}
	}
	return "Config." + m.field
}

// checkAddresses refuses addresses that cannot be called, and those that would be
// called without encryption over a network. The issuer is only compared, and may be
// any text, unless there are sign-in pages.
func (c Config) checkAddresses() error {
	for _, m := range c.addresses() {
		if m.address == "" {
			continue
		}
		u, err := url.Parse(m.address)
		if m.field == "Issuer" {
			if err != nil || !c.hasPages() {
				continue
			}
		} else if err := c.checkURL(m, u, err); err != nil {
			return err
		}
		if !c.InsecureHTTP && localhost.Exposed(u) {
			return c.exposed(m, u)
		}
	}
	return nil
}

// hasPages reports whether the pool's sign-in pages are known, whose ID tokens are
// verified with the issuer's keys.
func (c Config) hasPages() bool {
	return c.OAuthBaseURL != "" || c.OAuth != nil && c.OAuth.Domain != ""
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

// checkURL accepts what can be called: an absolute URL without credentials.
// Errors do not repeat the address, which may hold some.
func (c Config) checkURL(m member, u *url.URL, err error) error {
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return problem("New", ErrConfig, c.nameOf(m)+" must be an http or https URL such as https://host/")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return problem("New", ErrConfig, c.nameOf(m)+" must have neither user, query nor fragment")
	}
	return nil
}
