package accounts

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// GetUser shows the token's user.
func (s *Service) GetUser(ctx context.Context, in *wire.GetUserRequest) (*wire.GetUserResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	out := &wire.GetUserResponse{Username: c.User.Username}
	for _, attribute := range pool.AttributeList(c.User) {
		if attribute.Name == "sub" || c.App.MayRead(attribute.Name) {
			out.UserAttributes = append(out.UserAttributes, attribute)
		}
	}
	return out, nil
}

// ChangePassword replaces the caller's password. The caller's session
// continues; all others end, because an intruder may have one.
func (s *Service) ChangePassword(ctx context.Context, in *wire.ChangePasswordRequest) (*wire.ChangePasswordResponse, error) {
	c, err := s.tokens.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if pool.IsExternal(c.User) {
		return nil, wire.NewException(wire.NotAuthorizedException, "User signs in at another identity provider and has no password here.")
	}
	attempts, err := s.checkPrevious(ctx, c, string(in.PreviousPassword))
	if err != nil {
		return nil, err
	}
	password, err := s.passwords.PreparePassword(ctx, c.App.PoolSettings, c.User, string(in.ProposedPassword))
	if err != nil {
		return nil, err
	}
	if err := s.passwords.CheckHistory(ctx, c.App.PoolSettings, c.User, string(in.ProposedPassword)); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error { return s.keepPassword(tx, c, attempts, password) })
	if err != nil {
		return nil, err
	}
	return &wire.ChangePasswordResponse{}, nil
}

// checkPrevious verifies the present password; a wrong one counts as an attempt. A user
// without a password, as after a sign-in without one, needs none.
func (s *Service) checkPrevious(ctx context.Context, c *tokens.Caller, previous string) (pool.Counters, error) {
	who := &pool.Subject{User: c.User, Login: c.User.Username}
	attempts := pool.AttemptsOf(c.User)
	if len(c.User.Verifier) == 0 && previous == "" {
		return attempts, nil
	}
	if err := s.passwords.Complete(c.App, who); err != nil {
		return attempts, err
	}
	err := s.passwords.Guess(ctx, attempts, false, nil, func() (bool, error) { return s.passwords.PasswordIs(ctx, c.App, who, previous) })
	return attempts, err
}

// keepPassword writes the new password, ends the other sessions and moves the
// caller's own to the new count of sign-outs.
func (s *Service) keepPassword(tx storage.Tx, c *tokens.Caller, attempts pool.Counters, password *pool.NewPassword) error {
	user, err := tx.Users.BySub(c.User.PoolID, c.User.Sub)
	if err != nil {
		return pool.NotFound(err, wire.UserNotFound())
	}
	if user.PasswordEpoch != c.User.PasswordEpoch {
		return wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	if err := s.passwords.SetPassword(tx, c.App.PoolSettings, &user, password, true, user.TemporaryUntil, s.now()); err != nil {
		return err
	}
	if err := tx.Users.Update(user); err != nil {
		return err
	}
	if err := s.sessions.EndSessionsBut(tx, &user, c.Session.ID); err != nil {
		return err
	}
	return s.passwords.ForgetFailures(tx, attempts)
}
