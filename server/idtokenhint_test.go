package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

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

// TestAuthorizeHonorsIDTokenHint: the browser's session answers only for the user that
// id_token_hint names, so that a silent renewal cannot change the user of an application.
func TestAuthorizeHonorsIDTokenHint(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	w.addUser("bob")
	_, bobs := w.signedInWithHint("bob")
	stranger := oauthWorld(t, nil)
	_, foreign := stranger.signedInWithHint("ann")
	v, own := w.signedInWithHint("ann")
	first := w.client
	w.client = w.addClient("other")
	_, otherClients := w.signedInWithHint("ann")
	w.client = first
	for name, test := range map[string]struct{ hint, silent, plain string }{
		"no hint":          {"", "code", "code"},
		"own":              {own, "code", "code"},
		"another user's":   {bobs, "login_required", "login"},
		"another client's": {otherClients, "login_required", "login"},
		"another pool's":   {foreign, "login_required", "login"},
		"damaged":          {changedAt(own, len(own)-20), "login_required", "login"},
		"rubbish":          {"a.b.c", "login_required", "login"},
	} {
		answer, _ := v.authorize(map[string]string{"id_token_hint": test.hint, "prompt": "none"})
		if got := leadsTo(t, answer); got != test.silent {
			t.Errorf("%s, prompt=none: %s, want %s", name, got, test.silent)
		}
		answer, _ = v.authorize(map[string]string{"id_token_hint": test.hint})
		if got := leadsTo(t, answer); got != test.plain {
			t.Errorf("%s: %s, want %s", name, got, test.plain)
		}
		if to := location(t, answer); to.Query().Has("id_token_hint") {
			t.Errorf("%s: the hint is handed on to %s", name, to)
		}
	}
	query := w.query(map[string]string{"prompt": "none"})
	query["id_token_hint"] = []string{own, own}
	answer, _ := v.get(w.base() + "/oauth2/authorize?" + query.Encode())
	if got := leadsTo(t, answer); got != "invalid_request" {
		t.Errorf("two hints: %s", got)
	}
	if answer, _ := w.visitor().authorize(map[string]string{"id_token_hint": own, "prompt": "none"}); leadsTo(t, answer) != "login_required" {
		t.Errorf("without a session: %s", leadsTo(t, answer))
	}
}

// TestAuthorizeTakesExpiredIDTokenHint: an application that was not used for a while sends
// an ID token that has expired.
func TestAuthorizeTakesExpiredIDTokenHint(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	v, own := w.signedInWithHint("ann")
	w.advance(2 * time.Hour)
	v.signIn("ann", nil)
	if answer, _ := v.authorize(map[string]string{"id_token_hint": own, "prompt": "none"}); leadsTo(t, answer) != "code" {
		t.Errorf("leads to %s", leadsTo(t, answer))
	}
}

// addClient creates another client of the pool.
func (w *world) addClient(name string) string {
	w.t.Helper()
	request := &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: name}
	withOAuth(nil, request)
	return must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", request).UserPoolClient.ClientId
}
