package userpool

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// resettable are the states in which a password can be set anew with a code.
var resettable = []wire.UserStatus{wire.UserStatusConfirmed, wire.UserStatusResetRequired}

// ForgotPassword sends a code that sets a new password to a verified contact.
func (s *Service) ForgotPassword(ctx context.Context, in *wire.ForgotPasswordRequest) (*wire.ForgotPasswordResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return veiled(ctx, a, func() (*wire.ForgotPasswordResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		to, refusal := resetContact(a.poolSet, who.user)
		if refusal != nil && !a.settings.hidesUsers() {
			return nil, refusal
		}
		details, err := s.sendCode(ctx, a, who, codeReset, to, refusal == nil && who.real())
		return &wire.ForgotPasswordResponse{CodeDeliveryDetails: details}, err
	})
}

// resetContact is where a user's password is recovered, or why it is not.
func resetContact(set *PoolSettings, user storage.User) (contact, *wire.Exception) {
	to, reachable := set.recoveryContact(user)
	switch {
	case !user.Enabled:
		return to, wire.NewException(wire.NotAuthorizedException, wire.MessageUserDisabled)
	case wire.UserStatus(user.Status) == wire.UserStatusForceChangePassword:
		return to, wire.NewException(wire.NotAuthorizedException, wire.MessagePasswordNotResettable)
	case !reachable:
		return to, wire.NewException(wire.InvalidParameterException, wire.MessageNoVerifiedContact)
	}
	return to, nil
}

// ConfirmForgotPassword sets a new password with a code. All sessions end:
// whoever recovers an account may want to be rid of somebody.
func (s *Service) ConfirmForgotPassword(ctx context.Context, in *wire.ConfirmForgotPasswordRequest) (*wire.ConfirmForgotPasswordResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return veiled(ctx, a, func() (*wire.ConfirmForgotPasswordResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		// Before the code is spent, and for users who do not exist as well.
		password, err := s.preparePassword(ctx, a.poolSet, who.shown, string(in.Password))
		if err != nil {
			return nil, err
		}
		answer := codeWrong
		err = s.store.Update(ctx, func(tx storage.Tx) error {
			user, err := s.reread(tx, who)
			if err != nil {
				return err
			}
			if answer, _, err = s.tryCode(tx, who.attempts.user, user, codeReset, in.ConfirmationCode); err != nil || answer != codeRight {
				return err
			}
			return s.resetPassword(tx, user, who.attempts, password)
		})
		if err == nil {
			err = answer.refusal(a.settings.hidesUsers())
		}
		if err != nil {
			return nil, err
		}
		return &wire.ConfirmForgotPasswordResponse{}, nil
	})
}

// resetPassword writes the password of a user whose code was right.
func (s *Service) resetPassword(tx storage.Tx, user storage.User, attempts counters, password *newPassword) error {
	if !user.Enabled || !slices.Contains(resettable, wire.UserStatus(user.Status)) {
		return wire.NewException(wire.NotAuthorizedException, wire.MessagePasswordNotResettable)
	}
	password.apply(&user, true, user.TemporaryUntil, s.after(user.ModifiedAt))
	if err := s.endSessions(tx, &user); err != nil {
		return err
	}
	return s.forgetFailures(tx, attempts)
}
