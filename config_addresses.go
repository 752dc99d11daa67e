package latchkey

import (
	"net/url"

	"github.com/latchkey-auth/latchkey/internal/localhost"
)

// checkAddresses refuses addresses that cannot be called, and those that would be
// called without encryption over a network. The issuer is only compared, and may be
// any text, unless there are sign-in pages.
func (c Config) checkAddresses() error {
	for _, m := range c.addresses() {
		if m.value == "" {
			continue
		}
		u, err := url.Parse(m.value)
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
