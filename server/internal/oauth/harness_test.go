package oauth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	callback   = "https://app.example.com/callback"
	bye        = "https://app.example.com/bye"
	verifier   = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testSecret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"
)

// challengeOf is the code challenge of a verifier.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// harness is a Provider over real HTTP with one pool. Its login page signs in the user that
// a form names, and the other rooms are fakes.
type harness struct {
	t            *testing.T
	url          string
	pool, client string
	clients      map[string]*oauth.Client
	provider     *oauth.Provider
	users        *fakeUsers
	issuer       *fakeIssuer
	elsewhere    *fakeElsewhere
	notes        chan string
	offset       atomic.Int64
}

// newHarness starts a Provider; change edits its client.
func newHarness(t *testing.T, change func(*oauth.Client)) *harness {
	t.Helper()
	return newHarnessOf(t, change, nil)
}

// newHarnessOf is newHarness with a Config that configure has edited.
func newHarnessOf(t *testing.T, change func(*oauth.Client), configure func(*oauth.Config)) *harness {
	t.Helper()
	h := &harness{t: t, pool: "us-east-1_Users0001", client: "client1", users: &fakeUsers{}, issuer: &fakeIssuer{}, elsewhere: &fakeElsewhere{}, notes: make(chan string, 10_000)}
	client := &oauth.Client{
		ID: h.client, PoolID: h.pool, Name: "test", Enabled: true, Flows: []string{"code"}, Revocable: true,
		Scopes:       []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"},
		CallbackURLs: []string{callback, "http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost:3000/", "myapp://signed-in", "https://app.example.com/with?a=1"},
		LogoutURLs:   []string{bye, bye + "?a=1", "http://127.0.0.1/bye"},
		Providers:    []string{"COGNITO"},
	}
	if change != nil {
		change(client)
	}
	h.clients = map[string]*oauth.Client{h.client: client}
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(nil)
	h.url = "http://" + web.Listener.Addr().String()
	config := oauth.Config{
		Clients: h, Issuer: h.issuer, Users: h.users, Elsewhere: h.elsewhere, Box: box, PublicURL: h.url,
		IssuerURL: func(pool string) string { return h.url + "/" + pool }, Now: h.now, Logger: slog.New(slog.DiscardHandler),
		Note: func(_ context.Context, code string) { h.notes <- code },
	}
	if configure != nil {
		configure(&config)
	}
	h.provider = oauth.New(config)
	web.Config.Handler = h.routes()
	web.Start()
	t.Cleanup(web.Close)
	return h
}

func (h *harness) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/oauth2/token": h.provider.Token, "/oauth2/userInfo": h.provider.UserInfo, "/oauth2/revoke": h.provider.Revoke,
		"/oauth2/authorize": h.provider.Authorize, "/logout": h.provider.Logout, "/login": h.login,
		federation.ReturnPath: h.provider.Return, federation.ReturnPath + "/{" + oauth.SegmentValue + "}": h.provider.Return,
	} {
		mux.HandleFunc("/{pool}"+path, handler)
	}
	return mux
}

// login is the login page: it signs in the user that the form names.
func (h *harness) login(w http.ResponseWriter, r *http.Request) {
	q, err := h.provider.ReadRequest(r.Context(), h.pool, r.URL.Query())
	if refused, ok := errors.AsType[*oauth.RequestError](err); ok {
		h.provider.Refuse(w, r, refused)
		return
	}
	h.provider.Finish(w, r, q, h.user(r.PostFormValue("username")))
}

func (h *harness) user(name string) oauth.User {
	return oauth.User{PoolID: h.pool, Sub: "sub-" + name, Username: name, Provider: "COGNITO", AuthTime: h.now()}
}

func (h *harness) now() time.Time          { return time.Now().Add(time.Duration(h.offset.Load())) }
func (h *harness) advance(d time.Duration) { h.offset.Add(int64(d)) }
func (h *harness) base() string            { return h.url + "/" + h.pool }

// OAuthClient and PoolOfDomain make the harness the oauth.Clients of the Provider.
func (h *harness) OAuthClient(_ context.Context, id string) (*oauth.Client, error) {
	if c := h.clients[id]; c != nil {
		return c, nil
	}
	return nil, wire.ClientNotFound(id)
}

func (h *harness) PoolOfDomain(context.Context, string) (string, error) { return "", nil }

// addClient adds another client of the pool.
func (h *harness) addClient(id string) string {
	other := *h.clients[h.client]
	other.ID = id
	h.clients[id] = &other
	return id
}

