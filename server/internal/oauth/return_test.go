package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
)

// corporate is a client whose users sign in at the provider Corp only.
func corporate(c *oauth.Client) { c.Providers = []string{"Corp"} }

// leave begins a sign-in at Corp and returns the state.
func (v *visitor) leave(over map[string]string) string {
	v.h.t.Helper()
	answer, body := v.authorize(over)
	to := location(v.h.t, answer)
	if to.Host != "idp.example.com" {
		v.h.t.Fatalf("%d to %s: %s", answer.StatusCode, to, body)
	}
	return to.Query().Get("state")
}

// comeBack sends an answer to Corp's redirect URI.
func (v *visitor) comeBack(answer url.Values) (*http.Response, string) {
	v.h.t.Helper()
	return v.get(v.h.base() + "/oauth2/idpresponse/Corp?" + answer.Encode())
}

// TestSignInElsewhere: the sign-in ends at the client with a code, and the browser has a
// session that answers the next request of the same provider without a page.
func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, corporate)
	v := h.visitor()
	state := v.leave(map[string]string{"login_hint": "ann@example.com"})
	began := h.elsewhere.began
	if began.Redirect != h.base()+"/oauth2/idpresponse/Corp" || began.LoginHint != "ann@example.com" || len(began.Verifier) < 43 || began.Nonce == "" || began.State != state {
		t.Errorf("attempt %+v", began)
	}
	answer, body := v.post(h.base()+"/oauth2/idpresponse/Corp", url.Values{"code": {"good ann"}, "state": {state}, "id_token": {"x"}})
	to := location(t, answer)
	if answer.StatusCode != http.StatusSeeOther || to.Query().Has("id_token") {
		t.Fatalf("a posted answer: %d to %s %s", answer.StatusCode, to, body)
	}
	answer, _ = v.get(to.String())
	back := location(t, answer).Query()
	if back.Get("state") != "s t&a=te" || back.Get("code") == "" {
		t.Fatalf("back with %v", back)
	}
	if out := h.token(h.redeemForm(back.Get("code"))); out.Access != "access ann" {
		t.Errorf("%v", out)
	}
	answer, _ = v.authorize(map[string]string{"identity_provider": "Corp", "prompt": "none"})
	if got := leadsTo(t, answer); got != "code" {
		t.Errorf("the session leads to %s", got)
	}
	v.leave(map[string]string{"identity_provider": "Corp"}) // with a page, the provider is asked again
}

// TestAnswersRefused: an answer counts once, in the browser that began the sign-in, at the
// redirect URI of its provider.
func TestAnswersRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, corporate)
	v := h.visitor()
	state := v.leave(nil)
	good := url.Values{"code": {"good ann"}, "state": {state}}
	for name, send := range map[string]func() (*http.Response, string){
		"another browser": func() (*http.Response, string) { return h.visitor().comeBack(good) },
		"another redirect URI": func() (*http.Response, string) {
			return v.get(h.base() + "/oauth2/idpresponse/Evil?" + good.Encode())
		},
		"the shared redirect URI": func() (*http.Response, string) { return v.get(h.base() + "/oauth2/idpresponse?" + good.Encode()) },
		"no segment":              func() (*http.Response, string) { return v.get(h.base() + "/oauth2/idpresponse/a%2fb?" + good.Encode()) },
		"no state":                func() (*http.Response, string) { return v.comeBack(url.Values{"code": {"good ann"}}) },
		"a changed state": func() (*http.Response, string) {
			return v.comeBack(url.Values{"code": {"good ann"}, "state": {"A" + state}})
		},
		"two states": func() (*http.Response, string) {
			return v.comeBack(url.Values{"code": {"good ann"}, "state": {state, state}})
		},
		"a flood": func() (*http.Response, string) {
			return v.comeBack(url.Values{"code": {strings.Repeat("x", 21<<10)}, "state": {state}})
		},
		"a posted flood": func() (*http.Response, string) {
			return v.post(h.base()+"/oauth2/idpresponse/Corp", url.Values{"code": {strings.Repeat("x", 21<<10)}, "state": {state}})
		},
		"a broken query": func() (*http.Response, string) { return v.get(h.base() + "/oauth2/idpresponse/Corp?code=%zz") },
		"no form":        func() (*http.Response, string) { return v.post(h.base()+"/oauth2/idpresponse/Corp?x=1", good) },
	} {
		answer, body := send()
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || len(answer.Cookies()) != 0 {
			t.Errorf("%s: %d to %q %s", name, answer.StatusCode, answer.Header.Get("Location"), body)
		}
	}
	if answer, body := v.comeBack(good); leadsTo(t, answer) != "code" {
		t.Errorf("the good answer: %d %s", answer.StatusCode, body)
	}
	if answer, _ := v.comeBack(good); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the same answer again: %d", answer.StatusCode)
	}
	late := v.leave(map[string]string{"prompt": "login"})
	h.advance(11 * time.Minute)
	if answer, _ := v.comeBack(url.Values{"code": {"good ann"}, "state": {late}}); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("after ten minutes: %d", answer.StatusCode)
	}
}

