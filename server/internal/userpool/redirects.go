package userpool

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// scriptSchemes are schemes that a browser runs or shows instead of handing them
// to a program.
var scriptSchemes = []string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws", "wss"}

// checkRedirects checks the URLs that users may be sent to (developer guide,
// "App client settings"; RFC 6749, section 3.1.2).
func checkRedirects(c *ClientSettings) error {
	for _, target := range slices.Concat(c.CallbackURLs, c.LogoutURLs) {
		if err := checkRedirect(target); err != nil {
			return err
		}
	}
	if c.DefaultRedirectURI != "" && !slices.Contains(c.CallbackURLs, c.DefaultRedirectURI) {
		return invalid("DefaultRedirectURI must be one of CallbackURLs.")
	}
	return nil
}

// checkRedirect refuses what two readers could take for two different places.
func checkRedirect(target string) error {
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" && strings.HasPrefix(u.Scheme, "http"):
		return invalid("Redirect URI %s is not an absolute URI.", target)
	case strings.Contains(target, "#"):
		return invalid("Redirect URI %s must not have a fragment.", target)
	case strings.Contains(target, `\`) || u.User != nil:
		return invalid("Redirect URI %s must have neither a user name nor a backslash.", target)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return invalid("%s cannot use the HTTP protocol.", target)
	case slices.Contains(scriptSchemes, u.Scheme):
		return invalid("Redirect URI %s has a scheme that is not allowed.", target)
	}
	return nil
}

// loopback reports whether a host is this machine, where plain HTTP is safe
// enough to develop with (RFC 8252, section 8.3).
func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// scopes are those that every pool has. Resource servers add others.
var scopes = []string{"openid", "email", "phone", "profile", scopeAPI}

// checkScopes checks scopes against what the pool has.
func checkScopes(tx storage.Tx, poolID string, c *ClientSettings) error {
	for _, scope := range c.AllowedOAuthScopes {
		if slices.Contains(scopes, scope) {
			continue
		}
		known, err := hasCustomScope(tx, poolID, scope)
		if err != nil {
			return err
		}
		if !known {
			return wire.Exceptionf(wire.ScopeDoesNotExistException, "Scope does not exist: %s", scope)
		}
	}
	return nil
}

// hasCustomScope looks for a scope among the resource servers: its name is what
// follows the last slash, as names have none.
func hasCustomScope(tx storage.Tx, poolID, scope string) (bool, error) {
	i := strings.LastIndexByte(scope, '/')
	if i < 0 {
		return false, nil
	}
	server, err := tx.Resources.ResourceServer(poolID, scope[:i])
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	offered, err := scopesOf(server)
	return slices.ContainsFunc(offered, func(s wire.ResourceServerScopeType) bool { return s.ScopeName == scope[i+1:] }), err
}

// ownProvider is the pool itself among the providers of a client.
const ownProvider = "COGNITO"

// checkProviders checks identity providers against what the pool has.
func checkProviders(tx storage.Tx, poolID string, c *ClientSettings) error {
	for _, name := range c.SupportedIdentityProviders {
		if name == ownProvider {
			continue
		}
		_, err := tx.Providers.IdentityProvider(poolID, name)
		if err != nil {
			return notFound(err, invalid("The provider %s does not exist for User Pool %s.", name, poolID))
		}
	}
	return nil
}
