package latchkey

import (
	"context"
	"errors"

	"github.com/latchkey-auth/latchkey/store"
)

// User is a user of the app client whose session, or what is left of one, is in the store.
type User struct {
	Username string // the pool's name for the user
	UserID   string // the sub claim, which never changes
	// LoginID is the name that the user signed in with: the username or an alias, such as
	// an e-mail address. AuthFlow is Cognito's AuthFlow, such as USER_SRP_AUTH. Both are
	// empty after a sign-in by redirect.
	LoginID, AuthFlow string
	// SignedIn says that the session has neither ended nor been signed out.
	SignedIn bool
	// Active says that this is the account of [Client.FetchSession].
	Active bool
}

// userOf reads a record.
func userOf(record store.Record, active bool) User {
	user := User{Username: record.Account.Username, UserID: record.Sub, SignedIn: record.Live(), Active: active}
	if how := record.SignIn; how != nil {
		user.LoginID, user.AuthFlow = how.LoginID, how.Flow
	}
	return user
}

// CurrentUser returns who is signed in, from the stored session. It does not use
// the network and does not look at the tokens' age. Errors: ErrSignedOut,
// ErrSessionExpired, ErrNoUserPoolSession, ErrStore.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	s, err := c.engine.Ready(ctx)
	if err != nil {
		return User{}, asError("CurrentUser", err)
	}
	if !s.Live() {
		_, err := s.View().UserSub() // ErrNoUserPoolSession for another provider's session
		return User{}, asError("CurrentUser", err)
	}
	return userOf(s.Record(), true), nil
}

// Accounts lists the users of this app client in the store, by username. A user whose
// record cannot be read is listed as not signed in, and its error is in the returned error.
func (c *Client) Accounts(ctx context.Context) ([]User, error) {
	known, failures, err := c.engine.Accounts(ctx)
	if err != nil {
		return nil, asError("Accounts", err)
	}
	var users []User
	for _, a := range known {
		users = append(users, userOf(a.Record, a.Active))
	}
	for i, failure := range failures {
		failures[i] = asError("Accounts", failure)
	}
	return users, errors.Join(failures...)
}

// SwitchAccount makes another stored account the active one. The one before stays
// signed in, and can be switched back to. An account that is not in the store,
// or not signed in, is ErrSignedOut, and nothing changes.
func (c *Client) SwitchAccount(ctx context.Context, username string) error {
	return asError("SwitchAccount", c.engine.Switch(ctx, username))
}
