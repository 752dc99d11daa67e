package latchkey

import "context"

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
