package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// This file measures the code grant: from the authorization request of a browser
// that is signed in to the tokens.

// codeGrant is an app client's sign-in by a browser that is signed in at base.
type codeGrant struct {
	base, authorize, token string // base and the two paths
	client, scope          string
	callback               string // where the browser would go; nobody listens there
	cookies                string // the browser's, by enter
	verifier               string
}

// request is the address of an authorization request with PKCE.
func (g *codeGrant) request() string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {g.client}, "redirect_uri": {g.callback}, "scope": {g.scope},
		"state": {"8yh2Vq7RsnAf0dKQjWmXeU4tLpZcBg19"}, "nonce": {"Zq1mY5tHc8Wd3RkVb7uJx0Nf4Ps6Ea2L"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(g.verifier)}, "code_challenge_method": {"S256"},
	}
	return g.base + g.authorize + "?" + query.Encode()
}

// run goes once through the grant, from the browser's request to the tokens.
func (g *codeGrant) run(client *http.Client, _ string) error {
	ask, err := http.NewRequest(http.MethodGet, g.request(), nil)
	if err != nil {
		return err
	}
	ask.Header.Set("Cookie", g.cookies)
	_, location, err := fetch(client, ask)
	if err != nil {
		return err
	}
	back, err := url.Parse(location)
	if err != nil || back.Query().Get("code") == "" {
		return fmt.Errorf("%s leads to %q, not to a code", g.authorize, location)
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {g.client}, "code": {back.Query().Get("code")},
		"redirect_uri": {g.callback}, "code_verifier": {g.verifier},
	}
	redeem, err := http.NewRequest(http.MethodPost, g.base+g.token, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	redeem.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, _, err := fetch(client, redeem)
	if err != nil {
		return err
	}
	var tokens struct {
		Access  string `json:"access_token"`
		ID      string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
	err = json.Unmarshal(body, &tokens)
	if err != nil || strings.Count(tokens.Access, ".") != 2 || strings.Count(tokens.ID, ".") != 2 || tokens.Refresh == "" {
		return fmt.Errorf("%s gave no two signed tokens and a refresh token: %v", g.token, err)
	}
	return nil
}

// fetch gives an answer's body, and where it leads.
func fetch(client *http.Client, r *http.Request) (body []byte, location string, err error) {
	answer, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(answer.Body); err != nil {
		return nil, "", err
	}
	if to, err := answer.Location(); err == nil {
		location = to.String()
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return nil, "", fmt.Errorf("%s: %d %s", r.URL.Path, answer.StatusCode, body)
	}
	return body, location, nil
}

// stay has a client stop at redirects.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// What a page asks for: where its form goes, and which of oidc-provider's it is.
var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formPrompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
)

// enter signs a person in at the pages that the authorization request leads to,
// until one leads back, and keeps the browser's cookies.
func (g *codeGrant) enter(transport http.RoundTripper, username, password string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport, Jar: jar, CheckRedirect: stay}
	address, form := g.request(), url.Values(nil)
	for range 20 {
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		page, location, err := fetch(client, r)
		if err != nil {
			return err
		}
		if strings.HasPrefix(location, g.callback) {
			g.keepCookies(jar)
			return nil
		}
		if form = nil; location == "" {
			if location, form, err = fill(r.URL, string(page), username, password); err != nil {
				return err
			}
		}
		address = location
	}
	return fmt.Errorf("%s: no end of pages", g.base)
}

// fill answers the form of a page.
func fill(at *url.URL, page, username, password string) (action string, form url.Values, err error) {
	found := formAction.FindStringSubmatch(page)
	if found == nil {
		return "", nil, fmt.Errorf("%s shows a page without a form", at.Path)
	}
	to, err := at.Parse(strings.ReplaceAll(found[1], "&amp;", "&"))
	if err != nil {
		return "", nil, err
	}
	form = url.Values{"username": {username}, "password": {password}}
	if prompt := formPrompt.FindStringSubmatch(page); prompt != nil {
		form = url.Values{"prompt": {prompt[1]}, "login": {username}, "password": {password}}
	}
	return to.String(), form, nil
}

func (g *codeGrant) keepCookies(jar http.CookieJar) {
	at, err := url.Parse(g.base + g.authorize)
	if err != nil {
		return // it was requested a moment ago
	}
	var pairs []string
	for _, cookie := range jar.Cookies(at) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	g.cookies = strings.Join(pairs, "; ")
}

// inProcess calls a handler without a socket.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	r.RemoteAddr = "127.0.0.1:1"
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, r)
	result := answer.Result()
	result.Request = r // relative locations are resolved against it
	return result, nil
}

// codeGrant makes an app client of the world's pool, and signs its user in.
func (w *world) codeGrant() (*codeGrant, error) {
	request := &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "browser"}
	request.AllowedOAuthFlowsUserPoolClient = new(true)
	request.AllowedOAuthFlows = []string{"code"}
	request.AllowedOAuthScopes = []string{"openid", "email", "profile"}
	request.CallbackURLs = []string{loopbackCallback}
	request.SupportedIdentityProviders = []string{"COGNITO"}
	client, err := perform[wire.CreateUserPoolClientResponse](context.Background(), w.handler, "CreateUserPoolClient", request)
	if err != nil {
		return nil, err
	}
	g := latchkeyGrant("http://127.0.0.1:9229", w.pool, client.UserPoolClient.ClientId)
	return g, g.enter(inProcess{w.handler}, srpUser, srpPassword)
}

