package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// addToGroup puts a user into a new group without a role.
func (w *world) addToGroup(user, name string) {
	w.t.Helper()
	must[wire.CreateGroupResponse](w, "CreateGroup", &wire.CreateGroupRequest{UserPoolId: w.pool, GroupName: name})
	must[wire.AdminAddUserToGroupResponse](w, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{UserPoolId: w.pool, Username: user, GroupName: name})
}

// apiScopes are the scopes of tokens for the OAuth endpoints and the user's own operations.
var apiScopes = map[string]string{"scope": "openid email aws.cognito.signin.user.admin"}

// withLongestTokens puts a user into groups until the ID token is at most ten bytes shorter
// than the bound.
func (w *world) withLongestTokens(user string) answered {
	w.t.Helper()
	tokens := w.codeTokens(user, apiScopes)
	for n := 0; ; n++ {
		room := (wire.MaxToken-len(tokens.ID))*3/4 - len(`"",`) - 3 // bytes of a name; 3 for the first group's own member and rounding
		if n == 0 {
			room -= len(`"cognito:groups":[]`)
		}
		if room < 4 {
			return tokens
		}
		// Three bytes each: Cognito counts characters.
		name := fmt.Sprintf("%03d", n)
		if full := strings.Repeat("語", 125); room >= len(full)+3+4 {
			name += full
		} else {
			name += strings.Repeat("語", (room-3)/3)
		}
		w.addToGroup(user, name)
		tokens = w.codeTokens(user, apiScopes)
	}
}

// TestLongestToken: the service takes every token that it issues, in all places.
func TestLongestToken(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	tokens := w.withLongestTokens("ann")
	if n := len(tokens.ID); n > wire.MaxToken || n < wire.MaxToken-20 {
		t.Fatalf("the ID token has %d bytes", n)
	}
	if _, err := jwt.Decode(tokens.ID); err != nil {
		t.Error(err)
	}
	w.url = "http://" + serveOn(t, w.server) // with the bounds of Serve
	if status, got, _ := w.userInfo(tokens.Access); status != http.StatusOK || got["username"] != "ann" {
		t.Errorf("userInfo: %d %v", status, got)
	}
	if _, err := w.getUser(wire.Sensitive(tokens.Access)); err != nil {
		t.Errorf("GetUser: %v", err)
	}
	if out := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {tokens.Refresh}}); out.Status != http.StatusOK || len(out.ID) < wire.MaxToken-100 {
		t.Errorf("refresh: %d %s", out.Status, out.Text)
	}
	v := w.visitor()
	v.signIn("ann", nil)
	over := map[string]string{"prompt": "none", "id_token_hint": tokens.ID, "state": strings.Repeat("s", 2000)}
	if answer, _ := v.authorize(over); leadsTo(t, answer) != "code" {
		t.Errorf("the longest id_token_hint leads to %s", leadsTo(t, answer))
	}
	over["id_token_hint"] += strings.Repeat("A", 100)
	if answer, body := v.authorize(over); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a longer id_token_hint: %d %s", answer.StatusCode, body)
	}
	query := url.Values{"id_token_hint": {tokens.ID}, "post_logout_redirect_uri": {bye}}
	answer, _ := v.post(w.base()+"/logout", query)
	if to := location(t, answer); to.Query().Get("id_token_hint") != tokens.ID {
		t.Errorf("a logout by POST: %d to %s", answer.StatusCode, to.Path)
	}
	if answer, _ = v.get(w.base() + "/logout?" + query.Encode()); answer.Header.Get("Location") != bye {
		t.Errorf("a logout: %d", answer.StatusCode)
	}
	if answer, _ = v.get(w.base() + "/logout?" + strings.Repeat("x", 100<<10)); answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("100 KiB of headers: %d", answer.StatusCode)
	}
	must[wire.GlobalSignOutResponse](w, "GlobalSignOut", &wire.GlobalSignOutRequest{AccessToken: wire.Sensitive(tokens.Access)})
}

// TestTooLongTokenIsNotIssued: the sign-in is refused by name, a refresh is refused without
// an end of the session, and a code stays good.
func TestTooLongTokenIsNotIssued(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, nil)
	code := w.visitor().signIn("ann", apiScopes).Get("code")
	before := w.signIn("ann")
	tokens := w.withLongestTokens("ann")
	w.addToGroup("ann", strings.Repeat("g", 128))

	wantRefused := func(what string, err error) {
		t.Helper()
		if !wire.IsException(err, wire.InvalidUserPoolConfigurationException) || !strings.Contains(fmt.Sprint(err), "at most 50000") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := w.withPassword("ann", password)
	wantRefused("sign-in", err)
	_, err = w.withSRP("ann", password)
	wantRefused("sign-in with SRP", err)
	_, err = w.refresh(before.RefreshToken)
	wantRefused("GetTokensFromRefreshToken", err)
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {tokens.Refresh}}
	for what, form := range map[string]url.Values{"code": w.redeemForm(code), "refresh token": refresh} {
		if out := w.token(form); out.Status != http.StatusInternalServerError || out.Error != "server_error" || !strings.Contains(out.Text, "at most 50000") {
			t.Errorf("%s: %d %s %s", what, out.Status, out.Error, out.Text)
		}
	}
	if !strings.Contains(w.log.String(), "too long to be issued") {
		t.Error("the log does not say so")
	}

	// Two groups, because the tokens of the API have all attributes.
	for _, group := range []string{strings.Repeat("g", 128), "000" + strings.Repeat("語", 125)} {
		must[wire.AdminRemoveUserFromGroupResponse](w, "AdminRemoveUserFromGroup", &wire.AdminRemoveUserFromGroupRequest{
			UserPoolId: w.pool, Username: "ann", GroupName: group,
		})
	}
	if _, err := w.refresh(before.RefreshToken); err != nil {
		t.Errorf("GetTokensFromRefreshToken with fewer groups: %v", err)
	}
	for what, form := range map[string]url.Values{"code": w.redeemForm(code), "refresh token": refresh} {
		if out := w.token(form); out.Status != http.StatusOK {
			t.Errorf("%s with fewer groups: %d %s", what, out.Status, out.Text)
		}
	}
}

// TestTooLongTokenOfImplicitGrant: the client is told what is wrong, and not to sign the
// person in again.
func TestTooLongTokenOfImplicitGrant(t *testing.T) {
	t.Parallel()
	w := oauthWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.AllowedOAuthFlows = []string{"implicit"}
	})
	for i := range 100 {
		w.addToGroup("ann", fmt.Sprintf("%03d", i)+strings.Repeat("語", 125))
	}
	back := w.visitor().signIn("ann", map[string]string{"response_type": "token", "code_challenge": "", "code_challenge_method": ""})
	if back.Get("error") != "server_error" || !strings.Contains(back.Get("error_description"), "at most 50000") {
		t.Errorf("leads back with %v", back)
	}
}
