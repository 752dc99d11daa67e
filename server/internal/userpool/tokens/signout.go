package tokens

import (
	"context"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// RevokeToken ends the session of a refresh token. Any refresh token of the
// session, the newest or an earlier one, ends the whole session; Cognito ignores
// tokens in the middle of a chain. A
// token that was revoked or never issued is answered as done (RFC 7009, section 2.2).
func (s *Service) RevokeToken(ctx context.Context, in *wire.RevokeTokenRequest) (*wire.RevokeTokenResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadApp(tx, in.ClientId)
		return err
	})
	if wire.IsException(err, wire.ResourceNotFoundException) || err == nil && a.CheckSecret(string(in.ClientSecret)) != nil {
		return nil, wire.NewException(wire.UnauthorizedException, "Invalid client id or client secret.")
	}
	if err != nil {
		return nil, err
	}
	if !a.Settings.Revocable() {
		return nil, wire.NewException(wire.UnsupportedOperationException, "Token revocation is not enabled for this client.")
	}
	if strings.Count(string(in.Token), ".") == 2 {
		return nil, wire.NewException(wire.UnsupportedTokenTypeException, "Only refresh tokens can be revoked.")
	}
	p, ok := s.parseRefreshToken(a, string(in.Token))
	if !ok {
		return &wire.RevokeTokenResponse{}, nil
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		return s.sessions.EndSession(tx, a.Pool.ID, p.session)
	})
	if err != nil {
		return nil, err
	}
	return &wire.RevokeTokenResponse{}, nil
}

// GlobalSignOut ends all sessions of the token's user.
func (s *Service) GlobalSignOut(ctx context.Context, in *wire.GlobalSignOutRequest) (*wire.GlobalSignOutResponse, error) {
	c, err := s.Authorize(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		user, err := tx.Users.BySub(c.User.PoolID, c.User.Sub)
		if err != nil {
			return pool.NotFound(err, wire.UserNotFound())
		}
		return s.EndSessions(tx, &user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.GlobalSignOutResponse{}, nil
}

// AdminUserGlobalSignOut ends all sessions of a user.
func (s *Service) AdminUserGlobalSignOut(ctx context.Context, in *wire.AdminUserGlobalSignOutRequest) (*wire.AdminUserGlobalSignOutResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		user, err := set.FindUserOrSub(tx, in.UserPoolId, in.Username)
		if err != nil {
			return err
		}
		return s.EndSessions(tx, &user)
	})
	if err != nil {
		return nil, err
	}
	return &wire.AdminUserGlobalSignOutResponse{}, nil
}

// EndSessions ends every session of user, and writes user. The count of
// sign-outs decides, not a time: a sign-in in the same instant is not hit.
func (s *Service) EndSessions(tx storage.Tx, user *storage.User) error {
	user.SignOuts++
	if err := tx.Users.Update(*user); err != nil {
		return err
	}
	return s.sessions.EndSessionsBut(tx, user, "")
}
