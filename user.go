package latchkey

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// User is who is signed in.
type User struct {
	Username string // the pool's name for the user
	UserID   string // the sub claim, which never changes
	// SignInDetails tells how the user signed in; nil after a sign-in by
	// redirect.
	SignInDetails *SignInDetails
}

// SignInDetails tells how a user signed in.
type SignInDetails struct {
	LoginID  string // what the user typed: a username or an alias
	AuthFlow string // Cognito's AuthFlow, such as USER_SRP_AUTH
}

// CurrentUser returns who is signed in, from the stored session. It does not use
// the network and does not look at the tokens' age. Errors: ErrSignedOut,
// ErrSessionExpired, ErrStore.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	s, err := c.engine.Ready(ctx)
	if err != nil {
		return User{}, asError("CurrentUser", err)
	}
	if !s.Live() {
		_, err := s.View().UserSub() // ErrNoUserPoolSession for another provider's session
		return User{}, asError("CurrentUser", err)
	}
	record := s.Record()
	user := User{Username: record.Account.Username, UserID: record.Sub}
	if how := record.SignIn; how != nil {
		user.SignInDetails = &SignInDetails{LoginID: how.LoginID, AuthFlow: how.Flow}
	}
	return user, nil
}

// FetchUserAttributes asks the service for the user's attributes (GetUser), such
// as email and custom:… It refreshes tokens that need it.
func (c *Client) FetchUserAttributes(ctx context.Context) (map[string]string, error) {
	var response wire.GetUserResponse
	err := c.withAccess(ctx, "FetchUserAttributes", func(access wire.Sensitive) error {
		_, err := c.pool.Call(ctx, "GetUser", &wire.GetUserRequest{AccessToken: access}, &response)
		return err
	})
	if err != nil {
		return nil, err
	}
	attributes := make(map[string]string, len(response.UserAttributes))
	for _, a := range response.UserAttributes {
		attributes[a.Name] = a.Value
	}
	return attributes, nil
}

// ChangePassword replaces the user's password (ChangePassword). A wrong old one
// is ErrNotAuthorized, a new one that breaks the pool's policy
// ErrInvalidPassword. The session goes on.
func (c *Client) ChangePassword(ctx context.Context, old, new string) error {
	if old == "" || new == "" {
		return problem("ChangePassword", ErrInvalidParameter, "give the old and the new password")
	}
	return c.withAccess(ctx, "ChangePassword", func(access wire.Sensitive) error {
		_, err := c.pool.Call(ctx, "ChangePassword", &wire.ChangePasswordRequest{
			PreviousPassword: wire.Sensitive(old), ProposedPassword: wire.Sensitive(new), AccessToken: access,
		}, nil)
		return err
	})
}

// withAccess calls with an access token. If the service does not take it, one
// refresh is tried and the call repeated; only the refresh decides whether the
// session is over.
func (c *Client) withAccess(ctx context.Context, op string, call func(access wire.Sensitive) error) error {
	refused := error(nil)
	for _, want := range []session.Want{{TokensOnly: true}, {TokensOnly: true, Force: true}} {
		view, err := c.engine.Fetch(ctx, want)
		if err != nil {
			return asError(op, err)
		}
		tokens, err := view.Tokens()
		if err != nil {
			if refused != nil && !errors.Is(err, ErrSessionExpired) {
				return asError(op, refused)
			}
			return asError(op, err)
		}
		if refused = call(wire.Sensitive(tokens.Access.Raw())); !tokenRefused(refused) {
			return asError(op, refused)
		}
		c.log.InfoContext(ctx, "latchkey: the access token was refused, refreshing", "operation", op)
	}
	return asError(op, refused)
}

// tokenRefused tells a refused access token from other uses of
// NotAuthorizedException, such as a wrong password.
func tokenRefused(err error) bool {
	f := fault.Find(err)
	return f.Code == wire.NotAuthorizedException && strings.Contains(f.Message, "Access Token") &&
		f.Message != wire.MessageAccessTokenScopes
}
