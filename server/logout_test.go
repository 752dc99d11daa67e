package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const bye = "https://app.example.com/bye"

// signedInWithHint signs a user in, and returns the browser and the ID token.
func (w *world) signedInWithHint(name string) (*visitor, string) {
	w.t.Helper()
	v := w.visitor()
	out := w.token(w.redeemForm(v.signIn(name, nil).Get("code")))
	if out.ID == "" {
		w.t.Fatalf("no ID token: %+v", out)
	}
	return v, out.ID
}

func (v *visitor) signedIn() bool {
	v.w.t.Helper()
	answer, _ := v.authorize(map[string]string{"prompt": "none"})
	return location(v.w.t, answer).Query().Has("code")
}

// TestLogoutByHint: oidc-client-ts, react-oidc-context and mod_auth_openidc name the client
// by an ID token alone.
func TestLogoutByHint(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	for name, send := range map[string]func(*visitor, url.Values) *http.Response{
		"GET": func(v *visitor, q url.Values) *http.Response {
			answer, _ := v.get(w.base() + "/logout?" + q.Encode())
			return answer
		},
		"POST": func(v *visitor, q url.Values) *http.Response {
			answer, _ := v.post(w.base()+"/logout", q)
			if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 0 {
				t.Errorf("POST: %d %v", answer.StatusCode, answer.Header)
			}
			answer, _ = v.get(location(t, answer).String())
			return answer
		},
	} {
		for _, late := range []time.Duration{0, 2 * time.Hour} {
			v, hint := w.signedInWithHint("ann")
			if late > 0 { // an expired hint counts
				w.advance(late)
				v.signIn("ann", nil)
			}
			answer := send(v, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"s 1"}})
			if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusFound || to != bye+"?state=s+1" {
				t.Errorf("%s, %s late: %d to %q", name, late, answer.StatusCode, to)
			}
			if v.signedIn() {
				t.Errorf("%s, %s late: still signed in", name, late)
			}
		}
	}
	// Without a place to go on to, and with the client named as well.
	v, hint := w.signedInWithHint("ann")
	answer, body := v.get(w.base() + "/logout?" + url.Values{"id_token_hint": {hint}, "client_id": {w.client}}.Encode())
	wantPage(t, answer, body, http.StatusOK, "You are signed out")
}

// TestLogoutAsks: without a proof, nothing ends before the person says so, and no address
// of the request is gone to.
func TestLogoutAsks(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	w.addUser("bob")
	_, bobs := w.signedInWithHint("bob")
	stranger := oauthWorld(t, nil)
	_, foreign := stranger.signedInWithHint("ann")
	v, hint := w.signedInWithHint("ann")
	for name, query := range map[string]url.Values{
		"no hint":            {"post_logout_redirect_uri": {bye}},
		"rubbish":            {"post_logout_redirect_uri": {bye}, "id_token_hint": {"a.b.c"}},
		"another pool's":     {"post_logout_redirect_uri": {bye}, "id_token_hint": {foreign}},
		"damaged":            {"post_logout_redirect_uri": {bye}, "id_token_hint": {changedAt(hint, len(hint)-20)}},
		"of another user":    {"post_logout_redirect_uri": {bye}, "id_token_hint": {bobs}},
		"rubbish, no target": {"id_token_hint": {"a.b.c"}},
	} {
		answer, _ := v.get(w.base() + "/logout?" + query.Encode())
		to := location(t, answer)
		if !strings.HasSuffix(to.Path, "/signOut") || to.RawQuery != "" || len(answer.Cookies()) != 0 {
			t.Errorf("%s: to %s", name, to)
		}
		answer, body := v.get(to.String())
		wantPage(t, answer, body, http.StatusOK, "Sign out?")
		if !v.signedIn() {
			t.Fatalf("%s: signed out without being asked", name)
		}
	}
	for name, query := range map[string]url.Values{
		"hint of another client": {"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}, "id_token_hint": {hint}},
		"unregistered address":   {"post_logout_redirect_uri": {"https://evil.example/"}, "id_token_hint": {hint}},
		"two hints":              {"post_logout_redirect_uri": {bye}, "id_token_hint": {hint, hint}},
	} {
		answer, _ := v.get(w.base() + "/logout?" + query.Encode())
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || !v.signedIn() {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	answer, _ := v.post(w.base()+"/signOut", nil)
	if to := location(t, answer); answer.StatusCode != http.StatusSeeOther || !strings.HasSuffix(to.Path, "/signedOut") {
		t.Errorf("after the answer: %d to %s", answer.StatusCode, to)
	}
	if v.signedIn() {
		t.Error("still signed in")
	}
	answer, body := v.get(w.base() + "/logout?" + url.Values{"post_logout_redirect_uri": {bye}}.Encode())
	wantPage(t, answer, body, http.StatusOK, "You are signed out")
}
