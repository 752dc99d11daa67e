package admin

import (
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// scriptSchemes are schemes that a browser runs or shows instead of handing them
// to a program.
var scriptSchemes = []string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws", "wss"}

// checkRedirects checks the URLs that users may be sent to (developer guide,
// "App client settings"; RFC 6749, section 3.1.2).
func checkRedirects(c *pool.ClientSettings) error {
	for _, target := range slices.Concat(c.CallbackURLs, c.LogoutURLs) {
		if err := checkRedirect(target); err != nil {
			return err
		}
	}
	if c.DefaultRedirectURI != "" && !slices.Contains(c.CallbackURLs, c.DefaultRedirectURI) {
		return pool.Invalid("DefaultRedirectURI must be one of CallbackURLs.")
	}
	return nil
}

// checkRedirect refuses what two readers could take for two different places.
func checkRedirect(target string) error {
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" && strings.HasPrefix(u.Scheme, "http"):
		return pool.Invalid("Redirect URI %s is not an absolute URI.", target)
	case strings.Contains(target, "#"):
		return pool.Invalid("Redirect URI %s must not have a fragment.", target)
	case strings.Contains(target, `\`) || u.User != nil:
		return pool.Invalid("Redirect URI %s must have neither a user name nor a backslash.", target)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return pool.Invalid("%s cannot use the HTTP protocol.", target)
	case slices.Contains(scriptSchemes, u.Scheme):
		return pool.Invalid("Redirect URI %s has a scheme that is not allowed.", target)
	}
	return nil
}

// loopback reports whether a host is this machine, where plain HTTP is safe
// enough to develop with (RFC 8252, section 8.3).
func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// checkScopes checks scopes against what the pool has.
func checkScopes(tx storage.Tx, poolID string, c *pool.ClientSettings) error {
	for _, scope := range c.AllowedOAuthScopes {
		if slices.Contains(tokens.Scopes, scope) {
			continue
		}
		known, err := tokens.HasCustomScope(tx, poolID, scope)
		if err != nil {
			return err
		}
		if !known {
			return wire.Exceptionf(wire.ScopeDoesNotExistException, "Scope does not exist: %s", scope)
		}
	}
	return nil
}

// checkProviders checks identity providers against what the pool has.
func checkProviders(tx storage.Tx, poolID string, c *pool.ClientSettings) error {
	for _, name := range c.SupportedIdentityProviders {
		if name == pool.OwnProvider {
			continue
		}
		_, err := tx.Providers.IdentityProvider(poolID, name)
		if err != nil {
			return pool.NotFound(err, pool.Invalid("The provider %s does not exist for User Pool %s.", name, poolID))
		}
	}
	return nil
}
