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
	identity := origin.Of(c.identityPoolURL())
	if c.UserPoolID == "" {
		return identity
	}
	user := origin.Of(c.userPoolURL())
	if c.IdentityPoolID == "" || identity == user || origin.OfAWS(identity) {
		return user
	}
	return user + " " + identity
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
// addresses, and without a service by versions that did not tell services apart.
func (c Config) formerScopes() []store.Scope {
	var scopes []store.Scope
	for _, address := range c.FormerEndpoints {
		if scope := c.scopeAt(origin.Of(address)); scope != c.scope() && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return append(scopes, c.scopeAt(""))
}

// ours reports whether tokens of an issuer can be this service's.
func (c Config) ours(issuer string) bool {
	switch {
	case c.UserPoolEndpoint == "" && c.Issuer == "":
		return issuer == c.issuer() // AWS's own
	case c.acceptsIssuer(issuer):
		return true
	}
	former := func(address string) bool { return origin.Of(address) == origin.Of(issuer) }
	return strings.HasSuffix(issuer, "/"+c.UserPoolID) && slices.ContainsFunc(c.FormerEndpoints, former)
}