// fakeUsers are the users of the pool. All are enabled.
type fakeUsers struct {
	ended sync.Map // ids of browser sessions
	err   error    // of all methods
}

func (u *fakeUsers) StillGood(_ context.Context, user oauth.User, session string) (oauth.User, bool, error) {
	_, ended := u.ended.Load(session)
	return user, !ended, u.err
}

func (u *fakeUsers) EndBrowser(_ context.Context, session string, _ time.Time) error {
	u.ended.Store(session, true)
	return u.err
}

func (u *fakeUsers) UserInfo(_ context.Context, _ string, access wire.Sensitive) (string, []wire.AttributeType, error) {
	if u.err != nil {
		return "", nil, u.err
	}
	name, ok := strings.CutPrefix(string(access), "access ")
	if !ok {
		return "", nil, wire.NewException(wire.NotAuthorizedException, "Invalid Access Token")
	}
	return name, []wire.AttributeType{{Name: "sub", Value: "sub-" + name}, {Name: "email_verified", Value: "true"}}, nil
}

// Hint reads hints of the form "client/sub"; any other is signed by another pool.
func (u *fakeUsers) Hint(_ context.Context, _, token string) (clientID, sub string, err error) {
	clientID, sub, ok := strings.Cut(token, "/")
	if !ok {
		return "", "", u.err
	}
	return clientID, sub, u.err
}

// fakeIssuer issues tokens that name the user.
type fakeIssuer struct {
	used sync.Map // ids of sessions
	err  error    // of all methods
}

func (i *fakeIssuer) Issue(_ context.Context, _ string, user oauth.User, grant oauth.Grant) (*oauth.Tokens, error) {
	if i.err != nil {
		return nil, i.err
	}
	if _, used := i.used.LoadOrStore(grant.SessionID, true); used {
		return nil, wire.NewException(wire.NotAuthorizedException, "the code was used before")
	}
	return tokensOf(user.Username, grant.Scope), nil
}

func (i *fakeIssuer) Refresh(_ context.Context, _ string, token wire.Sensitive, scope string) (*oauth.Tokens, error) {
	name, ok := strings.CutPrefix(string(token), "refresh ")
	switch {
	case i.err != nil:
		return nil, i.err
	case !ok:
		return nil, wire.NewException(wire.NotAuthorizedException, "Invalid Refresh Token.")
	case scope == "more":
		return nil, wire.NewException(wire.ScopeDoesNotExistException, "more")
	}
	return tokensOf(name, scope), nil
}

func (i *fakeIssuer) IssueToClient(_ context.Context, clientID, scope string) (*oauth.Tokens, error) {
	return &oauth.Tokens{Access: wire.Sensitive("access " + clientID), ExpiresIn: 3600, Scope: scope}, i.err
}

func (i *fakeIssuer) Revoke(_ context.Context, _ *oauth.Client, token wire.Sensitive) error {
	if strings.HasPrefix(string(token), "access ") {
		return wire.NewException(wire.UnsupportedTokenTypeException, "access token")
	}
	return i.err
}

func tokensOf(name, scope string) *oauth.Tokens {
	return &oauth.Tokens{
		Access: wire.Sensitive("access " + name), ID: wire.Sensitive("id " + name), Refresh: wire.Sensitive("refresh " + name), ExpiresIn: 3600, Scope: scope,
	}
}

// fakeElsewhere is another provider: the code "good NAME" signs a user in.
type fakeElsewhere struct {
	mu       sync.Mutex
	route    func() (oauth.Route, error) // nil is a provider with its own redirect URI
	finish   error
	spent    []string
	released int
	began    federation.Attempt // the last
}

func (e *fakeElsewhere) Route(_ context.Context, _, provider string) (oauth.Route, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.route != nil {
		return e.route()
	}
	return oauth.Route{Own: provider, Binding: "1"}, nil
}

func (e *fakeElsewhere) Begin(_ context.Context, _, _ string, a federation.Attempt) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.began = a
	return "https://idp.example.com/authorize?" + url.Values{"state": {a.State}}.Encode(), nil
}

func (e *fakeElsewhere) Finish(_ context.Context, client *oauth.Client, provider string, _ federation.Attempt, got federation.Answer) (oauth.User, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finish != nil {
		return oauth.User{}, e.finish
	}
	name, ok := strings.CutPrefix(got.Code, "good ")
	if !ok {
		return oauth.User{}, &federation.Error{Description: provider + " Error - bad code"}
	}
	return oauth.User{PoolID: client.PoolID, Sub: "sub-" + name, Username: name, Provider: provider}, nil
}

