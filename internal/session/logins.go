package session

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// TokenSource returns a token of another provider.
type TokenSource func(ctx context.Context) (store.Secret, error)

// renewLogin gets a good ID token; with force another one, though the present one looks
// good.
func (j *credentialsJob) renewLogin(ctx context.Context, force bool) error {
	s, err := j.login(ctx, force)
	if err != nil {
		return err
	}
	if !s.Live() || s.user.Record.Account != j.flight.key.account {
		return errMoved
	}
	j.held.Record.Tokens = s.user.Record.Tokens
	return nil
}

// logins are what proves the login to the pool; a guest has none. The name of a user
// pool's login is its issuer without the scheme, which for AWS is
// cognito-idp.<region>.amazonaws.com/<pool>.
func (j *credentialsJob) logins(ctx context.Context) (map[string]string, error) {
	switch {
	case j.held.Record.Federation != nil:
		return j.federatedLogins(ctx)
	case !j.ofUser():
		return nil, nil
	}
	id, err := jwt.Decode(j.held.Record.Tokens.ID.Reveal())
	if err != nil {
		return nil, &fault.Fault{Kind: fault.Store, Message: "cannot read the stored ID token", Err: err}
	}
	issuer := id.Issuer()
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		issuer = rest
	}
	if issuer == "" {
		return nil, cognito.Malformed("", "the ID token names no issuer", nil)
	}
	return map[string]string{issuer: id.Raw()}, nil
}

// federatedLogins asks the registered source for a token of the same user as before: with
// another one's the pool might give that user this identity.
func (j *credentialsJob) federatedLogins(ctx context.Context) (map[string]string, error) {
	f := j.held.Record.Federation
	source := j.source(f.Provider)
	if source == nil {
		return nil, needsSignIn(f.Provider, errors.New("no source of its tokens is registered"))
	}
	token, err := source(ctx)
	if err == nil && token.IsZero() {
		err = errNoToken
	}
	if err != nil {
		return nil, needsSignIn(f.Provider, err)
	}
	if subject := subjectOf(token); subject != f.Subject {
		return nil, &fault.Fault{
			Kind: fault.WrongAccount, Provider: f.Provider,
			Message: "the source gave a token of another user", Hint: "call Federate for that user",
		}
	}
	return map[string]string{f.Provider: token.Reveal()}, nil
}

var errNoToken = errors.New("the source gave no token")

// subjectOf is the sub claim of a token that can be read, and empty for others, such as
// Facebook's.
func subjectOf(token store.Secret) string {
	if read, err := jwt.Decode(token.Reveal()); err == nil {
		return read.Subject()
	}
	return ""
}

// needsSignIn is the fault of a session whose provider has to be asked again.
func needsSignIn(provider string, cause error) *fault.Fault {
	return &fault.Fault{
		Kind: fault.NeedsSignIn, Provider: provider, Err: cause,
		Hint: "sign in with the provider, then call Federate with its token",
	}
}
