package latchkey

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"

	"github.com/go-json-experiment/json"
)

const (
	testPool   = "us-east-1_Test00001"
	testClient = "3n4b5urk1ft4fl3mg5e62d9ado"
	testSecret = "correct horse battery staple"
)

// fakePool is a user pool behind an http.RoundTripper, without sockets, so that
// it works inside a synctest bubble. It speaks the wire protocol and checks SRP
// proofs; faults are put in by the script.
type fakePool struct {
	mu       sync.Mutex
	life     time.Duration // of access and ID tokens
	offset   time.Duration // the pool's clock minus ours
	identity fakeIdentities
	second   fakeIdentities // another identity pool over the same user pool
	dated    bool           // answers have a Date header
	rotate   bool
	delay    time.Duration
	issuer   string
	users    map[string]*fakeUser
	families map[string]*fakeFamily // by refresh token, every generation
	serial   int
	calls    map[string]int
	last     map[string]wire.Parameters // flat members of the latest request
	// script answers in the pool's place when it returns an answer or an error.
	script func(op string, r *http.Request) (*http.Response, error)
	// after sees what the pool answers and may lose or change it.
	after func(op string, answer *http.Response) (*http.Response, error)
}

type fakeUser struct {
	name, sub, password string
	attributes          map[string]string
	exception           string // answered instead of tokens
	newPassword         bool   // must be changed
	mfa                 bool
}

type fakeFamily struct {
	user    *fakeUser
	origin  string
	current string // the refresh token that is good
	revoked bool
}

func newFakePool() *fakePool {
	p := &fakePool{
		life: time.Hour, issuer: "https://cognito-idp.us-east-1.amazonaws.com/" + testPool,
		users: map[string]*fakeUser{}, families: map[string]*fakeFamily{},
		calls: map[string]int{}, last: map[string]wire.Parameters{}, identity: newFakeIdentities(testIdentityPool), second: newFakeIdentities(secondIdentityPool),
	}
	p.addUser("alice")
	p.addUser("bob")
	return p
}

func (p *fakePool) addUser(name string) *fakeUser {
	u := &fakeUser{name: name, sub: "sub-of-" + name, password: testSecret, attributes: map[string]string{"email": name + "@example.com"}}
	p.users[name] = u
	return u
}

func (p *fakePool) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[op]
}

func (p *fakePool) sent(op string) wire.Parameters {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[op]
}

// revoked reports whether the family of a refresh token was revoked.
func (p *fakePool) revoked(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.families[token].revoked
}

// set changes the pool under its lock.
func (p *fakePool) set(change func(*fakePool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *fakePool) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close(), r.Context().Err()); err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	p.mu.Lock()
	p.calls[op]++
	p.last[op] = flatten(body)
	script, after, delay := p.script, p.after, p.delay
	p.mu.Unlock()
	if script != nil {
		if answer, err := script(op, r); answer != nil || err != nil {
			return answer, err
		}
	}
	p.mu.Lock()
	answer := p.operate(op, body)
	if p.dated {
		answer.Header.Set("Date", time.Now().Add(p.offset).UTC().Format(http.TimeFormat))
	}
	p.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if after != nil {
		return after(op, answer)
	}
	return answer, nil
}

func flatten(body []byte) wire.Parameters {
	var members map[string]any
	_ = json.Unmarshal(body, &members)
	flat := wire.Parameters{}
	for name, value := range members {
		switch value := value.(type) {
		case string:
			flat[name] = value
		case map[string]any:
			for inner, v := range value {
				flat[inner] = fmt.Sprint(v)
			}
		}
	}
	return flat
}