// TestFailuresElsewhere: the client learns why the sign-in failed, and a failure that
// passes does not use the attempt up.
func TestFailuresElsewhere(t *testing.T) {
	t.Parallel()
	changed := func() (oauth.Route, error) { return oauth.Route{Own: "Corp", Binding: "2"}, nil }
	ambiguous := func() (oauth.Route, error) { return oauth.Route{Own: "Corp", Binding: "1", Ambiguous: true}, nil }
	for name, test := range map[string]struct {
		answer url.Values
		finish error
		route  func() (oauth.Route, error)
		code   string
		again  bool // the same answer succeeds once the failure has passed
	}{
		"cancelled":        {answer: url.Values{"error": {"access_denied"}}, code: "access_denied"},
		"another error":    {answer: url.Values{"error": {"server_error"}, "error_description": {"x"}}, code: "invalid_request"},
		"no code":          {answer: url.Values{}, code: "invalid_request"},
		"a bad code":       {answer: url.Values{"code": {"bad"}}, code: "invalid_request"},
		"not admitted":     {finish: errors.New("the disk is full of secrets"), code: "server_error", again: true},
		"unreachable":      {finish: &federation.Error{Description: "Corp does not answer", Temporary: true}, code: "temporarily_unavailable", again: true},
		"changed settings": {route: changed, code: "invalid_request"},
		"mixed up":         {route: ambiguous, code: "invalid_request"},
		"no route":         {route: func() (oauth.Route, error) { return oauth.Route{}, errors.New("secrets") }, code: "server_error", again: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, corporate)
			v := h.visitor()
			state := v.leave(nil)
			if test.answer == nil {
				test.answer = url.Values{"code": {"good ann"}}
			}
			test.answer.Set("state", state)
			h.elsewhere.finish, h.elsewhere.route = test.finish, test.route
			answer, _ := v.comeBack(test.answer)
			to := location(t, answer)
			if !strings.HasPrefix(to.String(), callback+"?") || to.Query().Get("error") != test.code || strings.Contains(to.String(), "secrets") || to.Query().Get("state") != "s t&a=te" {
				t.Errorf("to %s, want %s", to, test.code)
			}
			h.elsewhere.finish, h.elsewhere.route = nil, nil
			answer, _ = v.comeBack(test.answer)
			if again := strings.Contains(answer.Header.Get("Location"), "code="); again != test.again || h.elsewhere.released > 0 != test.again {
				t.Errorf("once more: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
			}
		})
	}
}

// TestDeparturesRefused: what keeps a browser from leaving for a provider.
func TestDeparturesRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, corporate)
	for name, test := range map[string]struct {
		over  map[string]string
		route func() (oauth.Route, error)
		code  string
	}{
		"an endless state": {map[string]string{"state": strings.Repeat("x", 4096), "login_hint": strings.Repeat("y", 256), "nonce": strings.Repeat("n", 512)}, nil, "invalid_request"},
		"no route":         {nil, func() (oauth.Route, error) { return oauth.Route{}, errors.New("secrets") }, "server_error"},
		"ambiguous":        {nil, func() (oauth.Route, error) { return oauth.Route{Own: "Corp", Shared: true, Ambiguous: true}, nil }, "invalid_request"},
		"silent":           {map[string]string{"prompt": "none"}, nil, "login_required"},
	} {
		h.elsewhere.route = test.route
		answer, _ := h.visitor().authorize(test.over)
		if got := leadsTo(t, answer); got != test.code || strings.Contains(answer.Header.Get("Location"), "secrets") {
			t.Errorf("%s: %s, want %s", name, got, test.code)
		}
	}
	none := newHarnessOf(t, corporate, func(c *oauth.Config) { c.Elsewhere = nil })
	if answer, _ := none.visitor().authorize(nil); leadsTo(t, answer) != "invalid_request" {
		t.Errorf("without providers: %s", leadsTo(t, answer))
	}
}
