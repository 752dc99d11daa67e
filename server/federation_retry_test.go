package server_test

import (
	"net/url"
	"testing"
)

// TestRotatedProviderKey: an ID token of a key that the provider rotated seconds after
// its keys were fetched signs the person in.
func TestRotatedProviderKey(t *testing.T) {
	t.Parallel()
	for _, pinned := range []bool{false, true} {
		w, e := federatedWorld(t, nil), newElsewhere(t)
		details := e.details()
		if pinned {
			details["authorize_url"], details["token_url"], details["jwks_uri"] = "https://login.example.com/authorize", e.endpoints.URL+"/token", e.Web.URL+"/keys"
		}
		w.trust("Other", "OIDC", details, nil)
		for _, kid := range []string{"provider-key", "next", "after-next"} {
			e.UseKeyID(kid)
			if got := w.visitor().visit(e, "u-1", nil); !got.Has("code") {
				t.Errorf("pinned %v, key %s: %v", pinned, kid, got)
			}
		}
	}
}

// TestTemporaryFailureKeepsAttempt: after a failure that passes, the person may go back
// to the provider and come again with the same state. After one that is final, or after
// success, the state is used up.
func TestTemporaryFailureKeepsAttempt(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(e *elsewhere, token string){
		"key not published yet": func(e *elsewhere, token string) {
			e.says(token)
			e.Keys.Store(replies(200, `{"keys":[]}`))
		},
		"keys down":           func(e *elsewhere, token string) { e.says(token); e.Keys.Store(replies(503, "")) },
		"token endpoint down": func(e *elsewhere, _ string) { e.token.Store(replies(503, "")) },
	} {
		w, e := otherWorld(t, nil, nil)
		w.visitor().visit(e, "u-0", nil) // the keys were fetched
		e.UseKeyID("next")
		v := w.visitor()
		left := v.leave("Other", nil).Query()
		token := e.Token("u-1", map[string]any{"nonce": left.Get("nonce")})
		query := url.Values{"code": {"c-1"}, "state": {left.Get("state")}}
		fail(e, token)
		if got := v.outcome(query); got.Get("error") != "temporarily_unavailable" || len(w.users()) != 1 {
			t.Errorf("%s: %v, %d users", name, got, len(w.users()))
		}
		if name == "keys down" {
			continue // which are not fetched again for a while
		}
		e.says(token)
		e.Keys.Store(nil)
		query.Set("code", "c-2")
		if got := v.outcome(query); !got.Has("code") {
			t.Errorf("%s, again: %v", name, got)
		}
		if answer, _ := v.comeBack(query); answer.StatusCode != 400 {
			t.Errorf("%s, after success: %d", name, answer.StatusCode)
		}
	}
	w, e := otherWorld(t, nil, nil)
	v := w.visitor()
	query := url.Values{"code": {"c-1"}, "state": {v.leave("Other", nil).Query().Get("state")}}
	e.token.Store(replies(503, ""))
	for range 5 {
		if got := v.outcome(query); got.Get("error") != "temporarily_unavailable" {
			t.Errorf("within the bound: %v", got)
		}
	}
	if answer, _ := v.comeBack(query); answer.StatusCode != 400 {
		t.Errorf("beyond the bound: %d", answer.StatusCode)
	}
	v = w.visitor()
	query.Set("state", v.leave("Other", nil).Query().Get("state"))
	e.token.Store(replies(400, ""))
	if got := v.outcome(query); got.Get("error") != "invalid_request" {
		t.Errorf("a final refusal: %v", got)
	}
	if answer, _ := v.comeBack(query); answer.StatusCode != 400 {
		t.Errorf("after a final refusal: %d", answer.StatusCode)
	}
}
