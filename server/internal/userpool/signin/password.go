package signin

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// signInWithPassword serves the flows in which the client sends the password.
func (s *Service) signInWithPassword(ctx context.Context, a *pool.App, params wire.Parameters) (*pool.Outcome, error) {
	login, password := params["USERNAME"], params["PASSWORD"]
	if err := pool.Required(params, "USERNAME", "PASSWORD"); err != nil {
		return nil, err
	}
	if err := pool.CheckTyped(login); err != nil {
		return nil, err
	}
	if err := a.CheckSecretHash(params["SECRET_HASH"], login); err != nil {
		return nil, err
	}
	who, err := s.passwords.ProvePassword(ctx, a, login, password)
	if err != nil {
		return nil, err
	}
	return s.firstFactorPassed(ctx, a, who)
}

// firstFactorPassed lets the account's state speak, now that the password was right.
func (s *Service) firstFactorPassed(ctx context.Context, a *pool.App, who *pool.Subject) (*pool.Outcome, error) {
	refusal := s.passwords.AccountRefusal(who.User)
	if refusal == nil && wire.UserStatus(who.User.Status) != wire.UserStatusForceChangePassword {
		return s.tokens.SignIn(ctx, a, who.User, who.Attempts, nil)
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.passwords.ForgetFailures(tx, who.Attempts)
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusal
	}
	return s.askNewPassword(ctx, a, who)
}
