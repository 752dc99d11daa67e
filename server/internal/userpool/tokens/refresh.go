package tokens

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// A refresh token is 16 bytes of session id, 8 bytes of generation and 32
// bytes of HMAC over pool, client, session and generation, in base64url. It is
// made again whenever it is needed and never stored, so a copied database
// holds no token.
const (
	refreshIDSize  = 16
	refreshGenSize = 8
	refreshMACSize = 32
	refreshSize    = refreshIDSize + refreshGenSize + refreshMACSize
)

// refreshToken derives the newest refresh token of a session.
func (s *Service) refreshToken(session storage.Session) wire.Sensitive {
	id, _ := pool.ParseUUID(session.ID)
	raw := make([]byte, 0, refreshSize)
	raw = append(raw, id[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(session.Generation))
	raw = append(raw, s.box.MAC(pool.PurposeRefresh, []byte(session.PoolID), []byte(session.ClientID), raw)...)
	return wire.Sensitive(base64.RawURLEncoding.EncodeToString(raw))
}

// presented is a refresh token that this service made for the client that brought it.
type presented struct {
	session    string
	generation int64
}

// parseRefreshToken reads a token that client a presents. It accepts what
// refreshToken made for this client, and nothing else.
func (s *Service) parseRefreshToken(a *pool.App, token string) (presented, bool) {
	raw, err := strictbase64.DecodeURL(token)
	if err != nil || len(raw) != refreshSize {
		return presented{}, false
	}
	body, mac := raw[:refreshIDSize+refreshGenSize], raw[refreshIDSize+refreshGenSize:]
	if !s.box.CheckMAC(pool.PurposeRefresh, mac, []byte(a.Pool.ID), []byte(a.Client.ID), body) {
		return presented{}, false
	}
	generation := binary.BigEndian.Uint64(body[refreshIDSize:])
	return presented{random.FormatUUID([16]byte(body[:refreshIDSize])), int64(generation)}, true
}

// GetTokensFromRefreshToken refreshes a session.
func (s *Service) GetTokensFromRefreshToken(ctx context.Context, in *wire.GetTokensFromRefreshTokenRequest) (*wire.GetTokensFromRefreshTokenResponse, error) {
	g := &grant{now: s.now()}
	var p presented
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if g.app, err = s.pools.LoadApp(tx, in.ClientId); err != nil {
			return err
		}
		if err := g.app.CheckSecret(string(in.ClientSecret)); err != nil {
			return err
		}
		p, err = s.loadPresented(tx, g, string(in.RefreshToken))
		return err
	})
	if err != nil {
		return nil, err
	}
	result, err := s.refresh(ctx, g, p)
	if err != nil {
		return nil, err
	}
	return &wire.GetTokensFromRefreshTokenResponse{AuthenticationResult: result}, nil
}

// RefreshTokenAuth serves REFRESH_TOKEN_AUTH, which a client that rotates may
// not use (CreateUserPoolClient, RefreshTokenRotation).
func (s *Service) RefreshTokenAuth(ctx context.Context, a *pool.App, params wire.Parameters) (*pool.Outcome, error) {
	if err := pool.Required(params, "REFRESH_TOKEN"); err != nil {
		return nil, err
	}
	if a.Settings.Rotates() {
		return nil, wire.NewException(wire.UnsupportedOperationException, wire.MessageRefreshFlowNeedsNoRotation)
	}
	if !a.Settings.Allows(wire.AllowRefreshTokenAuth) && !a.Settings.LegacyFlows() {
		return nil, wire.NewException(wire.InvalidParameterException, wire.MessageAuthFlowDisabled)
	}
	if a.Secret != "" {
		if err := s.checkRefreshHash(ctx, a, params); err != nil {
			return nil, err
		}
	}
	g := &grant{app: a, now: s.now()}
	var p presented
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		p, err = s.loadPresented(tx, g, params["REFRESH_TOKEN"])
		return err
	})
	if err != nil {
		return nil, err
	}
	result, err := s.refresh(ctx, g, p)
	if err != nil {
		return nil, err
	}
	return &pool.Outcome{AuthenticationResult: result}, nil
}

// checkRefreshHash checks SECRET_HASH of a refresh, which is over the stored
// user name or the sub, never an alias. For a token that is not ours only the
// hash's presence counts: refresh says what is wrong with the token.
func (s *Service) checkRefreshHash(ctx context.Context, a *pool.App, params wire.Parameters) error {
	names := []string{}
	if p, ok := s.parseRefreshToken(a, params["REFRESH_TOKEN"]); ok {
		err := s.store.View(ctx, func(tx storage.Tx) error {
			session, err := tx.Sessions.Session(p.session)
			if err != nil {
				return err
			}
			user, err := tx.Users.BySub(session.PoolID, session.UserSub)
			names = append(names, user.Username, user.Sub)
			return err
		})
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	if len(names) == 0 && params["SECRET_HASH"] != "" {
		return nil
	}
	err := a.CheckSecretHash(params["SECRET_HASH"], names...)
	if err != nil && params["SECRET_HASH"] != "" {
		return wire.SecretHashMismatch(a.Client.ID)
	}
	return err
}

// loadPresented reads a refresh token, and the session that it belongs to.
func (s *Service) loadPresented(tx storage.Tx, g *grant, token string) (presented, error) {
	p, ok := s.parseRefreshToken(g.app, token)
	if !ok {
		return p, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidRefreshToken)
	}
	return p, s.loadGrant(tx, g, p)
}

