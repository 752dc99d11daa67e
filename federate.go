package latchkey

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/store"
)

// ProviderTokenSource returns a token of another provider that is good now: the ID token
// of Google, Auth0, Keycloak or any OpenID provider that the identity pool trusts,
// the access token of Facebook or Amazon, or for developer identities the token
// that the application's own server got from GetOpenIdTokenForDeveloperIdentity. It
// is called when AWS credentials are to be had, at first and each time they are
// renewed, from one goroutine at a time, under a context that ends after ten
// seconds. It must not call [Client.FetchSession] of the same client.
type ProviderTokenSource func(ctx context.Context) (Secret, error)

// Federation names the provider of a session that has no user pool; see [Client.Federate].
type Federation struct {
	// Provider is the name of the login as the identity pool knows it, such as
	// accounts.google.com, graph.facebook.com, an OpenID issuer without its scheme, or
	// cognito-identity.amazonaws.com for developer identities.
	Provider string
	// Source is asked for the provider's token, now and again whenever credentials are
	// renewed. Without Source and Token it is the source that Config.ProviderTokens has.
	Source ProviderTokenSource
	// Token takes the place of Source in a program that has one token and cannot get
	// another: AWS credentials are renewed with it as long as the identity pool takes it.
	Token Secret
	// IdentityID is the identity that the token belongs to, so that the pool need not be
	// asked for it. It comes with the token of a developer identity, and is optional.
	IdentityID string
}

// source is where tokens come from; nil if the federation does not say.
func (f Federation) source(configured map[string]ProviderTokenSource) ProviderTokenSource {
	switch {
	case f.Source != nil:
		return f.Source
	case !f.Token.IsZero():
		return func(context.Context) (Secret, error) { return f.Token, nil }
	}
	return configured[f.Provider]
}

// check says what is wrong with a federation whose source is known.
func (f Federation) check(source ProviderTokenSource) string {
	switch {
	case f.Provider == "":
		return "set Federation.Provider, such as accounts.google.com"
	case f.Source != nil && !f.Token.IsZero():
		return "set Federation.Source or Federation.Token, not both"
	case source == nil:
		return "set Federation.Source or Federation.Token, or name a source of the provider in Config.ProviderTokens"
	case f.IdentityID != "" && !cognito.PlausibleIdentity(f.IdentityID):
		return "Federation.IdentityID must have the form region:uuid"
	}
	return ""
}

// Federate begins a session that comes from another provider straight to the identity
// pool, without a user pool: it has an identity id and AWS credentials, and
// ErrNoUserPoolSession for user sub and tokens. What the source of tokens fails with later
// is in the chain of an ErrNeedsSignIn that names the provider; the session continues with
// the credentials in hand until they expire.
//
// The guest's identity, if there is one, becomes the login's where the pool allows
// it. The session takes the place of one that came from another provider before,
// and nothing of that is kept. While a user of the user pool is signed in, Federate
// fails with ErrAlreadySignedIn. If it fails, nothing has changed. Other errors:
// ErrNoIdentityPool, ErrInvalidParameter, ErrNotAuthorized if the pool refuses the token,
// ErrNeedsSignIn if the source has none, ErrNetwork, ErrStore.
func (c *Client) Federate(ctx context.Context, with Federation) (*Session, error) {
	if c.cfg.IdentityPoolID == "" {
		return nil, problem("Federate", ErrNoIdentityPool, "set "+c.cfg.shortName(c.cfg.identityPoolMember()))
	}
	source := with.source(c.cfg.ProviderTokens)
	if wrong := with.check(source); wrong != "" {
		return nil, problem("Federate", ErrInvalidParameter, wrong)
	}
	view, err := c.engine.Federate(ctx, store.Federation{Provider: with.Provider, IdentityID: with.IdentityID}, session.TokenSource(source))
	return (*Session)(view.Of("Federate")), asError("Federate", err)
}

// ClearFederation ends a session that came from another provider: its identity id
// and AWS credentials are removed from memory and from the store. It does not call the
// provider. It does nothing if there is no such session; [Client.SignOut] ends a session of
// any kind.
func (c *Client) ClearFederation(ctx context.Context) error {
	s, err := c.engine.Ready(ctx)
	if err != nil || s.View().Provider() == "" {
		return asError("ClearFederation", err)
	}
	var report SignOutReport
	c.signOut(ctx, "ClearFederation", &report, session.CauseLocal, signOutOptions{local: true})
	return report.Err()
}

// sourcesOf gives the engine the sources of a configuration.
func sourcesOf(configured map[string]ProviderTokenSource) map[string]session.TokenSource {
	sources := make(map[string]session.TokenSource, len(configured))
	for provider, source := range configured {
		sources[provider] = session.TokenSource(source)
	}
	return sources
}
