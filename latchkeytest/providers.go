package latchkeytest

import (
	"regexp"
	"strings"
	"sync"
)

// supportedClients is what Cognito allows as a value of SupportedLoginProviders.
var supportedClients = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w.;,_/-]{1,128}$`) })

// LoginProvider makes the identity pool take ID tokens of another OpenID provider,
// with these client ids as audiences. The provider may run in the test, over http.
// It is one of SupportedLoginProviders, or, with client ids that Cognito does not
// allow there such as URLs, one of OpenIdConnectProviderARNs.
func LoginProvider(issuer string, clientIDs ...string) Option {
	return Option{func(o *options) {
		_, name, _ := strings.Cut(issuer, "://")
		clients := strings.Join(clientIDs, ",")
		if !supportedClients().MatchString(clients) {
			if o.audiences == nil {
				o.audiences = map[string][]string{}
			}
			o.audiences[name] = clientIDs
			o.identities.OpenIdConnectProviderARNs = append(o.identities.OpenIdConnectProviderARNs, "arn:aws:iam::000000000000:oidc-provider/"+name)
			return
		}
		if o.identities.SupportedLoginProviders == nil {
			o.identities.SupportedLoginProviders = map[string]string{}
		}
		o.identities.SupportedLoginProviders[name] = clients
	}}
}
