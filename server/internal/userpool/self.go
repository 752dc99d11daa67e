package userpool

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// GetUser shows the token's user.
func (s *Service) GetUser(ctx context.Context, in *wire.GetUserRequest) (*wire.GetUserResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	out := &wire.GetUserResponse{Username: c.user.Username}
	for _, attribute := range attributeList(c.user) {
		if attribute.Name == "sub" || c.app.mayRead(attribute.Name) {
			out.UserAttributes = append(out.UserAttributes, attribute)
		}
	}
	return out, nil
}

// attributeList gives a user's attributes in a stable order, the sub first.
func attributeList(user storage.User) []wire.AttributeType {
	list := make([]wire.AttributeType, 0, len(user.Attributes)+1)
	list = append(list, wire.AttributeType{Name: "sub", Value: user.Sub})
	for _, name := range slices.Sorted(maps.Keys(user.Attributes)) {
		if name != "sub" {
			list = append(list, wire.AttributeType{Name: name, Value: user.Attributes[name]})
		}
	}
	return list
}

// ChangePassword replaces the caller's password. The caller's own session goes
// on; all others end, as whoever changes a password may want just that.
func (s *Service) ChangePassword(ctx context.Context, in *wire.ChangePasswordRequest) (*wire.ChangePasswordResponse, error) {
	c, err := s.authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if isExternal(c.user) {
		return nil, wire.NewException(wire.NotAuthorizedException, "User signs in at another identity provider and has no password here.")
	}
	attempts, err := s.checkPrevious(ctx, c, string(in.PreviousPassword))
	if err != nil {
		return nil, err
	}
	password, err := s.preparePassword(ctx, c.app.poolSet, c.user, string(in.ProposedPassword))
	if err != nil {
		return nil, err
	}
	if err := s.checkHistory(ctx, c.app.poolSet, c.user, string(in.ProposedPassword)); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error { return s.keepPassword(tx, c, attempts, password) })
	if err != nil {
		return nil, err
	}
	return &wire.ChangePasswordResponse{}, nil
}

// checkPrevious judges the password that is to be replaced, as a guess like
// any other. A user who has none, as after a sign-in without password, needs none.
func (s *Service) checkPrevious(ctx context.Context, c *caller, previous string) (counters, error) {
	who := &subject{user: c.user, login: c.user.Username}
	attempts := attemptsOf(c.user)
	if len(c.user.Verifier) == 0 && previous == "" {
		return attempts, nil
	}
	if err := s.complete(c.app, who); err != nil {
		return attempts, err
	}
	err := s.guess(ctx, attempts, false, nil, func() (bool, error) { return s.passwordIs(ctx, c.app, who, previous) })
	return attempts, err
}

// keepPassword writes the new password, ends the other sessions and moves the
// caller's own to the new count of sign-outs.
func (s *Service) keepPassword(tx storage.Tx, c *caller, attempts counters, password *newPassword) error {
	user, err := tx.Users.BySub(c.user.PoolID, c.user.Sub)
	if err != nil {
		return notFound(err, wire.UserNotFound())
	}
	if user.PasswordEpoch != c.user.PasswordEpoch {
		return wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	if err := s.setPassword(tx, c.app.poolSet, &user, password, true, user.TemporaryUntil, s.now()); err != nil {
		return err
	}
	if err := tx.Users.Update(user); err != nil {
		return err
	}
	if err := s.endSessionsBut(tx, &user, c.session.ID); err != nil {
		return err
	}
	return s.forgetFailures(tx, attempts)
}