func reply(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func exception(name, message string) *http.Response {
	body, _ := json.Marshal(map[string]string{"__type": name, "message": message})
	return reply(http.StatusBadRequest, wire.ContentType, string(body))
}

func success(v any) *http.Response {
	body, err := wire.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply(http.StatusOK, wire.ContentType, string(body))
}

// operate is the pool itself. p.mu is held.
func (p *fakePool) operate(op string, body []byte) *http.Response {
	m := flatten(body)
	switch op {
	case "InitiateAuth":
		return p.initiate(m)
	case "RespondToAuthChallenge":
		return p.respond(m)
	case "GetTokensFromRefreshToken":
		return p.refresh(m["RefreshToken"])
	case "RevokeToken":
		if f := p.families[m["Token"]]; f != nil {
			f.revoked = true
		}
		return success(struct{}{})
	case "GlobalSignOut":
		f := p.byAccess(m["AccessToken"])
		if f == nil || f.revoked {
			return exception("NotAuthorizedException", "Access Token has been revoked")
		}
		for _, other := range p.families {
			other.revoked = other.revoked || other.user == f.user
		}
		return success(struct{}{})
	case "GetUser":
		return p.describe(m["AccessToken"])
	case "ChangePassword":
		return p.changePassword(m)
	case opIdentity, opCredentials:
		if bytes.Contains(body, []byte(secondIdentityPool[:18])) { // of the pool, or of one of its identities
			return p.second.operate(op, body, time.Now().Add(p.offset))
		}
		return p.identity.operate(op, body, time.Now().Add(p.offset))
	}
	return exception("UnknownOperationException", "")
}

func (p *fakePool) initiate(m wire.Parameters) *http.Response {
	u := p.users[strings.TrimSuffix(strings.ToLower(m["USERNAME"]), "@example.com")]
	switch {
	case u == nil:
		return exception("UserNotFoundException", "User does not exist.")
	case m["AuthFlow"] == "USER_PASSWORD_AUTH":
		if m["PASSWORD"] != u.password {
			return exception("NotAuthorizedException", "Incorrect username or password.")
		}
		return p.proceed(u)
	case m["AuthFlow"] == "USER_AUTH":
		if m["Session"] != "signed up as "+u.name {
			return exception("NotAuthorizedException", "Invalid session for the user.")
		}
		return p.proceed(u)
	}
	v, err := srp.NewVerifier("Test00001", u.sub, u.password)
	if err != nil {
		panic(err)
	}
	server, err := srp.NewServer(v)
	if err != nil {
		panic(err)
	}
	block := fmt.Sprintf("%s|%x|%x|%x|%s", u.name, server.Secret(), v.Salt, v.V, m["SRP_A"])
	return success(wire.InitiateAuthResponse{ChallengeName: "PASSWORD_VERIFIER", ChallengeParameters: wire.Parameters{
		"SALT": server.Salt(), "SRP_B": server.B(), "USER_ID_FOR_SRP": u.sub, "USERNAME": u.sub,
		"SECRET_BLOCK": base64.StdEncoding.EncodeToString([]byte(block)),
	}})
}

func (p *fakePool) respond(m wire.Parameters) *http.Response {
	if m["ChallengeName"] == "PASSWORD_VERIFIER" {
		return p.verify(m)
	}
	u := p.users[strings.TrimPrefix(m["Session"], "session-of-")]
	switch {
	case u == nil:
		return exception("NotAuthorizedException", "Invalid session for the user.")
	case m["ChallengeName"] == "NEW_PASSWORD_REQUIRED":
		if len(m["NEW_PASSWORD"]) < 8 {
			return exception("InvalidPasswordException", "Password did not conform with policy: Password not long enough")
		}
		u.password, u.newPassword = m["NEW_PASSWORD"], false
		u.attributes["name"] = m["userAttributes.name"]
	case m["ChallengeName"] == "SOFTWARE_TOKEN_MFA":
		if m["SOFTWARE_TOKEN_MFA_CODE"] != "123456" {
			return exception("CodeMismatchException", "Invalid code received for user")
		}
		return p.tokens(u)
	}
	return p.proceed(u)
}

// verify checks the SRP proof with the state that the secret block carries.
func (p *fakePool) verify(m wire.Parameters) *http.Response {
	block, _ := base64.StdEncoding.DecodeString(m["PASSWORD_CLAIM_SECRET_BLOCK"])
	parts := strings.Split(string(block), "|")
	secret, _ := hex.DecodeString(parts[1])
	salt, _ := hex.DecodeString(parts[2])
	v, _ := hex.DecodeString(parts[3])
	u := p.users[parts[0]]
	server, err := srp.RestoreServer(srp.Verifier{Salt: salt, V: v}, secret)
	if err != nil {
		panic(err)
	}
	if server.Check("Test00001", u.sub, parts[4], block, m["TIMESTAMP"], m["PASSWORD_CLAIM_SIGNATURE"]) != nil {
		return exception("NotAuthorizedException", "Incorrect username or password.")
	}
	return p.proceed(u)
}

// proceed is what follows the first factor.
func (p *fakePool) proceed(u *fakeUser) *http.Response {
	challenge := wire.RespondToAuthChallengeResponse{Session: wire.Sensitive("session-of-" + u.name)}
	switch {
	case u.exception != "":
		return exception(u.exception, "User is not as he should be.")
	case u.newPassword:
		challenge.ChallengeName = "NEW_PASSWORD_REQUIRED"
		challenge.ChallengeParameters = wire.Parameters{
			"USER_ID_FOR_SRP": u.sub, "requiredAttributes": `["userAttributes.name"]`, "userAttributes": `{"email":"` + u.attributes["email"] + `"}`,
		}
		return success(challenge)
	case u.mfa:
		challenge.ChallengeName = "SOFTWARE_TOKEN_MFA"
		challenge.ChallengeParameters = wire.Parameters{"USER_ID_FOR_SRP": u.sub, "FRIENDLY_DEVICE_NAME": "phone"}
		return success(challenge)
	}
	return p.tokens(u)
}

// tokens begins a session.
func (p *fakePool) tokens(u *fakeUser) *http.Response {
	p.serial++
	f := &fakeFamily{user: u, origin: fmt.Sprintf("origin-%d", p.serial)}
	return success(wire.InitiateAuthResponse{AuthenticationResult: p.issue(f, true)})
}

// issue makes the tokens of a family, with a new refresh token if next is set.
func (p *fakePool) issue(f *fakeFamily, next bool) *wire.AuthenticationResultType {
	p.serial++
	result := &wire.AuthenticationResultType{
		AccessToken: wire.Sensitive(p.token(f.user, f.origin, "access")),
		IdToken:     wire.Sensitive(p.token(f.user, f.origin, "id")),
		ExpiresIn:   int32(p.life / time.Second), TokenType: "Bearer",
	}
	if next {
		f.current = fmt.Sprintf("refresh-%s-%d", f.user.name, p.serial)
		p.families[f.current] = f
		result.RefreshToken = wire.Sensitive(f.current)
	}
	return result
}

// token makes a token that reads like Cognito's. Nobody checks its signature.
func (p *fakePool) token(u *fakeUser, origin, use string) string {
	now := time.Now().Add(p.offset)
	claims := map[string]any{
		"sub": u.sub, "iss": p.issuer, "token_use": use, "origin_jti": origin, "jti": fmt.Sprint("jti-", p.serial),
		"iat": now.Unix(), "exp": now.Add(p.life).Unix(), "auth_time": now.Unix(),
	}
	if use == "access" {
		claims["client_id"], claims["username"], claims["scope"] = testClient, u.name, "aws.cognito.signin.user.admin"
	} else {
		claims["aud"], claims["cognito:username"], claims["email"] = testClient, u.name, u.attributes["email"]
		claims["email_verified"], claims["cognito:groups"], claims["custom:team"] = true, []string{"staff"}, "red"
	}
	return signless(claims)
}

func signless(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"kid":"test","alg":"RS256"}`)) + "." + part(payload) + "." + part([]byte("signature"))
}

func (p *fakePool) refresh(token string) *http.Response {
	f := p.families[token]
	switch {
	case f == nil:
		return exception("NotAuthorizedException", "Invalid Refresh Token.")
	case f.revoked:
		return exception("NotAuthorizedException", "Refresh Token has been revoked")
	case f.current != token:
		return exception("RefreshTokenReuseException", "Refresh token reuse detected")
	case f.user.exception != "":
		return exception(f.user.exception, "User is not as he should be.")
	}
	return success(wire.GetTokensFromRefreshTokenResponse{AuthenticationResult: p.issue(f, p.rotate)})
}

func (p *fakePool) byAccess(raw string) *fakeFamily {
	for _, f := range p.families {
		if strings.Contains(decodedPayload(raw), `"`+f.origin+`"`) {
			return f
		}
	}
	return nil
}

func decodedPayload(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return string(payload)
}

func (p *fakePool) describe(access string) *http.Response {
	f := p.byAccess(access)
	if f == nil || f.revoked {
		return exception("NotAuthorizedException", "Access Token has been revoked")
	}
	response := wire.GetUserResponse{Username: f.user.name}
	for name, value := range f.user.attributes {
		response.UserAttributes = append(response.UserAttributes, wire.AttributeType{Name: name, Value: value})
	}
	return success(response)
}

func (p *fakePool) changePassword(m wire.Parameters) *http.Response {
	f := p.byAccess(m["AccessToken"])
	switch {
	case f == nil || f.revoked:
		return exception("NotAuthorizedException", "Access Token has been revoked")
	case m["PreviousPassword"] != f.user.password:
		return exception("NotAuthorizedException", "Incorrect username or password.")
	case len(m["ProposedPassword"]) < 8:
		return exception("InvalidPasswordException", "Password did not conform with policy: Password not long enough")
	}
	f.user.password = m["ProposedPassword"]
	return success(struct{}{})
}

// errLost is a connection that was cut after the request had been sent.
var errLost = errors.New("read: connection reset by peer")

// newClient makes a client of the pool. Options change its Config.
func (p *fakePool) newClient(t testing.TB, options ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{UserPoolID: testPool, ClientID: testClient, HTTPClient: &http.Client{Transport: p}}
	for _, option := range options {
		option(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, ErrStore) {
			t.Error(err)
		}
	})
	return c
}

func withStore(s store.Store) func(*Config) { return func(cfg *Config) { cfg.Store = s } }

// signedIn makes a client with a user signed in. The plain flow costs no
// arithmetic; SRP has tests of its own.
func (p *fakePool) signedIn(t testing.TB, name string, options ...func(*Config)) *Client {
	t.Helper()
	c := p.newClient(t, options...)
	signIn(t, c, name)
	return c
}

func signIn(t testing.TB, c *Client, name string) {
	t.Helper()
	step, err := c.SignIn(context.Background(), PlainPassword(name, testSecret))
	if err != nil || !step.Done() {
		t.Fatalf("SignIn(%s) = %v, %v", name, step, err)
	}
}

func fetch(t testing.TB, c *Client, options ...FetchOption) *Session {
	t.Helper()
	s, err := c.FetchSession(context.Background(), options...)
	if err != nil {
		t.Fatalf("FetchSession: %v", err)
	}
	return s
}

// known is the session with its tokens refreshed and the identity pool's facets as they are
// known.
func known(t testing.TB, c *Client) *Session {
	t.Helper()
	view, err := c.engine.Fetch(context.Background(), session.Want{TokensOnly: true})
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return (*Session)(view)
}

// wantTokens fails unless the session has tokens of the user.
func wantTokens(t testing.TB, s *Session, name string) Tokens {
	t.Helper()
	tokens, err := s.Tokens()
	if err != nil {
		t.Fatalf("Tokens: %v", err)
	}
	if got := tokens.Access.Username(); got != name || tokens.ID.Username() != name {
		t.Fatalf("tokens of %q, want %q", got, name)
	}
	return tokens
}

// recorder collects events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// names are the events as "Kind" or "Kind:cause or reason".
func (r *recorder) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, e := range r.events {
		name := e.Kind.String()
		detail := string(e.Cause)
		if failure, ok := errors.AsType[*Error](e.Err); ok && e.Kind == EventSessionExpired {
			detail += failure.Code
		}
		if detail != "" {
			name += ":" + detail
		}
		names = append(names, name)
	}
	return names
}

func bodyOf(text string) io.ReadCloser { return io.NopCloser(bytes.NewBufferString(text)) }
