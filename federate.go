package latchkey

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/store"
)

// TokenSourceFunc gives a token of another provider that is good now: the ID token
// of Google, Auth0, Keycloak or any OpenID provider that the identity pool trusts,
// the access token of Facebook or Amazon, or for developer identities the token
// that the application's own server got from GetOpenIdTokenForDeveloperIdentity. It
// is called when AWS credentials are to be had, at first and each time they are
// renewed, from one goroutine at a time, under a context that ends after ten
// seconds. It must not call [Client.FetchSession] of the same client.
type TokenSourceFunc func(ctx context.Context) (Secret, error)

// OneToken is a source that has one token and cannot get another. AWS credentials
// are renewed with it as long as the identity pool takes it.
func OneToken(token string) TokenSourceFunc {
	return func(context.Context) (Secret, error) { return NewSecret(token), nil }
}

// FederateOption changes one call of [Client.Federate].
type FederateOption struct{ identity string }

// IdentityID names the identity that the token belongs to, so that the pool need
// not be asked for it. For developer identities it comes with the token, and the
// provider is "cognito-identity.amazonaws.com".
func IdentityID(id string) FederateOption { return FederateOption{identity: id} }

// Federate begins a session that comes from another provider straight to the
// identity pool, without a user pool: it has an identity id and AWS credentials,
// and ErrNoUserPoolSession for user sub and tokens. provider is the name of the
// login as the identity pool knows it, such as accounts.google.com,
// graph.facebook.com or an OpenID issuer without its scheme. source is asked for
// the provider's token now, and again whenever credentials are renewed; what it
// fails with is then in the chain of an ErrNeedsSignIn that names the provider, and
// the session goes on with the credentials in hand until they expire. nil stands
// for the source that Config.ProviderTokens has.
//
// The guest's identity, if there is one, becomes the login's where the pool allows
// it. The session takes the place of one that came from another provider before,
// and nothing of that is kept. While a user of the user pool is signed in, Federate
// fails with ErrAlreadySignedIn. If it fails, nothing has changed.
func (c *Client) Federate(ctx context.Context, provider string, source TokenSourceFunc, options ...FederateOption) (*Session, error) {
	if source == nil {
		source = c.cfg.ProviderTokens[provider]
	}
	switch {
	case c.cfg.IdentityPoolID == "":
		return nil, problem("Federate", ErrNoIdentityPool, "set Config.IdentityPoolID")
	case provider == "":
		return nil, problem("Federate", ErrInvalidParameter, "name the provider, such as accounts.google.com")
	case source == nil:
		return nil, problem("Federate", ErrInvalidParameter, "give a source of the provider's tokens, or name one in Config.ProviderTokens")
	}
	federation := store.Federation{Provider: provider}
	for _, o := range options {
		if federation.IdentityID = o.identity; !cognito.PlausibleIdentity(o.identity) {
			return nil, problem("Federate", ErrInvalidParameter, "an identity id has the form region:uuid")
		}
	}
	view, err := c.engine.Federate(ctx, federation, session.TokenSource(source))
	return (*Session)(view.Of("Federate")), asError("Federate", err)
}

// ClearFederation ends a session that came from another provider: its identity id
// and AWS credentials are forgotten here and in the store. The provider is not
// told. It does nothing when there is no such session; [Client.SignOut] does the
// same for whatever session there is.
func (c *Client) ClearFederation(ctx context.Context) error {
	s, err := c.engine.Ready(ctx)
	if err != nil || s.View().Provider() == "" {
		return asError("ClearFederation", err)
	}
	var report SignOutReport
	c.signOut(ctx, "ClearFederation", &report, CauseLocal, []SignOutOption{LocalOnly()})
	return report.Err()
}

// sourcesOf gives the engine the sources of a configuration.
func sourcesOf(configured map[string]TokenSourceFunc) map[string]session.TokenSource {
	sources := make(map[string]session.TokenSource, len(configured))
	for provider, source := range configured {
		sources[provider] = session.TokenSource(source)
	}
	return sources
}