// refresh judges a refresh token, signs the next tokens and records it all in
// one conditional update.
func (s *Service) refresh(ctx context.Context, g *grant, p presented) (*wire.AuthenticationResultType, error) {
	verdict := s.judge(g.session, p, g.app.Settings, g.now)
	if verdict == familyOver {
		return nil, s.endFamily(ctx, g.session)
	}
	result, err := s.mint(ctx, g)
	if err != nil {
		return nil, err
	}
	return s.record(ctx, g, p, verdict, result)
}

// record records a refresh, also one that gives the same successor out again: how
// long a session's tokens live is known from its row. If the session has moved on
// meanwhile, the token is judged once more against what that left: it was used by
// another request, or the session was ended.
func (s *Service) record(ctx context.Context, g *grant, p presented, verdict verdict, result *wire.AuthenticationResultType) (*wire.AuthenticationResultType, error) {
	rotate := verdict == stepForward && g.app.Settings.Rotates()
	tokensEnd := g.now.Add(g.app.Settings.TokenLife())
	again := &grant{app: g.app, now: g.now}
	advanced := false
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		advanced, err = tx.Sessions.Advance(p.session, g.session.Generation, rotate, g.now, tokensEnd)
		if err != nil || advanced {
			return err
		}
		if err := s.loadGrant(tx, again, p); err != nil {
			return err
		}
		if s.judge(again.session, p, g.app.Settings, g.now) == sameSuccessor {
			_, err = tx.Sessions.Advance(p.session, again.session.Generation, false, g.now, tokensEnd)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case advanced && rotate:
		g.session.Generation++
	case advanced && verdict == stepForward:
		return result, nil
	case advanced:
	case s.judge(again.session, p, g.app.Settings, g.now) != sameSuccessor:
		return nil, s.endFamily(ctx, again.session)
	default:
		g.session = again.session
	}
	result.RefreshToken = s.refreshToken(g.session)
	return result, nil
}

// loadGrant reads all that a refresh depends on and refuses a session that is over.
func (s *Service) loadGrant(tx storage.Tx, g *grant, p presented) (err error) {
	g.session, err = tx.Sessions.Session(p.session)
	if err != nil || g.session.PoolID != g.app.Pool.ID || g.session.ClientID != g.app.Client.ID {
		return pool.NotFound(err, wire.NewException(wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked))
	}
	g.user, err = tx.Users.BySub(g.session.PoolID, g.session.UserSub)
	if err != nil {
		return pool.NotFound(err, wire.UserNotFound())
	}
	switch {
	case !g.session.RevokedAt.IsZero() || g.session.UserEpoch != g.user.SignOuts:
		return wire.NewException(wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	case !g.now.Before(g.session.ExpiresAt):
		return wire.NewException(wire.NotAuthorizedException, wire.MessageRefreshTokenExpired)
	case !g.user.Enabled:
		return wire.NewException(wire.NotAuthorizedException, wire.MessageUserDisabled)
	}
	stands, err := s.stands(tx, g.user, g.session)
	if err == nil && !stands {
		err = wire.NewException(wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	}
	if err != nil {
		return err
	}
	g.groups, err = tx.Members.GroupsOf(g.session.PoolID, g.session.UserSub, "", MaxGroups)
	return err
}

// verdict is what becomes of a presented refresh token.
type verdict int

const (
	stepForward   verdict = iota // it is the newest: refresh, and rotate if the client does
	sameSuccessor                // its successor was handed out a moment ago: hand out the same
	familyOver                   // it was used before: the session ends
)

// judge compares a presented token with the session. The grace period runs
// from the first rotation and is never extended; a token two generations old
// is a copy, whatever the time. While it is one generation old its successor was
// never used, for that would have made another generation.
func (s *Service) judge(session storage.Session, p presented, settings *pool.ClientSettings, now time.Time) verdict {
	switch {
	case p.generation == session.Generation:
		return stepForward
	case settings.Rotates() && p.generation == session.Generation-1 &&
		now.Before(session.RotatedAt.Add(max(settings.RetryGrace(), s.lost))):
		return sameSuccessor
	}
	return familyOver
}

// endFamily revokes a session whose refresh token came back after its time
// (RFC 9700, section 4.14.2): one of the two who hold it should not.
func (s *Service) endFamily(ctx context.Context, session storage.Session) error {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.sessions.EndSession(tx, session.PoolID, session.ID)
	})
	if err != nil {
		return err
	}
	s.log.WarnContext(ctx, "refresh token reused; session ended",
		"pool", session.PoolID, "client", session.ClientID, "sub", session.UserSub, "session", session.ID)
	return wire.NewException(wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
}
