package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// scopeAPI is the scope of tokens from the API, as opposed to OAuth. Operations
// that take an access token demand it.
const scopeAPI = "aws.cognito.signin.user.admin"

// MaxGroups is how many groups a user may be in (Cognito quotas).
const MaxGroups = 100

// grant is what a pair of tokens says.
type grant struct {
	app     *pool.App
	user    storage.User
	groups  []storage.Group
	session storage.Session
	nonce   string // of the authorization request, for the ID token
	now     time.Time
}

// mint signs an access and an ID token side by side.
func (s *Service) mint(ctx context.Context, g *grant) (*wire.AuthenticationResultType, error) {
	if err := s.noteIssuer(ctx, g.app); err != nil {
		return nil, err
	}
	if g.oauth() {
		return s.mintOAuth(ctx, g)
	}
	access, err := s.draft(ctx, g.app.Pool.ID, keys.Access, s.accessClaims(g))
	if err != nil {
		return nil, err
	}
	id, err := s.draft(ctx, g.app.Pool.ID, keys.ID, s.idClaims(g, ""))
	if err != nil {
		return nil, err
	}
	signatures, err := s.keys.SignAll(ctx, access.request(), id.request())
	if err != nil {
		return nil, err
	}
	return &wire.AuthenticationResultType{
		AccessToken: access.complete(signatures[0]), IdToken: id.complete(signatures[1]),
		ExpiresIn: int32(g.app.Settings.AccessLife() / time.Second),
		TokenType: wire.TokenTypeBearer,
	}, nil
}

// draft is a JWS in compact form (RFC 7515, section 7.1) up to its second dot.
type draft struct {
	signer *keys.Signer
	text   []byte
}

// signatureSize is the length of an RS256 signature by a 2048-bit key.
const signatureSize = 256

// draft begins a token. Like Cognito's, its header has kid and alg and no typ. A token
// that clients would refuse for its length is not issued: nothing has been spent yet, so
// that sign-in or refresh work again once the user has fewer groups or attributes.
func (s *Service) draft(ctx context.Context, poolID string, use keys.Use, claims []byte) (*draft, error) {
	signer, err := s.keys.Signer(ctx, poolID, use)
	if err != nil {
		return nil, err
	}
	header := pool.AppendString([]byte(`{"kid":`), signer.KeyID)
	header = append(header, `,"alg":"RS256"}`...)

	b64 := base64.RawURLEncoding
	size := b64.EncodedLen(len(header)) + b64.EncodedLen(len(claims)) + b64.EncodedLen(signatureSize) + 2
	if size > wire.MaxToken {
		s.log.WarnContext(ctx, "a token is too long to be issued", "pool", poolID, "use", use, "length", size, "limit", wire.MaxToken)
		return nil, wire.TokenTooLong(string(use), size)
	}
	text := b64.AppendEncode(make([]byte, 0, size), header)
	text = append(text, '.')
	return &draft{signer: signer, text: b64.AppendEncode(text, claims)}, nil
}

func (d *draft) request() keys.Request {
	return keys.Request{Signer: d.signer, Digest: sha256.Sum256(d.text)}
}

// complete puts the signature behind the draft.
func (d *draft) complete(signature []byte) wire.Sensitive {
	return wire.Sensitive(base64.RawURLEncoding.AppendEncode(append(d.text, '.'), signature))
}

// accessClaims are the claims of an access token (developer guide, "Understanding the access token").
func (s *Service) accessClaims(g *grant) []byte {
	c := newClaims(1024)
	c.text("sub", g.user.Sub)
	if g.session.DeviceKey != "" {
		c.text("device_key", g.session.DeviceKey)
	}
	c.list("cognito:groups", groupNames(g.groups))
	c.text("iss", s.issuer(g.app.Pool.ID))
	c.text("client_id", g.app.Client.ID)
	s.commonClaims(c, g, "access", g.app.Settings.AccessLife())
	c.text("scope", g.session.Scope)
	if g.oauth() {
		c.number("version", 2)
	}
	c.text("username", g.user.Username)
	return c.end()
}

