package latchkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// tamper stands between a client and the service: answer may replace what a path
// answers; nil leaves it.
type tamper struct {
	base   http.RoundTripper
	answer func(r *http.Request, real func() *http.Response) *http.Response
	calls  map[string]int
}

func (m *tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	m.calls[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]++
	var failed error
	real := func() *http.Response {
		answer, err := m.base.RoundTrip(r)
		failed = err
		return answer
	}
	if m.answer != nil {
		if answer := m.answer(r, real); answer != nil || failed != nil {
			return answer, failed
		}
	}
	if answer := real(); failed == nil {
		return answer, nil
	}
	return nil, failed
}

// page is an answer that nobody asked for.
func page(status int, kind, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {kind}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1}
}

// atToken replaces the token endpoint's answers only.
func atToken(answer func(real func() *http.Response) *http.Response) func(*http.Request, func() *http.Response) *http.Response {
	return func(r *http.Request, real func() *http.Response) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
			return answer(real)
		}
		return nil
	}
}

// edited changes members of the real token answer.
func edited(edit func(map[string]any)) func(*http.Request, func() *http.Response) *http.Response {
	return atToken(func(real func() *http.Response) *http.Response {
		answer := real()
		if answer == nil {
			return nil
		}
		var members map[string]any
		if json.NewDecoder(answer.Body).Decode(&members) != nil {
			return answer
		}
		edit(members)
		body, _ := json.Marshal(members)
		return page(answer.StatusCode, "application/json", string(body), "Date", answer.Header.Get("Date"))
	})
}

// forged has another payload under the same header and signature.
func forged(raw, from, to string) string {
	parts := strings.Split(raw, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), from, to, 1)))
	return strings.Join(parts, ".")
}

