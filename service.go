package latchkey

import (
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/store"
)

// This file says which service a configuration is about. The ids of a pool and a client
// are public, and two services may have the same: a session belongs to the service that
// it was begun at, and is neither read nor sent by a client of another.

// service identifies the service by where it is called. An identity pool that is called
// elsewhere than the user pool, and not in AWS, is part of it: ID tokens are sent there.
func (c Config) service() string {
	if identity := c.otherIdentity(); identity != "" {
		return c.origin() + " " + identity
	}
	return c.origin()
}

// origin is the origin of the user pool, or of the identity pool if there is no user pool.
func (c Config) origin() string {
	if c.UserPoolID == "" {
		return origin.Of(c.identityPoolURL())
	}
	return origin.Of(c.userPoolURL())
}

// otherIdentity is the origin of an identity pool that is called elsewhere than the user
// pool, and not in AWS; empty otherwise.
func (c Config) otherIdentity() string {
	identity := origin.Of(c.identityPoolURL())
	if c.IdentityPoolID == "" || identity == c.origin() || origin.OfAWS(identity) {
		return ""
	}
	return identity
}

// formerOrigins are the origins of FormerEndpoints.
func (c Config) formerOrigins() []string {
	var origins []string
	for _, address := range c.FormerEndpoints {
		origins = append(origins, origin.Of(address))
	}
	return origins
}

// scope is what this configuration's sessions are kept under.
func (c Config) scope() store.Scope { return c.scopeAt(c.service()) }

func (c Config) scopeAt(service string) store.Scope {
	if c.UserPoolID == "" {
		return store.Scope{Service: service, PoolID: c.IdentityPoolID}
	}
	return store.Scope{Service: service, PoolID: c.UserPoolID, ClientID: c.ClientID}
}

// formerScopes are where the service's sessions may be kept as well: under its former
// addresses, and without a service by versions that did not tell services apart. An
// identity pool at an address that is none of the service's is part of each scope: it is
// not sent the tokens of a session that was begun without it.
func (c Config) formerScopes() []store.Scope {
	services, suffix := c.formerOrigins(), ""
	if identity := c.otherIdentity(); slices.Contains(services, identity) {
		services = append(services, c.origin())
	} else if identity != "" {
		suffix = " " + identity
	}
	var scopes []store.Scope
	for _, service := range services {
		if scope := c.scopeAt(service + suffix); scope != c.scope() && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return append(scopes, c.scopeAt(""))
}

// formerIdentityOrigins are where the service's identity pool was called before; nil if
// the identity pool is called at no address of the service.
func (c Config) formerIdentityOrigins() []string {
	identity, former := origin.Of(c.identityPoolURL()), c.formerOrigins()
	if c.IdentityPoolID == "" || identity != c.origin() && !slices.Contains(former, identity) {
		return nil
	}
	return append(former, c.origin())
}

// formerIssuer reports whether an issuer is the one that the service had at a former
// address.
func (c Config) formerIssuer(issuer string) bool {
	return !c.acceptsIssuer(issuer) && strings.HasSuffix(issuer, "/"+c.UserPoolID) && slices.Contains(c.formerOrigins(), origin.Of(issuer))
}

// ours reports whether tokens of an issuer can be this service's.
func (c Config) ours(issuer string) bool {
	if c.UserPoolEndpoint == "" && c.Issuer == "" {
		return issuer == c.issuer() // AWS's own
	}
	return c.acceptsIssuer(issuer) || c.formerIssuer(issuer)
}
