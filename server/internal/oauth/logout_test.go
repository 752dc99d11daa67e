package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestLogoutAsOpenIDConnectHasIt: the parameters of RP-Initiated Logout lead to the
// same places, with the client's state.
func TestLogoutAsOpenIDConnectHasIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
	v.signIn("ann", nil)
	bye, withQuery := "https://app.example.com/bye", "https://app.example.com/bye?a=1"
	for _, bad := range []url.Values{
		{"client_id": {h.client}, "post_logout_redirect_uri": {bye, bye}},
		{"client_id": {h.client}, "post_logout_redirect_uri": {bye}, "logout_uri": {bye}},
		{"client_id": {h.client}, "post_logout_redirect_uri": {bye + "/"}},
		{"client_id": {h.client}, "post_logout_redirect_uri": {callback}},
		{"client_id": {h.client}, "post_logout_redirect_uri": {bye}, "state": {"a", "b"}},
		{"client_id": {h.client}, "post_logout_redirect_uri": {bye}, "state": {strings.Repeat("a", 5000)}},
		{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}},
		{"logout_uri": {bye}, "id_token_hint": {"a.b.c"}},
	} {
		answer, _ := v.get(h.base() + "/logout?" + bad.Encode())
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%v: %d to %q", bad, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	for want, query := range map[string]url.Values{
		bye:                         {"post_logout_redirect_uri": {bye}},
		bye + "?state=s+t%26a%3Dte": {"post_logout_redirect_uri": {bye}, "state": {"s t&a=te"}, "id_token_hint": {"a.b.c"}},
		withQuery + "&state=x":      {"post_logout_redirect_uri": {withQuery}, "state": {"x"}},
		"http://127.0.0.1:81/bye":   {"logout_uri": {"http://127.0.0.1:81/bye"}, "state": {"x"}},
	} {
		v.signIn("ann", map[string]string{"prompt": "login"})
		query.Set("client_id", h.client)
		answer, _ := v.get(h.base() + "/logout?" + query.Encode())
		if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != want {
			t.Errorf("%v: %d to %q, want %q", query, answer.StatusCode, answer.Header.Get("Location"), want)
		}
		if answer, _ := v.authorize(nil); !strings.HasSuffix(location(t, answer).Path, "/login") {
			t.Errorf("%v: still signed in", query)
		}
	}
}

// TestLogoutHints: an ID token names the client and the user; without such a proof the
// person is asked.
func TestLogoutHints(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	v := h.visitor()
	v.signIn("ann", nil)
	for name, test := range map[string]struct {
		query  url.Values
		status int
		to     string // suffix
	}{
		"no hint":             {url.Values{"post_logout_redirect_uri": {bye}}, 302, "/signOut"},
		"another user's":      {url.Values{"post_logout_redirect_uri": {bye}, "id_token_hint": {h.client + "/sub-bob"}}, 302, "/signOut"},
		"another client's":    {url.Values{"client_id": {h.client}, "id_token_hint": {"other/sub-ann"}}, 400, ""},
		"two hints":           {url.Values{"id_token_hint": {"a/b", "a/b"}}, 400, ""},
		"another address":     {url.Values{"post_logout_redirect_uri": {"https://evil.example/"}, "id_token_hint": {h.client + "/sub-ann"}}, 400, ""},
		"a callback, refused": {url.Values{"client_id": {h.client}, "response_type": {"code"}, "redirect_uri": {"https://evil.example/"}}, 400, ""},
	} {
		answer, _ := v.get(h.base() + "/logout?" + test.query.Encode())
		if to := answer.Header.Get("Location"); answer.StatusCode != test.status || !strings.HasSuffix(to, test.to) || test.to == "" && to != "" || len(answer.Cookies()) != 0 {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, to)
		}
	}
	if answer, _ := v.authorize(nil); leadsTo(t, answer) != "code" {
		t.Fatal("a refused logout ended the session")
	}
	answer, _ := v.post(h.base()+"/logout", url.Values{"post_logout_redirect_uri": {bye}, "id_token_hint": {h.client + "/sub-ann"}, "state": {"s 1"}})
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 0 {
		t.Fatalf("POST: %d %v", answer.StatusCode, answer.Header)
	}
	answer, _ = v.get(location(t, answer).String())
	if to := answer.Header.Get("Location"); to != bye+"?state=s+1" {
		t.Errorf("to %q", to)
	}
	if answer, _ := v.authorize(nil); leadsTo(t, answer) != "login" {
		t.Error("still signed in")
	}
	answer, body := v.get(h.base() + "/logout?" + url.Values{"post_logout_redirect_uri": {bye}}.Encode())
	if answer.StatusCode != http.StatusOK || !strings.Contains(body, "signed out") {
		t.Errorf("without a session: %d %s", answer.StatusCode, body)
	}
	answer, _ = v.get(h.base() + "/logout?" + h.query(nil).Encode())
	if to := location(t, answer); to.Path != "/"+h.pool+"/login" || to.Query().Get("redirect_uri") != callback {
		t.Errorf("to the login page: %s", to)
	}
}
