package tokens

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// BrowserGrant is what a user's browser was granted for a client.
type BrowserGrant struct {
	// SessionID is the id of the session that the grant becomes, a UUID. It is good
	// for one use: a second one ends the session that the first one made.
	SessionID string
	// Until is when the grant is over by itself.
	Until time.Time
	Scope string // separated by spaces
	Nonce string // for the ID token; may be empty
	// Implicit grants come without a refresh token.
	Implicit bool
}

// IssueTokens makes the session of a grant and signs its tokens: an access token
// of the grant's scope, an ID token where that names openid, and a refresh token
// that GetTokensFromRefreshToken and RefreshTokens take alike. It fails with
// NotAuthorizedException when the user is no longer good or the grant was used.
func (s *Service) IssueTokens(ctx context.Context, clientID string, p Proven, bg BrowserGrant) (*wire.AuthenticationResultType, error) {
	g, err := s.prepareGrant(ctx, clientID, p, bg)
	if err != nil {
		return nil, err
	}
	result, err := s.mint(ctx, g)
	if err != nil {
		return nil, err
	}
	used := false
	var evicted []storage.Session
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		first, err := tx.Spent.Spend(bg.SessionID, bg.Until)
		if err != nil {
			return err
		}
		if used = !first; used {
			return s.sessions.EndSession(tx, p.PoolID, bg.SessionID)
		}
		if err := s.admitGrant(tx, clientID, p); err != nil {
			return err
		}
		evicted, err = s.sessions.KeepSession(tx, g.session)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.sessions.NoteEvicted(ctx, evicted)
	if used {
		s.log.WarnContext(ctx, "authorization code used twice; session ended", "pool", p.PoolID, "client", clientID, "sub", p.Sub, "session", bg.SessionID)
		return nil, wire.NewException(wire.NotAuthorizedException, "The authorization code was used before; what was issued for it is revoked.")
	}
	if !bg.Implicit {
		result.RefreshToken = s.refreshToken(g.session)
	}
	return result, nil
}

// admitGrant refuses a grant that is over: of a user who may not go on, or of a provider
// that the client no longer admits.
func (s *Service) admitGrant(tx storage.Tx, clientID string, p Proven) error {
	user, err := s.reload(tx, p)
	if err != nil {
		return err
	}
	a, err := s.pools.LoadApp(tx, clientID)
	if err == nil && !admits(a, signedInAt(user, p.Provider)) {
		err = wire.NewException(wire.NotAuthorizedException, "The sign-in is over.")
	}
	return err
}

// prepareGrant reads what the tokens of a grant say.
func (s *Service) prepareGrant(ctx context.Context, clientID string, p Proven, bg BrowserGrant) (*grant, error) {
	g := &grant{nonce: bg.Nonce, now: s.now()}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if g.app, err = s.pools.LoadApp(tx, clientID); err != nil {
			return err
		}
		if g.app.Pool.ID != p.PoolID {
			return wire.ClientNotFound(clientID)
		}
		if g.user, err = s.reload(tx, p); err != nil {
			return err
		}
		g.groups, err = tx.Members.GroupsOf(p.PoolID, p.Sub, "", MaxGroups)
		return err
	})
	if err != nil {
		return nil, err
	}
	g.session = newSession(g.app, g.user, g.now)
	g.session.ID, g.session.Scope, g.session.CreatedAt = bg.SessionID, bg.Scope, p.AuthTime
	if at := signedInAt(g.user, p.Provider); at != pool.OwnProvider {
		g.session.Provider = at
	}
	if bg.Implicit {
		g.session.ExpiresAt = g.now.Add(max(g.app.Settings.AccessLife(), g.app.Settings.IDLife()))
	}
	return g, nil
}

// RefreshTokens is GetTokensFromRefreshToken for a client that was authenticated
// already. scope asks for less than the session has; empty is all of it. It
// returns the scope that the access token has.
func (s *Service) RefreshTokens(ctx context.Context, clientID string, token wire.Sensitive, scope string) (*wire.AuthenticationResultType, string, error) {
	g := &grant{now: s.now()}
	var p presented
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if g.app, err = s.pools.LoadApp(tx, clientID); err != nil {
			return err
		}
		p, err = s.loadPresented(tx, g, string(token))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for name := range strings.FieldsSeq(scope) {
		if !has(g.session.Scope, name) {
			return nil, "", wire.Exceptionf(wire.ScopeDoesNotExistException, "The session does not have the scope %s.", name)
		}
	}
	if scope != "" {
		g.session.Scope = strings.Join(strings.Fields(scope), " ")
	}
	granted := g.session.Scope
	result, err := s.refresh(ctx, g, p)
	return result, granted, err
}

// ClientToken signs an access token that a client gets for itself. scope must be
// custom scopes that the client is allowed.
func (s *Service) ClientToken(ctx context.Context, clientID, scope string) (*wire.AuthenticationResultType, error) {
	a, err := s.AppOf(ctx, clientID)
	if err != nil {
		return nil, err
	}
	access, err := s.sign(ctx, a.Pool.ID, keys.Access, s.clientClaims(a, scope, s.now()))
	if err != nil {
		return nil, err
	}
	return &wire.AuthenticationResultType{
		AccessToken: access, ExpiresIn: int32(a.Settings.AccessLife() / time.Second), TokenType: wire.TokenTypeBearer,
	}, nil
}