// TestExchangeRefuses: whatever is wrong, nothing is stored, and the error says of
// which kind it is.
func TestExchangeRefuses(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	other := newPerson(t)
	otherClient := open(t, srv.Config())
	foreign, foreignFlow, err := otherClient.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	foreignCallback := other.signIn(t.Context(), foreign)
	set := func(name, value string) func(url.Values) {
		return func(q url.Values) {
			if q.Set(name, value); value == "" {
				q.Del(name)
			}
		}
	}
	idOf := func(change func(string) string) func(*http.Request, func() *http.Response) *http.Response {
		return edited(func(m map[string]any) { m["id_token"] = change(m["id_token"].(string)) })
	}
	constant := func(answer func() *http.Response) func(*http.Request, func() *http.Response) *http.Response {
		return atToken(func(func() *http.Response) *http.Response { return answer() })
	}
	for name, tt := range map[string]struct {
		query  func(url.Values)
		answer func(*http.Request, func() *http.Response) *http.Response
		flow   *latchkey.RedirectFlow
		want   error
		code   string
		unsent bool // the code never reached the service
	}{
		"state missing":        {query: set("state", ""), want: latchkey.ErrFlow, unsent: true},
		"state foreign":        {query: set("state", "c29tZWJvZHkgZWxzZSdz"), want: latchkey.ErrFlow, unsent: true},
		"state twice":          {query: func(q url.Values) { q["state"] = append(q["state"], q.Get("state")) }, want: latchkey.ErrFlow, unsent: true},
		"flow of another":      {flow: foreignFlow, want: latchkey.ErrFlow, unsent: true},
		"no flow":              {flow: new(latchkey.RedirectFlow), want: latchkey.ErrFlow, unsent: true},
		"iss wrong":            {query: set("iss", "https://evil.example"), want: latchkey.ErrFlow, unsent: true},
		"code missing":         {query: set("code", ""), want: latchkey.ErrFlow, unsent: true},
		"code twice":           {query: func(q url.Values) { q.Add("code", "x") }, want: latchkey.ErrFlow, unsent: true},
		"error and no state":   {query: func(q url.Values) { q.Set("error", "access_denied"); q.Del("state") }, want: latchkey.ErrFlow, unsent: true},
		"access denied":        {query: set("error", "access_denied"), want: latchkey.ErrDenied, code: "access_denied", unsent: true},
		"login required":       {query: set("error", "login_required"), want: latchkey.ErrSignedOut, code: "login_required", unsent: true},
		"invalid scope":        {query: set("error", "invalid_scope"), want: latchkey.ErrConfig, code: "invalid_scope", unsent: true},
		"unauthorized client":  {query: set("error", "unauthorized_client"), want: latchkey.ErrConfig, code: "unauthorized_client", unsent: true},
		"invalid request":      {query: set("error", "invalid_request"), want: latchkey.ErrInvalidParameter, code: "invalid_request", unsent: true},
		"server error":         {query: set("error", "server_error"), want: latchkey.ErrService, code: "server_error", unsent: true},
		"an unheard-of error":  {query: set("error", "ouch"), want: latchkey.ErrService, code: "ouch", unsent: true},
		"code refused":         {query: set("code", "of-nobody"), want: latchkey.ErrNotAuthorized, code: "invalid_grant"},
		"code of another flow": {query: func(q url.Values) { u, _ := url.Parse(foreignCallback); q.Set("code", u.Query().Get("code")) }, want: latchkey.ErrNotAuthorized, code: "invalid_grant"},
		"signature forged":     {answer: idOf(func(s string) string { return s[:len(s)-8] + "AAAAAAAA" }), want: latchkey.ErrFlow},
		"claim forged":         {answer: idOf(func(s string) string { return forged(s, "ann@example.com", "bob@example.com") }), want: latchkey.ErrFlow},
		"nonce forged":         {answer: idOf(func(s string) string { return forged(s, `"nonce":"`, `"nonce":"x`) }), want: latchkey.ErrFlow},
		"no ID token":          {answer: edited(func(m map[string]any) { delete(m, "id_token") }), want: latchkey.ErrConfig},
		"access for ID token":  {answer: edited(func(m map[string]any) { m["id_token"] = m["access_token"] }), want: latchkey.ErrService},
		"opaque access token":  {answer: edited(func(m map[string]any) { m["access_token"] = "opaque" }), want: latchkey.ErrService},
		"another token type":   {answer: edited(func(m map[string]any) { m["token_type"] = "DPoP" }), want: latchkey.ErrService},
		"HTML":                 {answer: constant(func() *http.Response { return page(200, "text/html", "<html>log in to the WLAN") }), want: latchkey.ErrNetwork},
		"HTML refusal":         {answer: constant(func() *http.Response { return page(400, "text/html", "<html>no") }), want: latchkey.ErrService},
		"huge":                 {answer: constant(func() *http.Response { return page(200, "application/json", strings.Repeat(" ", 1<<20)+"{}") }), want: latchkey.ErrService},
		"redirect":             {answer: constant(func() *http.Response { return page(307, "", "", "Location", "https://evil.example/") }), want: latchkey.ErrNetwork},
		"client refused":       {answer: constant(func() *http.Response { return page(401, "application/json", `{"error":"invalid_client"}`) }), want: latchkey.ErrConfig, code: "invalid_client"},
		"overloaded":           {answer: constant(func() *http.Response { return page(503, "", "") }), want: latchkey.ErrService},
		"keys not to be had": {answer: func(r *http.Request, _ func() *http.Response) *http.Response {
			if strings.HasSuffix(r.URL.Path, "jwks.json") {
				return page(502, "text/html", "")
			}
			return nil
		}, want: latchkey.ErrNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := srv.Config()
			between := &tamper{base: config.HTTPClient.Transport, answer: tt.answer, calls: map[string]int{}}
			config.HTTPClient, config.Store = &http.Client{Transport: between}, store.NewMemory()
			client := open(t, config)
			address, flow, err := client.AuthCodeURL()
			if err != nil {
				t.Fatal(err)
			}
			callback, err := url.Parse(newPerson(t).signIn(t.Context(), address))
			if err != nil {
				t.Fatal(err)
			}
			if query := callback.Query(); tt.query != nil {
				tt.query(query)
				callback.RawQuery = query.Encode()
			}
			if tt.flow != nil {
				flow = tt.flow
			}
			err = client.Exchange(t.Context(), flow, callback.String())
			if e, ok := errors.AsType[*latchkey.Error](err); !errors.Is(err, tt.want) || !ok || e.Code != tt.code || e.Hint == "" && e.Code != "" && tt.want != latchkey.ErrService {
				t.Errorf("%v, want %v %s", err, tt.want, tt.code)
			}
			if code := callback.Query().Get("code"); len(code) > 20 && strings.Contains(err.Error(), code) {
				t.Errorf("the error tells the code: %v", err)
			}
			if tt.unsent != (between.calls["token"] == 0) || between.calls["token"] > 1 {
				t.Errorf("%d calls of the token endpoint", between.calls["token"])
			}
			if _, err := client.CurrentUser(t.Context()); !errors.Is(err, latchkey.ErrSignedOut) {
				t.Errorf("CurrentUser: %v", err)
			}
			accounts, err := client.Accounts(t.Context())
			if err != nil || len(accounts) != 0 {
				t.Errorf("stored: %v, %v", accounts, err)
			}
		})
	}
}

// TestNonceOfAnother: an ID token that is good in every other way, and of another
// sign-in of the same user.
func TestNonceOfAnother(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	var first string
	config := srv.Config()
	between := &tamper{base: config.HTTPClient.Transport, calls: map[string]int{}, answer: edited(func(m map[string]any) {
		if first == "" {
			first = m["id_token"].(string)
		}
		m["id_token"] = first
	})}
	config.HTTPClient = &http.Client{Transport: between}
	client := open(t, config)
	var failed error
	for range 2 {
		address, flow, err := client.AuthCodeURL()
		if err != nil {
			t.Fatal(err)
		}
		failed = client.Exchange(t.Context(), flow, newPerson(t).signIn(t.Context(), address))
	}
	if !errors.Is(failed, latchkey.ErrFlow) || !errors.Is(failed, jwt.ErrNonce) {
		t.Errorf("%v", failed)
	}
	if n := srv.Calls("RevokeToken"); n != 1 {
		t.Errorf("%d revocations of the tokens that were thrown away", n)
	}
}

