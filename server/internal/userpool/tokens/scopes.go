package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// scopeOpenID is the scope that asks for an ID token and opens userInfo.
const scopeOpenID = "openid"

// oauth reports whether the session began at the OAuth endpoints. One that was
// given only the scope of the API is like a sign-in over the API from then on.
func (g *grant) oauth() bool { return g.session.Scope != scopeAPI }

// has reports whether a list of scopes, separated by spaces, names one.
func has(scope, name string) bool { return slices.Contains(strings.Fields(scope), name) }

// shows reports whether a user attribute stands in what the client gets: it may
// read it, and the scopes cover it.
func (g *grant) shows(name string) bool {
	return g.app.MayRead(name) && (!g.oauth() || covers(g.session.Scope, name))
}

// covers reports whether scopes cover a user attribute. profile covers all, and
// so does openid alone (developer guide, "The user attributes endpoint").
func covers(scope, name string) bool {
	email, phone := has(scope, "email"), has(scope, "phone")
	if has(scope, "profile") || !email && !phone {
		return true
	}
	switch name {
	case "email", "email_verified":
		return email
	case "phone_number", "phone_number_verified":
		return phone
	}
	return false
}

// mintOAuth signs the tokens of a session from the OAuth endpoints: an access
// token and, where openid is among the scopes, an ID token that names it in
// at_hash (OpenID Connect Core 1.0, section 3.1.3.6).
func (s *Service) mintOAuth(ctx context.Context, g *grant) (*wire.AuthenticationResultType, error) {
	access, err := s.sign(ctx, g.app.Pool.ID, keys.Access, s.accessClaims(g))
	if err != nil {
		return nil, err
	}
	result := &wire.AuthenticationResultType{
		AccessToken: access, ExpiresIn: int32(g.app.Settings.AccessLife() / time.Second), TokenType: wire.TokenTypeBearer,
	}
	if has(g.session.Scope, scopeOpenID) {
		sum := sha256.Sum256([]byte(access))
		hash := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
		result.IdToken, err = s.sign(ctx, g.app.Pool.ID, keys.ID, s.idClaims(g, hash))
	}
	return result, err
}

// sign signs one token.
func (s *Service) sign(ctx context.Context, poolID string, use keys.Use, claims []byte) (wire.Sensitive, error) {
	d, err := s.draft(ctx, poolID, use, claims)
	if err != nil {
		return "", err
	}
	signatures, err := s.keys.SignAll(ctx, d.request())
	if err != nil {
		return "", err
	}
	return d.complete(signatures[0]), nil
}

// clientClaims are the claims of an access token that a client got for itself
// (client_credentials): no user, no session, nothing to refresh.
func (s *Service) clientClaims(a *pool.App, scope string, now time.Time) []byte {
	c := newClaims(512)
	c.text("sub", a.Client.ID)
	c.text("token_use", "access")
	c.text("scope", scope)
	c.number("auth_time", now.Unix())
	c.text("iss", s.issuer(a.Pool.ID))
	c.number("exp", now.Add(a.Settings.AccessLife()).Unix())
	c.number("iat", now.Unix())
	c.number("version", 2)
	c.text("jti", random.UUID())
	c.text("client_id", a.Client.ID)
	return c.end()
}

// Scopes are those that every pool has. Resource servers add others.
var Scopes = []string{"openid", "email", "phone", "profile", scopeAPI}

// HasCustomScope looks for a scope among the resource servers: its name is what
// follows the last slash, as names have none.
func HasCustomScope(tx storage.Tx, poolID, scope string) (bool, error) {
	i := strings.LastIndexByte(scope, '/')
	if i < 0 {
		return false, nil
	}
	server, err := tx.Resources.ResourceServer(poolID, scope[:i])
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	offered, err := pool.ScopesOf(server)
	return slices.ContainsFunc(offered, func(s wire.ResourceServerScopeType) bool { return s.ScopeName == scope[i+1:] }), err
}
