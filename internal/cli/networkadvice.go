package cli

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/localhost"
)

// target is the service that a run calls.
type target struct {
	aws      bool   // Amazon Cognito's own endpoints
	endpoint string // of the configuration; empty if it is not known
	member   string // that names the endpoint
	// issuerMember names the issuer, or what it follows from.
	issuerMember string
}

// targetOf is the service that a configuration names.
func targetOf(config latchkey.Config) target {
	const userPool, identityPool, issuer = "latchkey.user_pool_endpoint", "latchkey.identity_pool_endpoint", "latchkey.issuer"
	t := target{aws: true, issuerMember: issuer}
	switch {
	case config.UserPoolID != "" && config.UserPoolEndpoint != "":
		t = target{endpoint: config.UserPoolEndpoint, member: userPool, issuerMember: issuer}
	case config.UserPoolID == "" && config.IdentityPoolEndpoint != "":
		t = target{endpoint: config.IdentityPoolEndpoint, member: identityPool, issuerMember: issuer}
	}
	if config.Issuer == "" && config.UserPoolEndpoint != "" {
		t.issuerMember = userPool
	}
	return t
}

// adviseNetwork says what to do about a service that was not reached. hint is the client's,
// which counts if it knows the cause.
func (c *commandLine) adviseNetwork(err error, hint string) string {
	if hint != "" && hint != fault.HintNetwork {
		return memberNames(hint)
	}
	if c.target.aws {
		if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
			return fault.HintNetwork + ", and the region in the user pool id"
		}
		return fault.HintNetwork
	}
	u, parseErr := url.Parse(c.target.endpoint)
	if c.target.endpoint == "" || parseErr != nil || localhost.Loopback(u.Hostname()) {
		return "is the service running? " + c.upLine() + " starts a local one"
	}
	return "is the service at " + ui.Clean(u.Host) + " running? Check " + c.target.member + " and the network connection"
}

// upLine is what to type to start the local service of the configuration.
func (c *commandLine) upLine() string {
	up := c.program + " up"
	if folder := folderAt(c.homeFlag, c.target.endpoint); folder != "" && !c.isDefault(folder) {
		up += " --data " + shellQuote(folder)
	}
	return "`" + up + "`"
}

// memberNames puts the names of a configuration file's members and of flags in the place of
// the library's, which programs use.
func memberNames(hint string) string {
	return strings.NewReplacer(
		"Config.CAFile", "latchkey.ca_file", "Config.Issuer", "latchkey.issuer",
		"set BROWSER or Config.OpenBrowser, or paste the answer (PasteAnswer)", "set BROWSER, or use --no-browser",
		"give RedirectTo, or set", "set",
	).Replace(hint)
}
