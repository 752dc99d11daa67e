package pool

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

// ProvePassword finds whose password it is, or fails as for a wrong one.
func (s *Passwords) ProvePassword(ctx context.Context, a *App, login, password string) (*Subject, error) {
	who, err := s.FindSubject(ctx, a, login)
	if err != nil {
		return nil, err
	}
	err = s.Guess(ctx, who.Attempts, a.Settings.HidesUsers(), nil, func() (bool, error) { return s.PasswordIs(ctx, a, who, password) })
	return who, err
}

// Required refuses parameters of which one is missing.
func Required(params wire.Parameters, names ...string) error {
	for _, name := range names {
		if params[name] == "" {
			return wire.MissingParameter(name)
		}
	}
	return nil
}

// PasswordIs checks a password against the verifier. A made-up user costs the
// same arithmetic and has no right password.
func (s *Passwords) PasswordIs(ctx context.Context, a *App, who *Subject, password string) (bool, error) {
	if utf8.RuneCountInString(password) > limits.MaximumLength {
		return false, nil
	}
	leave, err := s.Enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return who.Verifier.Matches(a.SRPPool(), who.Name, password) && who.Real(), nil
}

// Guess counts an attempt and then judges it; nil means that it was right. An
// attempt that could not be judged, because the service was too busy, is taken
// back. also runs in the transaction that counts; hides is for a client that hides
// who exists.
func (s *Passwords) Guess(ctx context.Context, who Counters, hides bool, also func(storage.Tx) error, judge func() (right bool, err error)) error {
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
func (s *Passwords) countAttempt(ctx context.Context, who Counters, hides bool, also func(storage.Tx) error) (locked bool, err error) {
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
		if who.Name != "" {
			if refused, err = s.lockout.Begin(tx, who.Name, s.now()); err != nil || refused {
				return err
			}
		}
		return countUser(tx)
	})
	if err == nil && refused {
		refused, err = s.lockout.Admit(ctx, s.store, who.Name, countUser)
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
func (s *Passwords) withdraw(ctx context.Context, who Counters, userLocked bool) error {
	return s.store.Update(context.WithoutCancel(ctx), func(tx storage.Tx) error {
		if !userLocked {
			if err := s.lockout.Withdraw(tx, who.user); err != nil {
				return err
			}
		}
		if who.Name == "" {
			return nil
		}
		return s.lockout.Withdraw(tx, who.Name)
	})
}

// ForgetFailures forgets the failures of a user who proved to be the user, under
// the name that was typed.
func (s *Passwords) ForgetFailures(tx storage.Tx, who Counters) error {
	if who.Name != "" {
		if err := s.lockout.Succeed(tx, who.Name); err != nil {
			return err
		}
	}
	return s.lockout.Succeed(tx, who.user)
}

// AccountRefusal is why a user with the right password may not sign in, if so.
func (s *Passwords) AccountRefusal(user storage.User) *wire.Exception {
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

// NewPassword is a password on its way to a user: judged by the pool's rules
// and turned into a verifier, outside any transaction.
type NewPassword struct {
	salt, verifier []byte
	epoch          int64 // the user's PasswordEpoch when it was judged
}

// PreparePassword judges a new password of user and makes its verifier.
func (s *Passwords) PreparePassword(ctx context.Context, set *Settings, user storage.User, password string) (*NewPassword, error) {
	if err := checkPassword(set.PasswordRules(), password); err != nil {
		return nil, err
	}
	leave, err := s.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	v, err := srp.NewVerifier(SRPPool(user.PoolID), set.verifierName(user), password)
	if err != nil {
		return nil, err
	}
	return &NewPassword{salt: v.Salt, verifier: s.SealVerifier(set, user, v.V), epoch: user.PasswordEpoch}, nil
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

// SetPassword gives a stored user the password, in the place of one that is remembered.
func (s *Passwords) SetPassword(tx storage.Tx, set *Settings, user *storage.User, p *NewPassword, permanent bool, until, now time.Time) error {
	if err := s.Remember(tx, set, *user, p.epoch); err != nil {
		return err
	}
	p.Apply(user, permanent, until, now)
	return nil
}

// Apply gives user the password. A permanent one confirms the user; a
// temporary one has to be changed before until.
func (p *NewPassword) Apply(user *storage.User, permanent bool, until, now time.Time) {
	user.Salt, user.Verifier = p.salt, p.verifier
	user.PasswordEpoch++
	user.ModifiedAt = now
	if permanent {
		user.Status, user.TemporaryUntil = string(wire.UserStatusConfirmed), time.Time{}
		return
	}
	user.Status, user.TemporaryUntil = string(wire.UserStatusForceChangePassword), until
}

// Enter waits for a turn at the password arithmetic.
func (s *Passwords) Enter(ctx context.Context) (leave func(), err error) {
	if s.gate == nil {
		return func() {}, nil
	}
	leave, err = s.gate.Enter(ctx)
	if errors.Is(err, limits.ErrBusy) {
		return nil, wire.NewException(wire.TooManyRequestsException, wire.MessageTooManyRequests)
	}
	return leave, err
}