func (e *fakeElsewhere) Spend(_ context.Context, id string, _ time.Time) (try string, ok bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.Contains(e.spent, id) {
		return "", false, nil
	}
	e.spent = append(e.spent, id)
	return id, true, nil
}

func (e *fakeElsewhere) Release(_ context.Context, try string, _ time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.released++
	e.spent = slices.DeleteFunc(e.spent, func(id string) bool { return id == try })
	return nil
}

// visitor is a browser: it keeps cookies and stops at redirects.
type visitor struct {
	h      *harness
	client *http.Client
}

func (h *harness) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{h: h, client: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// query is an authorization request; over replaces members, and "" removes one.
func (h *harness) query(over map[string]string) url.Values {
	v := url.Values{
		"client_id": {h.client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {"s t&a=te"}, "nonce": {"n-1"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for name, value := range over {
		if v.Set(name, value); value == "" {
			v.Del(name)
		}
	}
	return v
}

// read sends a request and reads the answer.
func (v *visitor) read(r *http.Request) (*http.Response, string) {
	v.h.t.Helper()
	answer, err := v.client.Do(r)
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	return answer, string(body)
}

func (v *visitor) get(address string) (*http.Response, string) {
	v.h.t.Helper()
	r, err := http.NewRequestWithContext(v.h.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.h.t.Fatal(err)
	}
	return v.read(r)
}

func (v *visitor) post(address string, form url.Values) (*http.Response, string) {
	v.h.t.Helper()
	r, err := http.NewRequestWithContext(v.h.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.read(r)
}

func (v *visitor) authorize(over map[string]string) (*http.Response, string) {
	v.h.t.Helper()
	return v.get(v.h.base() + "/oauth2/authorize?" + v.h.query(over).Encode())
}

// plain sends a request without the cookies of a visitor.
func (h *harness) plain(r *http.Request) (*http.Response, string) {
	h.t.Helper()
	return h.visitor().read(r)
}

// location is where an answer leads.
func location(t *testing.T, answer *http.Response) *url.URL {
	t.Helper()
	to, err := answer.Location()
	if err != nil {
		t.Fatalf("status %d: %v", answer.StatusCode, err)
	}
	return to
}

// leadsTo is where an authorization request leads: "code", "login" or an error code.
func leadsTo(t *testing.T, answer *http.Response) string {
	t.Helper()
	to := location(t, answer)
	switch {
	case to.Query().Has("code"):
		return "code"
	case strings.HasSuffix(to.Path, "/login"):
		return "login"
	}
	return to.Query().Get("error")
}

// signIn goes from the authorization request over the login page back to the client.
func (v *visitor) signIn(name string, over map[string]string) url.Values {
	v.h.t.Helper()
	answer, body := v.authorize(over)
	to := location(v.h.t, answer)
	if !strings.HasSuffix(to.Path, "/login") {
		v.h.t.Fatalf("%d to %s: %s", answer.StatusCode, to, body)
	}
	answer, body = v.post(to.String(), url.Values{"username": {name}})
	if answer.StatusCode != http.StatusSeeOther {
		v.h.t.Fatalf("after the login page: %d %s", answer.StatusCode, body)
	}
	back := location(v.h.t, answer)
	if back.Fragment != "" {
		values, _ := url.ParseQuery(back.EscapedFragment())
		return values
	}
	return back.Query()
}

// redeemForm is the form that redeems a code.
func (h *harness) redeemForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {h.client}, "redirect_uri": {callback},
		"code": {code}, "code_verifier": {verifier},
	}
}

// answered is an answer of an endpoint that programs call.
type answered struct {
	Status  int    `json:"-"`
	Error   string `json:"error"`
	Text    string `json:"error_description"`
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
	Header  http.Header
}

func (h *harness) form(path string, form url.Values, change func(*http.Request)) answered {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.base()+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	answer, body := h.visitor().read(r)
	out := answered{Status: answer.StatusCode, Header: answer.Header}
	if len(body) > 0 {
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			h.t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
		}
	}
	return out
}

func (h *harness) token(form url.Values) answered {
	h.t.Helper()
	return h.form("/oauth2/token", form, nil)
}

// String names an answer in messages.
func (a answered) String() string { return fmt.Sprintf("%d %s (%s)", a.Status, a.Error, a.Text) }
