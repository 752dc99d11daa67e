package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

const (
	callback = "https://app.example.com/callback"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// challengeOf is the code challenge of a verifier.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// withOAuth gives the client of a world what the code grant needs.
func withOAuth(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
	c.AllowedOAuthFlowsUserPoolClient = new(true)
	c.AllowedOAuthFlows = []string{"code"}
	c.AllowedOAuthScopes = []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}
	c.CallbackURLs = []string{callback, "http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost:3000/", "myapp://signed-in", "https://app.example.com/with?a=1"}
	c.LogoutURLs = []string{"https://app.example.com/bye", "https://app.example.com/bye?a=1", "http://127.0.0.1/bye"}
	c.SupportedIdentityProviders = []string{"COGNITO"}
}

// visitor is a browser: it keeps cookies and stops at redirects.
type visitor struct {
	w      *world
	client *http.Client
	back   string // the redirect URI of the last provider that the visitor was sent to
}

func (w *world) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{w: w, client: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// query is an authorization request; over replaces members, and "" removes one.
func (w *world) query(over map[string]string) url.Values {
	v := url.Values{
		"client_id": {w.client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"},
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
	v.w.t.Helper()
	answer, err := v.client.Do(r)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return answer, string(body)
}

func (v *visitor) get(address string) (*http.Response, string) {
	v.w.t.Helper()
	return v.ask(http.MethodGet, address)
}

// ask is get with another method.
func (v *visitor) ask(method, address string) (*http.Response, string) {
	v.w.t.Helper()
	r, err := http.NewRequestWithContext(v.w.t.Context(), method, address, nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return v.read(r)
}

func (v *visitor) post(address string, form url.Values) (*http.Response, string) {
	v.w.t.Helper()
	r, err := http.NewRequestWithContext(v.w.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.read(r)
}

func (w *world) base() string { return w.url + "/" + w.pool }

func (v *visitor) authorize(over map[string]string) (*http.Response, string) {
	v.w.t.Helper()
	return v.get(v.w.base() + "/oauth2/authorize?" + v.w.query(over).Encode())
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

// signIn goes from the authorization request over the login page back to the client.
func (v *visitor) signIn(name string, over map[string]string) url.Values {
	v.w.t.Helper()
	answer, body := v.authorize(over)
	to := location(v.w.t, answer)
	if !strings.HasSuffix(to.Path, "/login") {
		v.w.t.Fatalf("%d to %s: %s", answer.StatusCode, to, body)
	}
	answer, body = v.post(to.String(), url.Values{"username": {name}, "password": {password}})
	if answer.StatusCode != http.StatusSeeOther {
		v.w.t.Fatalf("after the login page: %d %s", answer.StatusCode, body)
	}
	back := location(v.w.t, answer)
	if back.Fragment != "" {
		values, _ := url.ParseQuery(back.EscapedFragment())
		return values
	}
	return back.Query()
}

// redeemForm is the form that redeems a code.
func (w *world) redeemForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {w.client}, "redirect_uri": {callback},
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

func (w *world) form(path string, form url.Values, change func(*http.Request)) answered {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.base()+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	answer, body := w.do(r)
	out := answered{Status: answer.StatusCode, Header: answer.Header}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &out); err != nil {
			w.t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
		}
	}
	return out
}

func (w *world) token(form url.Values) answered {
	w.t.Helper()
	return w.form("/oauth2/token", form, nil)
}

// codeTokens signs a user in and redeems the code.
func (w *world) codeTokens(name string, over map[string]string) answered {
	w.t.Helper()
	out := w.token(w.redeemForm(w.visitor().signIn(name, over).Get("code")))
	if out.Status != http.StatusOK {
		w.t.Fatalf("token: %+v", out)
	}
	return out
}
