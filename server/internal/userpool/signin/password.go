package signin

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
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
	return s.advance(ctx, a, who, nil, nil)
}
