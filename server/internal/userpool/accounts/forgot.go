package accounts

import (
	"context"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
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
	return pool.Veiled(ctx, a, func() (*wire.ForgotPasswordResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		to, refusal := resetContact(a.PoolSettings, who.User)
		if refusal != nil && !a.Settings.HidesUsers() {
			return nil, refusal
		}
		if refusal != nil {
			to = pool.Contact{}
		}
		details := s.details(a, who, pool.CodeReset, to)
		err = s.sendCode(ctx, a, who, pool.CodeReset, pool.CodeReset, to, pool.Occasion{Purpose: plug.PurposeForgotPassword, ClientID: in.ClientId, Metadata: in.ClientMetadata})
		return &wire.ForgotPasswordResponse{CodeDeliveryDetails: details}, err
	})
}

// resetContact is where a user's password is recovered, or why it is not.
func resetContact(set *pool.Settings, user storage.User) (pool.Contact, *wire.Exception) {
	to, reachable := set.RecoveryContact(user)
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

// ConfirmForgotPassword sets a new password with a code. All sessions end,
// because an intruder may have one.
func (s *Service) ConfirmForgotPassword(ctx context.Context, in *wire.ConfirmForgotPasswordRequest) (*wire.ConfirmForgotPasswordResponse, error) {
	a, err := s.viewApp(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	return pool.Veiled(ctx, a, func() (*wire.ConfirmForgotPasswordResponse, error) {
		who, err := s.holder(ctx, a, in.SecretHash, in.Username)
		if err != nil {
			return nil, err
		}
		// Before the code is spent, and for users who do not exist as well.
		password, err := s.passwords.PreparePassword(ctx, a.PoolSettings, who.Shown, string(in.Password))
		if err != nil {
			return nil, err
		}
		if err := s.recoverPassword(ctx, a, who, in, password); err != nil {
			return nil, err
		}
		return &wire.ConfirmForgotPasswordResponse{}, nil
	})
}

// recoverPassword gives the password to a user whose code is right. Whether the user had it
// before is said to those who know the code, so the code is judged and counted first, and
// used up after that.
func (s *Service) recoverPassword(ctx context.Context, a *pool.App, who *pool.Subject, in *wire.ConfirmForgotPasswordRequest, password *pool.NewPassword) error {
	remembers := a.PoolSettings.PasswordHistory() > 0
	answer := pool.CodeWrong
	reset := func(tx storage.Tx, judgeOnly bool) error {
		user, err := s.reread(tx, who)
		if err != nil {
			return err
		}
		var code storage.Code
		if answer, code, err = s.codes.JudgeCode(tx, user, pool.CodeReset, in.ConfirmationCode); err != nil || answer != pool.CodeRight || judgeOnly {
			return err
		}
		if err := pool.UseCode(tx, code); err != nil {
			return err
		}
		return s.resetPassword(tx, a.PoolSettings, user, who.Attempts, password)
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		usedUp, err := s.codes.TakeAnswer(tx, pool.CodeReset, who.Attempts, a.Settings.HidesUsers())
		if err != nil || usedUp {
			return err
		}
		return reset(tx, remembers)
	})
	if err == nil && answer == pool.CodeRight && remembers {
		if err = s.passwords.CheckHistory(ctx, a.PoolSettings, who.User, string(in.Password)); err == nil {
			err = s.store.Update(ctx, func(tx storage.Tx) error { return reset(tx, false) })
		}
	}
	if err == nil {
		err = answer.Refusal(a.Settings.HidesUsers())
	}
	return err
}

// resetPassword writes the password of a user whose code was right.
func (s *Service) resetPassword(tx storage.Tx, set *pool.Settings, user storage.User, attempts pool.Counters, password *pool.NewPassword) error {
	if !user.Enabled || !slices.Contains(resettable, wire.UserStatus(user.Status)) {
		return wire.NewException(wire.NotAuthorizedException, wire.MessagePasswordNotResettable)
	}
	if err := s.passwords.SetPassword(tx, set, &user, password, true, user.TemporaryUntil, s.pools.After(user.ModifiedAt)); err != nil {
		return err
	}
	if err := s.tokens.EndSessions(tx, &user); err != nil {
		return err
	}
	return s.passwords.ForgetFailures(tx, attempts)
}
