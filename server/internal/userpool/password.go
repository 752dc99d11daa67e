package userpool

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// signInWithPassword serves the flows in which the client sends the password.
func (s *Service) signInWithPassword(ctx context.Context, a *app, params wire.Parameters) (*outcome, error) {
	login, password := params["USERNAME"], params["PASSWORD"]
	if err := required(params, "USERNAME", "PASSWORD"); err != nil {
		return nil, err
	}
	if err := checkTyped(login); err != nil {
		return nil, err
	}
	if err := a.checkSecretHash(params["SECRET_HASH"], login); err != nil {
		return nil, err
	}
	who, err := s.provePassword(ctx, a, login, password)
	if err != nil {
		return nil, err
	}
	return s.firstFactorPassed(ctx, a, who)
}

// provePassword finds whose password it is, or fails as for a wrong one.
func (s *Service) provePassword(ctx context.Context, a *app, login, password string) (*subject, error) {
	who, err := s.findSubject(ctx, a, login)
	if err != nil {
		return nil, err
	}
	err = s.guess(ctx, who.attempts, a.settings.hidesUsers(), nil, func() (bool, error) { return s.passwordIs(ctx, a, who, password) })
	return who, err
}

// required refuses parameters of which one is missing.
func required(params wire.Parameters, names ...string) error {
	for _, name := range names {
		if params[name] == "" {
			return wire.MissingParameter(name)
		}
	}
	return nil
}

// passwordIs checks a password against the verifier. A made-up user costs the
// same arithmetic and has no right password.
func (s *Service) passwordIs(ctx context.Context, a *app, who *subject, password string) (bool, error) {
	if utf8.RuneCountInString(password) > limits.MaximumLength {
		return false, nil
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return who.verifier.Matches(a.srpPool(), who.name, password) && who.real(), nil
}

// guess counts an attempt and then judges it; nil means that it was right. An
// attempt that could not be judged, because the service was too busy, is taken
// back. also runs in the transaction that counts; hides is for a client that hides
// who exists.
func (s *Service) guess(ctx context.Context, who counters, hides bool, also func(storage.Tx) error, judge func() (right bool, err error)) error {
	locked, err := s.countAttempt(ctx, who, hides, also)
	if err != nil {
		return err
	}
	// An attempt on a locked user is judged for the time that it takes.
	right, err := judge()
	if err != nil {
		return errors.Join(err, s.withdraw(ctx, who, locked))
	}
	if !right || locked {
		return wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	return nil
}

// countAttempt counts a guess before it is judged, for the typed name and for the
// user, and refuses it while the name is locked. locked reports that only the
// user is: then the guess must fail like a wrong one. A lock that stems from
// other sign-ins that are not decided yet is waited for.
func (s *Service) countAttempt(ctx context.Context, who counters, hides bool, also func(storage.Tx) error) (locked bool, err error) {
	exceeded := wire.NewException(wire.NotAuthorizedException, wire.MessagePasswordAttemptsExceeded)
	countUser := func(tx storage.Tx) (err error) {
		locked, err = s.lockout.Begin(tx, who.user, s.now())
		return err
	}
	refused := false
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if who.name != "" {
			if refused, err = s.lockout.Begin(tx, who.name, s.now()); err != nil || refused {
				return err
			}
		}
		return countUser(tx)
	})
	if err == nil && refused {
		refused, err = s.lockout.Admit(ctx, s.store, who.name, countUser)
	}
	// To wait for the user's lock would show a client that hides who exists that
	// the user was tried under another name.
	if err == nil && !refused && locked && !hides {
		refused, err = s.lockout.Admit(ctx, s.store, who.user, nil)
		locked = false
	}
	if err == nil && refused {
		err = exceeded
	}
	return locked, err
}

// withdraw takes back an attempt that was counted and not judged.
func (s *Service) withdraw(ctx context.Context, who counters, userLocked bool) error {
	return s.store.Update(context.WithoutCancel(ctx), func(tx storage.Tx) error {
		if !userLocked {
			if err := s.lockout.Withdraw(tx, who.user); err != nil {
				return err
			}
		}
		if who.name == "" {
			return nil
		}
		return s.lockout.Withdraw(tx, who.name)
	})
}