// TestRequestWasChanged: who takes nonce, state or challenge out of the address, or
// puts in his own, gets no session out of it.
func TestRequestWasChanged(t *testing.T) {
	t.Parallel()
	srv, client := service(t)
	for name, tt := range map[string]struct {
		change func(url.Values)
		served bool // the service has no reason to refuse
	}{
		"nonce missing":    {func(q url.Values) { q.Del("nonce") }, true},
		"nonce of another": {func(q url.Values) { q.Set("nonce", "of-another") }, true},
		"state missing":    {func(q url.Values) { q.Del("state") }, true},
		"state of another": {func(q url.Values) { q.Set("state", "of-another") }, true},
		"challenge of another": {func(q url.Values) {
			q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier()))
		}, true},
		"challenge missing": {func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }, false},
		"challenge plain":   {func(q url.Values) { q.Set("code_challenge_method", "plain") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, flow, err := client.AuthCodeURL()
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			tt.change(query)
			u.RawQuery = query.Encode()
			ann := newPerson(t)
			callback := ""
			if tt.served {
				callback = ann.signIn(t.Context(), u.String())
			} else {
				_, callback, _ = ann.ask(t.Context(), http.MethodGet, u.String(), nil)
			}
			if strings.Contains(callback, "code=") != tt.served {
				t.Fatalf("the service leads to %s", callback)
			}
			if err := client.Exchange(t.Context(), flow, callback); err == nil {
				t.Error("signed in")
			}
			if _, err := client.CurrentUser(t.Context()); !errors.Is(err, latchkey.ErrSignedOut) {
				t.Errorf("CurrentUser: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if n := srv.Calls("RevokeToken"); n != 2 {
			t.Errorf("%d revocations, want those of the two sessions with a wrong nonce", n)
		}
	})
}

// TestFlowIsGoodOnce, also for an answer that failed.
func TestFlowIsGoodOnce(t *testing.T) {
	t.Parallel()
	_, client := service(t)
	address, flow, err := client.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	callback := newPerson(t).signIn(t.Context(), address)
	again, err := latchkey.ParseRedirectFlow(flow.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Exchange(t.Context(), flow, callback); err != nil {
		t.Fatal(err)
	}
	for _, used := range []*latchkey.RedirectFlow{flow, again} {
		if err := client.Exchange(t.Context(), used, callback); !errors.Is(err, latchkey.ErrFlow) {
			t.Errorf("a second time: %v", err)
		}
	}
	if _, err := tokens(t, client, latchkey.ForceRefresh()); err != nil {
		t.Errorf("the session has suffered: %v", err)
	}
}

// TestExchangeSecret authenticates by Basic, and with nothing in the body.
func TestExchangeSecret(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	config := srv.Config()
	config.ClientSecret = latchkey.NewSecret("s3 cr&t")
	between := &tamper{base: config.HTTPClient.Transport, calls: map[string]int{}, answer: func(r *http.Request, _ func() *http.Response) *http.Response {
		body, _ := io.ReadAll(r.Body)
		id, secret, ok := r.BasicAuth()
		if !ok || id != config.ClientID || secret != "s3+cr%26t" || strings.Contains(string(body), "secret") {
			t.Errorf("Basic %t %q %q, body %s", ok, id, secret, body)
		}
		return page(400, "application/json", `{"error":"invalid_grant","error_description":"no\nmore"}`)
	}}
	config.HTTPClient = &http.Client{Transport: between}
	client := open(t, config)
	address, flow, err := client.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	err = client.Exchange(t.Context(), flow, "code=x&state="+u.Query().Get("state"))
	if !errors.Is(err, latchkey.ErrNotAuthorized) || !strings.Contains(err.Error(), "no more") || between.calls["token"] != 1 {
		t.Errorf("%v", err)
	}
}

// TestExchangeCancelled gives the caller his own error back.
func TestExchangeCancelled(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	ctx, cancel := context.WithCancel(t.Context())
	config := srv.Config()
	config.HTTPClient = &http.Client{Transport: &tamper{base: config.HTTPClient.Transport, calls: map[string]int{},
		answer: atToken(func(real func() *http.Response) *http.Response { cancel(); return real() })}}
	client := open(t, config)
	address, flow, err := client.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	callback := newPerson(t).signIn(t.Context(), address)
	if err := client.Exchange(ctx, flow, callback); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestClockOffAtRedirect: a machine whose clock is wrong signs in all the same.
func TestClockOffAtRedirect(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": 3 * time.Hour, "ahead": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := service(t)
			srv.Advance(off)
			address, flow, err := client.AuthCodeURL()
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Exchange(t.Context(), flow, newPerson(t).signIn(t.Context(), address)); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}