// loopbackCallback is among the callback URLs of `latchkey up`.
const loopbackCallback = "http://127.0.0.1/callback"

func latchkeyGrant(base, pool, client string) *codeGrant {
	return &codeGrant{
		base: base, authorize: "/" + pool + "/oauth2/authorize", token: "/" + pool + "/oauth2/token",
		client: client, scope: "openid email profile", callback: loopbackCallback, verifier: oauth2.GenerateVerifier(),
	}
}

// benchGrant measures the grant on one core, and then both servers over loopback.
func benchGrant(b *bench) error {
	signature, err := b.grantInProcess()
	if err != nil {
		return err
	}
	return b.grantOverLoopback(signature)
}

// grantInProcess returns the CPU time of one signature.
func (b *bench) grantInProcess() (signature time.Duration, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w, err := newWorld(nil)
	if err != nil {
		return 0, err
	}
	defer w.close()
	null, err := newWorld(nullSigner{})
	if err != nil {
		return 0, err
	}
	defer null.close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	var failed error
	grantOf := func(name string, w *world) (measure.Contestant, error) {
		g, err := w.codeGrant()
		client := &http.Client{Transport: inProcess{w.handler}, CheckRedirect: stay}
		return measure.Contestant{Name: name, Op: func(n int) {
			for range n {
				if err := g.run(client, ""); err != nil {
					failed = err
				}
			}
		}}, err
	}
	whole, err := grantOf("authorize, code, token; durable", w)
	if err != nil {
		return 0, err
	}
	rest, err := grantOf("the same, null signer", null)
	if err != nil {
		return 0, err
	}
	digest := make([]byte, 32)
	signing := measure.Contestant{Name: "one RS256 signature (crypto/rsa)", Op: func(n int) {
		for range n {
			if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest); err != nil {
				failed = err
			}
		}
	}}
	results := measure.Rounds(b.rounds, signing, whole, rest)
	if failed != nil {
		return 0, failed
	}
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), r.Over(results[0].Times(2)).String()})
	}
	b.table([]string{"in process, SQLite, synchronous=FULL, one core", "CPU", "of two signatures"}, rows)
	rate := 1 / results[1].Over(results[0].Times(2)).Median
	fmt.Fprintf(b.out, "\nRate: %.3g of one grant for two signatures.\n\n", rate)
	b.atLeast(0.6, rate, "code grant, per core: of the rate of two RS256 signatures")
	return results[0].Median(), nil
}

// grantOverLoopback compares the grant with the peer's, with signatures and without.
func (b *bench) grantOverLoopback(signature time.Duration) error {
	targets, stop, err := startGrantTargets()
	defer stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "Two RS256 signatures with 2048 bits a grant on both sides. Closed loop, %v a line and round, GOMAXPROCS=1 for Latchkey; the load runs on the same two cores.\n\n", loadTime)
	results := map[string][]outcome{} // at 8 at once
	var rows [][]string
	for _, line := range []string{signedGrant, unsignedGrant} {
		able := slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.calls[line] == nil })
		for _, concurrency := range []int{1, 8, 32} {
			now, err := loadAll(able, line, concurrency, max(3, b.rounds/2))
			if err != nil {
				return err
			}
			if rows = append(rows, loadRows(able, line, concurrency, now)...); concurrency == 8 {
				for name, outcomes := range now {
					results[name+"/"+line] = outcomes
				}
			}
		}
	}
	b.table([]string{"what", "server", "at once", "rate /s", "p50", "p99", "server CPU each"}, rows)
	b.reportGrant(results, signature)
	return nil
}

// loadAll loads one after the other, in rounds.
func loadAll(targets []*target, line string, concurrency, rounds int) (map[string][]outcome, error) {
	results := map[string][]outcome{}
	for range rounds {
		for _, t := range targets {
			o, err := load(t, t.calls[line], concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", t.name, line, err)
			}
			results[t.name] = append(results[t.name], o)
		}
	}
	return results, nil
}

// reportGrant relates the two servers: their rates, and their rates per core, since
// one of them is given one core and the other takes more. What signatures allow is
// the rate of a core that does nothing but sign.
func (b *bench) reportGrant(results map[string][]outcome, signature time.Duration) {
	column := func(name, line string, of func(outcome) float64) (values []float64) {
		for _, o := range results[name+"/"+line] {
			values = append(values, of(o))
		}
		return values
	}
	rate := func(o outcome) float64 { return o.rate }
	cpu := func(o outcome) float64 { return float64(o.cpu) }
	perCore := func(line string) measure.Ratio {
		return pairwise(column("oidc-provider", line, cpu), column("latchkey", line, cpu))
	}
	for _, line := range []string{signedGrant, unsignedGrant} {
		total := pairwise(column("latchkey", line, rate), column("oidc-provider", line, rate))
		fmt.Fprintf(b.out, "\n%s at 8 at once: %s times the rate of oidc-provider, %s times its rate per core.", line, total, perCore(line))
	}
	allowed := measure.Spread(column("oidc-provider", signedGrant, cpu)).Median / float64(2*signature)
	fmt.Fprintf(b.out, "\nA core that does nothing but sign with crypto/rsa: %.3g times the rate of oidc-provider per core.\n", allowed)
	b.atLeast(3, perCore(signedGrant).Median, fmt.Sprintf("code grant: of oidc-provider's rate per core, 8 at once (crypto/rsa allows %.3g)", allowed))
	b.atLeast(3, perCore(unsignedGrant).Median, "the same where signatures cost nothing, on both sides")
}