// idClaims are the claims of an ID token (developer guide, "Understanding the identity token").
// accessHash is the at_hash claim, empty for none.
func (s *Service) idClaims(g *grant, accessHash string) []byte {
	c := newClaims(1536)
	if accessHash != "" {
		c.text("at_hash", accessHash)
	}
	c.text("sub", g.user.Sub)
	c.list("cognito:groups", groupNames(g.groups))
	if roles, preferred := groupRoles(g.groups); len(roles) > 0 {
		c.list("cognito:roles", roles)
		if preferred != "" {
			c.text("cognito:preferred_role", preferred)
		}
	}
	c.text("iss", s.issuer(g.app.Pool.ID))
	c.text("cognito:username", g.user.Username)
	c.text("aud", g.app.Client.ID)
	if g.nonce != "" {
		c.text("nonce", g.nonce)
	}
	s.commonClaims(c, g, "id", g.app.Settings.IDLife())
	for _, name := range slices.Sorted(maps.Keys(g.user.Attributes)) {
		if name == pool.IdentitiesAttribute {
			c.identities(g.user)
		} else if name != "sub" && g.shows(name) {
			c.attribute(name, g.user.Attributes[name])
		}
	}
	return c.end()
}

// commonClaims are those that both tokens carry. origin_jti and jti are there
// only when tokens can be revoked (CreateUserPoolClient, EnableTokenRevocation);
// event_id is how this service finds the session again, in every case.
func (s *Service) commonClaims(c *claims, g *grant, use string, life time.Duration) {
	if g.app.Settings.Revocable() {
		c.text("origin_jti", g.session.OriginJTI)
		c.text("jti", random.UUID())
	}
	c.text("event_id", g.session.ID)
	c.text("token_use", use)
	c.number("auth_time", g.session.CreatedAt.Unix())
	c.number("exp", g.now.Add(life).Unix())
	c.number("iat", g.now.Unix())
}

// claims builds a JSON object by appending.
type claims struct{ buf []byte }

func newClaims(size int) *claims { return &claims{buf: append(make([]byte, 0, size), '{')} }

func (c *claims) name(name string) {
	if len(c.buf) > 1 {
		c.buf = append(c.buf, ',')
	}
	c.buf = append(pool.AppendString(c.buf, name), ':')
}

func (c *claims) text(name, value string) {
	c.name(name)
	c.buf = pool.AppendString(c.buf, value)
}

func (c *claims) number(name string, value int64) {
	c.name(name)
	c.buf = strconv.AppendInt(c.buf, value, 10)
}

// list writes an array; an empty one is left out.
func (c *claims) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	c.name(name)
	for i, value := range values {
		c.buf = append(c.buf, "[,"[min(i, 1)])
		c.buf = pool.AppendString(c.buf, value)
	}
	c.buf = append(c.buf, ']')
}

// attribute writes a user attribute in the type it has in an ID token: the two
// verified flags are booleans, updated_at a number, address an object; all else is text.
func (c *claims) attribute(name, value string) {
	switch {
	case name == "email_verified" || name == "phone_number_verified":
		c.name(name)
		c.buf = strconv.AppendBool(c.buf, strings.EqualFold(value, "true"))
	case name == "updated_at" && isNumber(value):
		c.name(name)
		c.buf = append(c.buf, value...)
	case name == "address":
		c.name(name)
		c.buf = append(pool.AppendString(append(c.buf, `{"formatted":`...), value), '}')
	default:
		c.text(name, value)
	}
}

func (c *claims) end() []byte { return append(c.buf, '}') }

func isNumber(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

// groupNames lists groups by precedence, the strongest first.
func groupNames(groups []storage.Group) []string {
	sorted := slices.SortedStableFunc(slices.Values(groups), func(x, y storage.Group) int {
		return comparePrecedence(x.Precedence, y.Precedence)
	})
	names := make([]string, len(sorted))
	for i, g := range sorted {
		names[i] = g.Name
	}
	return names
}

// groupRoles gives the roles of a user's groups, and the preferred one: that
// of the lowest precedence, none when two different roles tie (CreateGroup, Precedence).
func groupRoles(groups []storage.Group) (roles []string, preferred string) {
	var best *int32
	for _, g := range groups {
		if g.RoleARN == "" {
			continue
		}
		if !slices.Contains(roles, g.RoleARN) {
			roles = append(roles, g.RoleARN)
		}
		switch order := comparePrecedence(g.Precedence, best); {
		case len(roles) == 1 && preferred == "" && best == nil, order < 0:
			best, preferred = g.Precedence, g.RoleARN
		case order == 0 && g.RoleARN != preferred:
			preferred = ""
		}
	}
	return roles, preferred
}

// comparePrecedence orders precedences; none comes last.
func comparePrecedence(x, y *int32) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return int(*x) - int(*y)
}

