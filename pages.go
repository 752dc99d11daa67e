package latchkey

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// This file has what the configuration says of the sign-in pages: where they are,
// who issues their tokens, and where they lead back to.

// pagesURL is what /oauth2/authorize, /oauth2/token and /logout stand below.
func (c Config) pagesURL(op string) (string, error) {
	if c.UserPoolID == "" {
		return "", c.noUserPool(op)
	}
	if c.OAuthBaseURL != "" {
		return strings.TrimSuffix(c.OAuthBaseURL, "/"), nil // New has checked it
	}
	if c.OAuth == nil || c.OAuth.Domain == "" {
		return "", problem(op, ErrConfig, "set "+c.shortName(domainMember())+" to the domain of the pool's sign-in pages, such as example.auth.us-east-1.amazoncognito.com")
	}
	u, err := url.Parse("https://" + c.OAuth.Domain)
	if err != nil || u.Host != c.OAuth.Domain || u.Hostname() == "" {
		return "", problem(op, ErrConfig, c.shortName(domainMember())+" must be a host without scheme and path, such as example.auth.us-east-1.amazoncognito.com")
	}
	return u.String(), nil
}

// issuer is the exact iss of the pool's tokens, below which their keys are served: the
// configured one, AWS's, or that of a self-hosted service.
func (c Config) issuer() string {
	if c.Issuer != "" {
		return c.Issuer
	}
	return strings.TrimSuffix(c.userPoolURL(), "/") + "/" + c.UserPoolID
}

// redirectURI checks the URL to come back to; without one it is the first that the
// configuration names.
func (c Config) redirectURI(op, uri string) (string, error) {
	var known []string
	if c.OAuth != nil {
		known = c.OAuth.RedirectSignIn
	}
	name := "the URL of RedirectTo"
	if uri == "" && len(known) > 0 {
		uri, name = known[0], "the first URL of "+c.shortName(redirectSignInMember())
	}
	if uri == "" {
		return "", problem(op, ErrConfig, "give RedirectTo, or set "+c.shortName(redirectSignInMember())+" to the app client's callback URLs")
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || strings.Contains(uri, "#") || u.User != nil {
		return "", problem(op, ErrConfig, name+" must be absolute, with neither user nor fragment")
	}
	fits := func(k string) bool { return k == uri || portless(k) != "" && portless(k) == portless(uri) }
	if len(known) > 0 && !slices.ContainsFunc(known, fits) {
		return "", problem(op, ErrConfig, fmt.Sprintf("%s is not among %s, character by character; name one of these, or register it", u.Redacted(), c.shortName(redirectSignInMember())))
	}
	return uri, nil
}

// portless is a URL of a loopback address without its port, which is the program's
// choice of the moment (RFC 8252 section 7.3); empty for all others.
func portless(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || !loopbackIP(u.Hostname()) {
		return ""
	}
	if u.Host = u.Hostname(); strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	return u.String()
}

func loopbackIP(host string) bool { return host == "127.0.0.1" || host == "::1" }

// loopbackURI chooses the callback URL of a program on the person's own machine.
func (c Config) loopbackURI(op, uri string) (*url.URL, error) {
	candidates := []string{uri}
	if uri == "" && c.OAuth != nil && len(c.OAuth.RedirectSignIn) > 0 {
		candidates = c.OAuth.RedirectSignIn
	} else if uri == "" {
		candidates = []string{"http://127.0.0.1/callback"}
	}
	var second *url.URL
	for _, candidate := range candidates {
		u, err := url.Parse(candidate)
		if err != nil || u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			continue
		}
		if loopbackIP(u.Hostname()) {
			return u, nil
		}
		// "localhost" is what Cognito takes over http, with the port that was registered.
		if second == nil && u.Hostname() == "localhost" && u.Port() != "" {
			second = u
		}
	}
	if second != nil {
		return second, nil
	}
	return nil, problem(op, ErrConfig, "none of the callback URLs leads back to this machine; register http://127.0.0.1/callback, or with Cognito http://localhost:PORT/callback, and add it to "+c.shortName(redirectSignInMember()))
}