// forgetFailures forgets the failures of a user who proved to be the user, under
// the name that was typed.
func (s *Service) forgetFailures(tx storage.Tx, who counters) error {
	if who.name != "" {
		if err := s.lockout.Succeed(tx, who.name); err != nil {
			return err
		}
	}
	return s.lockout.Succeed(tx, who.user)
}

// firstFactorPassed lets the account's state speak, now that the password was right.
func (s *Service) firstFactorPassed(ctx context.Context, a *app, who *subject) (*outcome, error) {
	refusal := s.accountRefusal(who.user)
	if refusal == nil && wire.UserStatus(who.user.Status) != wire.UserStatusForceChangePassword {
		return s.signIn(ctx, a, who.user, who.attempts, nil)
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.forgetFailures(tx, who.attempts)
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusal
	}
	return s.askNewPassword(ctx, a, who)
}

// accountRefusal is why a user with the right password may not sign in, if so.
func (s *Service) accountRefusal(user storage.User) *wire.Exception {
	if !user.Enabled {
		return wire.NewException(wire.NotAuthorizedException, wire.MessageUserDisabled)
	}
	switch wire.UserStatus(user.Status) {
	case wire.UserStatusUnconfirmed:
		return wire.NewException(wire.UserNotConfirmedException, wire.MessageUserNotConfirmed)
	case wire.UserStatusResetRequired:
		return wire.NewException(wire.PasswordResetRequiredException, wire.MessagePasswordResetRequired)
	case wire.UserStatusForceChangePassword:
		if !user.TemporaryUntil.IsZero() && !s.now().Before(user.TemporaryUntil) {
			return wire.NewException(wire.NotAuthorizedException, wire.MessageTemporaryPasswordExpired)
		}
	}
	return nil
}

// newPassword is a password on its way to a user: judged by the pool's rules
// and turned into a verifier, outside any transaction.
type newPassword struct {
	salt, verifier []byte
	epoch          int64 // the user's PasswordEpoch when it was judged
}

// preparePassword judges a new password of user and makes its verifier.
func (s *Service) preparePassword(ctx context.Context, set *PoolSettings, user storage.User, password string) (*newPassword, error) {
	if err := checkPassword(set.passwordRules(), password); err != nil {
		return nil, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	v, err := srp.NewVerifier(srpPool(user.PoolID), set.verifierName(user), password)
	if err != nil {
		return nil, err
	}
	return &newPassword{salt: v.Salt, verifier: s.sealVerifier(set, user, v.V), epoch: user.PasswordEpoch}, nil
}

// checkPassword turns the rules' verdict into Cognito's exceptions.
func checkPassword(rules limits.PasswordRules, password string) error {
	err := rules.Check(password)
	if err == nil {
		return nil
	}
	if bad, ok := errors.AsType[*limits.PasswordError](err); ok && bad.Malformed {
		return wire.NewException(wire.InvalidParameterException, bad.Message)
	}
	return wire.NewException(wire.InvalidPasswordException, err.Error())
}

// setPassword gives a stored user the password, in the place of one that is remembered.
func (s *Service) setPassword(tx storage.Tx, set *PoolSettings, user *storage.User, p *newPassword, permanent bool, until, now time.Time) error {
	if err := s.remember(tx, set, *user, p.epoch); err != nil {
		return err
	}
	p.apply(user, permanent, until, now)
	return nil
}

// apply gives user the password. A permanent one confirms the user; a
// temporary one has to be changed before until.
func (p *newPassword) apply(user *storage.User, permanent bool, until, now time.Time) {
	user.Salt, user.Verifier = p.salt, p.verifier
	user.PasswordEpoch++
	user.ModifiedAt = now
	if permanent {
		user.Status, user.TemporaryUntil = string(wire.UserStatusConfirmed), time.Time{}
		return
	}
	user.Status, user.TemporaryUntil = string(wire.UserStatusForceChangePassword), until
}