// newSession is the row of a sign-in over the API.
func newSession(a *pool.App, user storage.User, now time.Time) storage.Session {
	return storage.Session{
		ID: random.SessionID(), PoolID: a.Pool.ID, ClientID: a.Client.ID, UserSub: user.Sub,
		OriginJTI: random.UUID(), Scope: scopeAPI, UserEpoch: user.SignOuts, Generation: 1,
		CreatedAt: now, RefreshedAt: now, RotatedAt: now, ExpiresAt: now.Add(a.Settings.RefreshLife()),
		TokensEndAt: now.Add(a.Settings.TokenLife()),
	}
}

// SignIn makes a session: signs its first tokens, then writes its row. change,
// when given, runs in the same transaction on the user as stored then.
func (s *Service) SignIn(ctx context.Context, a *pool.App, user storage.User, attempts pool.Counters, change func(storage.Tx, *storage.User) error) (*pool.Outcome, error) {
	now := s.now()
	g := &grant{app: a, user: user, session: newSession(a, user, now), now: now}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		g.groups, err = tx.Members.GroupsOf(a.Pool.ID, user.Sub, "", MaxGroups)
		return err
	})
	if err != nil {
		return nil, err
	}
	result, err := s.mint(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("userpool: sign tokens: %w", err)
	}
	result.RefreshToken = s.refreshToken(g.session)
	var evicted []storage.Session
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		evicted, err = s.keepSignIn(tx, g, attempts, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.sessions.NoteEvicted(ctx, evicted)
	return &pool.Outcome{AuthenticationResult: result}, nil
}

// keepSignIn writes a sign-in, and returns the sessions that it ended because the
// user had too many. A global sign-out that came first does not end this session.
func (s *Service) keepSignIn(tx storage.Tx, g *grant, attempts pool.Counters, change func(storage.Tx, *storage.User) error) (evicted []storage.Session, err error) {
	user, err := s.Admit(tx, g.user, attempts, change)
	if err != nil {
		return nil, err
	}
	g.session.UserEpoch = user.SignOuts
	return s.sessions.KeepSession(tx, g.session)
}

// Admit lets a proven user in, unless the account changed since the password was
// judged: then the password that was right is no longer the point. It returns the
// user as stored in the end.
func (s *Service) Admit(tx storage.Tx, proven storage.User, attempts pool.Counters, change func(storage.Tx, *storage.User) error) (storage.User, error) {
	user, err := tx.Users.BySub(proven.PoolID, proven.Sub)
	if err != nil {
		return user, pool.NotFound(err, wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword))
	}
	if user.PasswordEpoch != proven.PasswordEpoch {
		return user, wire.NewException(wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	}
	if refusal := s.passwords.AccountRefusal(user); refusal != nil {
		return user, refusal
	}
	if change != nil {
		if err := change(tx, &user); err != nil {
			return user, err
		}
	}
	return user, s.passwords.ForgetFailures(tx, attempts)
}

// identities writes the identities claim: all its values are texts, but for the issuer,
// which is null as Cognito's is (developer guide, "Understanding the identity token").
func (c *claims) identities(user storage.User) {
	c.name(pool.IdentitiesAttribute)
	c.buf = append(c.buf, '[')
	for i, one := range pool.ActiveIdentities(user) {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		c.buf = pool.AppendString(append(c.buf, `{"userId":`...), one.UserID)
		c.buf = pool.AppendString(append(c.buf, `,"providerName":`...), one.ProviderName)
		c.buf = pool.AppendString(append(c.buf, `,"providerType":`...), one.ProviderType)
		c.buf = append(c.buf, `,"issuer":null`...)
		c.buf = pool.AppendString(append(c.buf, `,"primary":`...), strconv.FormatBool(one.Primary))
		c.buf = pool.AppendString(append(c.buf, `,"dateCreated":`...), strconv.FormatInt(one.DateCreated, 10))
		c.buf = append(c.buf, '}')
	}
	c.buf = append(c.buf, ']')
}
