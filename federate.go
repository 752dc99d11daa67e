package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
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
		return nil, fault("Federate", ErrNoIdentityPool, "set Config.IdentityPoolID")
	case provider == "":
		return nil, fault("Federate", ErrInvalidParameter, "name the provider, such as accounts.google.com")
	case source == nil:
		return nil, fault("Federate", ErrInvalidParameter, "give a source of the provider's tokens")
	}
	federation := store.Federation{Provider: provider}
	for _, o := range options {
		if federation.IdentityID = o.identity; !plausibleIdentity(o.identity) {
			return nil, fault("Federate", ErrInvalidParameter, "an identity id has the form region:uuid")
		}
	}
	before, err := c.ready(ctx)
	if err != nil {
		return nil, err
	}
	if before.live() {
		return nil, fault("Federate", ErrAlreadySignedIn, "sign out first")
	}
	return c.federate(ctx, before, federation, source)
}

// federate calls the pool and makes what it gives the active session, unless
// somebody has signed in or out since before.
func (c *Client) federate(ctx context.Context, before *snapshot, federation store.Federation, source TokenSourceFunc) (*Session, error) {
	account := c.guestAccount()
	unlock, err := c.lockWallet(ctx, account, false)
	if err != nil {
		return nil, storeFault("Federate", err)
	}
	defer unlock()
	bounded, cancel := context.WithTimeoutCause(ctx, flightTime, errTimeout)
	defer cancel()
	old, err := c.loadBounded(ctx, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
		return nil, storeFault("Federate", err)
	}
	v := &vending{c: c, flight: &flight{}, key: flightKey{account: account}, record: store.Record{Account: account, Federation: &federation}}
	if old.Federation == nil {
		v.upgraded = old.IdentityID // a guest's, and nobody else's
	}
	got, err := v.begin(bounded, source)
	if err != nil {
		return nil, err
	}
	if err := c.lockChange(ctx); err != nil {
		return nil, err
	}
	defer c.unlockChange()
	switch now := c.current.Load(); {
	case c.isClosed():
		return nil, errClosed
	case now != nil && now.live():
		return nil, fault("Federate", ErrAlreadySignedIn, "sign out first")
	case now == nil || now.epoch != before.epoch:
		return nil, errMoved
	}
	return c.enter(ctx, v, got, source)
}

// begin is ask for a session that is not there yet.
func (v *vending) begin(ctx context.Context, source TokenSourceFunc) (filled, error) {
	token, err := source(ctx)
	if err == nil && token.IsZero() {
		err = errors.New("the source gave no token")
	}
	if err != nil {
		return filled{}, needsSignIn(v.record.Federation.Provider, err)
	}
	v.record.Federation.Subject = subjectOf(token)
	v.source = func(context.Context) (Secret, error) { return token, nil }
	for {
		got, err := v.ask(ctx)
		verdict := verdictOf(err)
		switch {
		case err == nil:
			return got, nil
		case v.passOver(verdict): // the guest's identity cannot be the login's
		case verdict.class == classStaleLogin:
			return filled{}, needsSignIn(v.record.Federation.Provider, err)
		default:
			if v.tries++; !pause(ctx, verdict, v.tries) {
				return filled{}, err
			}
		}
	}
}

// enter stores a session of another provider and makes it the active one.
func (c *Client) enter(ctx context.Context, v *vending, got filled, source TokenSourceFunc) (*Session, error) {
	ctx = context.WithoutCancel(ctx)
	record, kept, err := c.replaceGuest(ctx, func() store.Record {
		next := v.record
		next.IdentityID, next.Credentials, next.SavedAt = got.identity, got.credentials, time.Now().Round(0)
		return next
	})
	if err == nil {
		err = c.setActive(ctx, record.Account)
	}
	s := c.newSnapshot(store.Record{Account: record.Account}, 0, time.Now(), nil)
	c.seat(s, record, kept, got.window)
	if err != nil {
		err = &Error{Op: "Federate", Kind: ErrStore, Err: err, Hint: "the session lasts as long as this process"}
		c.log.ErrorContext(ctx, "latchkey: the session could not be stored", "provider", s.session.provider, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources == nil {
		c.sources = map[string]TokenSourceFunc{}
	}
	c.sources[s.session.provider] = source
	c.activateLocked(s, Event{Kind: EventSignedIn, Provider: s.session.provider, Err: err})
	return &s.session, err
}

// replaceGuest puts a record in the place of whatever the store holds for the
// guest.
func (c *Client) replaceGuest(ctx context.Context, build func() store.Record) (r store.Record, kept uint64, err error) {
	for range saveAttempts {
		old, loadErr := c.loadBounded(ctx, c.guestAccount())
		r, kept = build(), 0
		if r.Generation = firstGeneration(); loadErr == nil {
			kept = old.Generation
			r.Generation = kept + 1
		}
		if loadErr != nil && !errors.Is(loadErr, store.ErrNotFound) && !errors.Is(loadErr, store.ErrDamaged) {
			return r, 0, loadErr
		}
		if err = c.save(ctx, r, kept); err == nil {
			return r, r.Generation, nil
		} else if !errors.Is(err, store.ErrConflict) {
			return r, kept, err
		}
	}
	return r, kept, err
}

// ClearFederation ends a session that came from another provider: its identity id
// and AWS credentials are forgotten here and in the store. The provider is not
// told. It does nothing when there is no such session; [Client.SignOut] does the
// same for whatever session there is.
func (c *Client) ClearFederation(ctx context.Context) error {
	s, err := c.ready(ctx)
	if err != nil || s.session.provider == "" {
		return err
	}
	_, err = c.SignOut(ctx, LocalOnly())
	return err
}

// federatedLogins asks the registered source for a token of the same user as
// before: with another one's the pool might give him this identity.
func (v *vending) federatedLogins(ctx context.Context) (wire.Parameters, error) {
	f := v.record.Federation
	source := v.source
	if source == nil {
		v.c.mu.Lock()
		source = v.c.sources[f.Provider]
		v.c.mu.Unlock()
	}
	if source == nil {
		return nil, needsSignIn(f.Provider, errors.New("no source of its tokens is registered"))
	}
	token, err := source(ctx)
	if err == nil && token.IsZero() {
		err = errors.New("the source gave no token")
	}
	if err != nil {
		return nil, needsSignIn(f.Provider, err)
	}
	if subject := subjectOf(token); subject != f.Subject {
		return nil, &Error{
			Op: "FetchSession", Kind: ErrWrongAccount, Provider: f.Provider,
			Message: "the source gave a token of another user", Hint: "call Federate for that user",
		}
	}
	return wire.Parameters{f.Provider: token.Reveal()}, nil
}

// subjectOf is the sub claim of a token that can be read, and empty for others,
// such as Facebook's.
func subjectOf(token Secret) string {
	if read, err := jwt.Decode(token.Reveal()); err == nil {
		return read.Subject()
	}
	return ""
}

// needsSignIn is the error of a session whose provider has to be asked again.
func needsSignIn(provider string, cause error) *Error {
	return &Error{
		Op: "FetchSession", Kind: ErrNeedsSignIn, Provider: provider, Err: cause,
		Hint: "sign in with the provider, then call Federate with its token",
	}
}
