package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// twoWorlds are a service and another one at which its users sign in.
func twoWorlds(t *testing.T) (w, idp *world) {
	t.Helper()
	w = federatedWorld(t, nil)
	idp = newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		withOAuth(p, c)
		c.GenerateSecret = true
		c.CallbackURLs = []string{w.base() + "/oauth2/idpresponse/Other"}
	})
	idp.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"},
		wire.AttributeType{Name: "name", Value: "Ann <b>&\"'"})
	secret := must[wire.DescribeUserPoolClientResponse](idp, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: idp.pool, ClientId: idp.client}).UserPoolClient.ClientSecret
	w.trust("Other", wire.ProviderOIDC, wire.Parameters{
		"client_id": idp.client, "client_secret": string(secret), "attributes_request_method": "GET",
		"oidc_issuer": idp.server.Issuer(idp.pool), "authorize_scopes": "openid email profile",
	}, map[string]string{"email": "email", "email_verified": "email_verified", "name": "name"})
	return w, idp
}

// through goes from the client over the other service's login page and back.
func through(t *testing.T, w, idp *world, v *visitor) url.Values {
	t.Helper()
	to := v.leave("Other", nil)
	if !strings.HasPrefix(to.String(), idp.base()+"/oauth2/authorize?") || to.Query().Get("code_challenge_method") != "S256" || to.Query().Get("nonce") == "" {
		t.Fatalf("sent to %s", to)
	}
	answer, _ := v.get(to.String())
	there := location(t, answer)
	if strings.HasSuffix(there.Path, "/login") {
		answer, body := v.post(there.String(), url.Values{"username": {"ann"}, "password": {password}})
		if answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("the other login page: %d %s", answer.StatusCode, body)
		}
		there = location(t, answer)
	}
	if !strings.HasPrefix(there.String(), w.base()+"/oauth2/idpresponse/Other?") {
		t.Fatalf("back to %s", there)
	}
	answer, body := v.get(there.String())
	if answer.StatusCode != http.StatusFound {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	return location(t, answer).Query()
}

// TestSignInAtAnotherLatchkey: a person of another service's is a user of this one,
// with a session of this one that refreshes like any other.
func TestSignInAtAnotherLatchkey(t *testing.T) {
	t.Parallel()
	w, idp := twoWorlds(t)
	v := w.visitor()
	back := through(t, w, idp, v)
	if back.Get("state") != "s t&a=te" || back.Get("iss") != w.server.Issuer(w.pool) {
		t.Fatalf("answer %v", back)
	}
	out := w.token(w.redeemForm(back.Get("code")))
	if out.Status != http.StatusOK || out.Refresh == "" {
		t.Fatalf("token: %+v", out)
	}
	sub := idp.users()["ann"]
	username := "Other_" + valueOf(sub, "sub")
	id := pooltest.AllClaims(t, wire.Sensitive(out.ID))
	if id["cognito:username"] != username || id["nonce"] != "n-1" || id["email"] != "ann@example.com" || id["email_verified"] != true || id["iss"] != w.server.Issuer(w.pool) {
		t.Errorf("ID token %v", id)
	}
	identities, _ := id["identities"].([]any)
	if len(identities) != 1 {
		t.Fatalf("identities %v", id["identities"])
	}
	one, _ := identities[0].(map[string]any)
	if one["userId"] != valueOf(sub, "sub") || one["providerName"] != "Other" || one["providerType"] != "OIDC" || one["primary"] != "true" || one["issuer"] != nil {
		t.Errorf("identity %v", one)
	}
	if date, ok := one["dateCreated"].(string); !ok || len(date) != 13 {
		t.Errorf("dateCreated %v", one["dateCreated"])
	}
	if groups, _ := id["cognito:groups"].([]any); len(groups) != 1 || groups[0] != w.pool+"_Other" {
		t.Errorf("groups %v", id["cognito:groups"])
	}
	user := w.users()[username]
	if user.UserStatus != wire.UserStatusExternalProvider || valueOf(user, "name") != "Ann <b>&\"'" ||
		!strings.Contains(valueOf(user, "identities"), `"primary":true`) {
		t.Errorf("user %+v", user)
	}
	if fresh, err := w.refresh(wire.Sensitive(out.Refresh)); err != nil || pooltest.AllClaims(t, fresh.IdToken)["cognito:username"] != username {
		t.Errorf("refresh: %v", err)
	}
	if asked := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {w.client}, "refresh_token": {out.Refresh}}); asked.Status != http.StatusOK {
		t.Errorf("refresh by the token endpoint: %+v", asked)
	}
	// With prompt=none the browser session answers; any other request that names the
	// provider leads to it.
	answer, _ := v.authorize(map[string]string{"identity_provider": "Other", "prompt": "none"})
	if to := location(t, answer); !strings.HasPrefix(to.String(), callback+"?code=") {
		t.Errorf("a second time, without a page, to %s", to)
	}
	answer, _ = v.authorize(map[string]string{"identity_provider": "Other"})
	if to := location(t, answer); !strings.HasPrefix(to.String(), idp.url) {
		t.Errorf("a second time to %s", to)
	}
}

// TestSignInElsewhereAgain: a second sign-in is the same user, brought up to date.
func TestSignInElsewhereAgain(t *testing.T) {
	t.Parallel()
	w, idp := twoWorlds(t)
	w.changeClient(func(c *wire.UserPoolClientSettings) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	})
	through(t, w, idp, w.visitor())
	before := w.users()
	must[wire.AdminUpdateUserAttributesResponse](idp, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: idp.pool, Username: "ann", UserAttributes: []wire.AttributeType{{Name: "email", Value: "ann@new.example"}, {Name: "name", Value: "Ann II"}},
	})
	through(t, w, idp, w.visitor())
	after := w.users()
	if len(before) != 1 || len(after) != 1 {
		t.Fatalf("users %v, then %v", before, after)
	}
	for name, user := range after {
		if valueOf(user, "sub") != valueOf(before[name], "sub") || valueOf(user, "email") != "ann@new.example" || valueOf(user, "name") != "Ann II" {
			t.Errorf("user %+v", user)
		}
		if got := valueOf(user, "email_verified"); got != "false" {
			t.Errorf("the new address is verified: %q", got)
		}
		// No password, and no way to one.
		_, err := w.withPassword(name, password)
		wantException(t, err, wire.UserNotFoundException, wire.UserNotFound().Message)
		_, _, err = w.startSRP(name)
		wantException(t, err, wire.UserNotFoundException, wire.UserNotFound().Message)
		_, err = call[wire.ForgotPasswordResponse](w, "ForgotPassword", &wire.ForgotPasswordRequest{ClientId: w.client, Username: name})
		wantException(t, err, wire.UserNotFoundException, wire.MessageUsernameClientNotFound)
	}
}

// otherWorld is a service with a provider that the test plays.
func otherWorld(t *testing.T, mapping map[string]string, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) (*world, *elsewhere) {
	t.Helper()
	w, e := federatedWorld(t, change), newElsewhere(t)
	w.trust("Other", wire.ProviderOIDC, e.details(), mapping)
	return w, e
}

// changedAt is a text with another letter at a place.
func changedAt(text string, at int) string {
	letter := "A"
	if text[at] == 'A' {
		letter = "B"
	}
	return text[:at] + letter + text[at+1:]
}

// TestStateOfASignInElsewhere: an answer counts once, in the browser that asked.
func TestStateOfASignInElsewhere(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	good := func(v *visitor) url.Values {
		to := v.leave("Other", nil)
		e.says(e.Token("u-1", map[string]any{"nonce": to.Query().Get("nonce")}))
		return url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}
	}
	for name, test := range map[string]func(v *visitor) *visitor{
		"another browser": func(*visitor) *visitor { return w.visitor() },
		"a browser with an attempt of its own": func(*visitor) *visitor {
			other := w.visitor()
			other.leave("Other", nil)
			return other
		},
	} {
		v := w.visitor()
		query := good(v)
		if answer, _ := test(v).comeBack(query); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	v := w.visitor()
	query := good(v)
	for name, bad := range map[string]url.Values{
		"no state":        {"code": {"c-1"}},
		"empty state":     {"code": {"c-1"}, "state": {""}},
		"made up":         {"code": {"c-1"}, "state": {"x"}},
		"changed":         {"code": {"c-1"}, "state": {changedAt(query.Get("state"), 40)}},
		"cut off":         {"code": {"c-1"}, "state": {query.Get("state")[:60]}},
		"two states":      {"code": {"c-1"}, "state": {query.Get("state"), query.Get("state")}},
		"two codes":       {"code": {"c-1", "c-2"}, "state": {query.Get("state")}},
		"error, no state": {"error": {"access_denied"}},
	} {
		if answer, _ := v.comeBack(bad); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	if got := v.outcome(query); got.Get("code") == "" {
		t.Errorf("the good one: %v", got)
	}
	if answer, _ := v.comeBack(query); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("used: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	late := w.visitor()
	query = good(late)
	w.advance(11 * time.Minute)
	if answer, _ := late.comeBack(query); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("late: %d", answer.StatusCode)
	}
	// Another pool's state is none here.
	other := federatedWorld(t, nil)
	other.trust("Other", wire.ProviderOIDC, e.details(), nil)
	query = good(other.visitor())
	if answer, _ := w.visitor().comeBack(query); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("another service's state: %d", answer.StatusCode)
	}
	if got := len(w.users()); got != 1 {
		t.Errorf("%d users", got)
	}
}

// TestReturnByPost: Apple posts its answer. It becomes a GET, which has the cookie.
func TestReturnByPost(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	v := w.visitor()
	to := v.leave("Other", nil)
	e.says(e.Token("u-1", map[string]any{"nonce": to.Query().Get("nonce")}))
	answer, _ := v.post(w.base()+"/oauth2/idpresponse/Other", url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}, "user": {`{"name":"x"}`}})
	next := location(t, answer)
	if answer.StatusCode != http.StatusSeeOther || next.Query().Has("user") {
		t.Fatalf("%d to %s", answer.StatusCode, next)
	}
	answer, _ = v.get(next.String())
	if back := location(t, answer); back.Query().Get("code") == "" {
		t.Errorf("back to %s", back)
	}
	long := url.Values{"code": {strings.Repeat("x", 20<<10)}, "state": {"x"}}
	if answer, _ := v.post(w.base()+"/oauth2/idpresponse", long); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("long answer by POST: %d to a place of %d bytes", answer.StatusCode, len(answer.Header.Get("Location")))
	}
	if answer, _ := v.get(w.base() + "/oauth2/idpresponse?" + strings.Repeat("x", 20<<10)); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("long query: %d", answer.StatusCode)
	}
}

// TestFirstSignInsElsewhereAtOnce: however many, they make one user.
func TestFirstSignInsElsewhereAtOnce(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, map[string]string{"name": "name"}, nil)
	const n = 12
	nonces := make(map[string]string)
	var mu sync.Mutex
	e.token.Store(handle(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		nonce := nonces[r.PostForm.Get("code")]
		mu.Unlock()
		(*replies(http.StatusOK, `{"access_token":"a","id_token":"`+e.Token("u-1", map[string]any{"nonce": nonce, "name": nonce})+`"}`))(rw, r)
	}))
	queries, visitors := make([]url.Values, n), make([]*visitor, n)
	for i := range n {
		visitors[i] = w.visitor()
		to := visitors[i].leave("Other", nil)
		code := "c-" + string(rune('a'+i))
		nonces[code] = to.Query().Get("nonce")
		queries[i] = url.Values{"code": {code}, "state": {to.Query().Get("state")}}
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if got := visitors[i].outcome(queries[i]); got.Get("code") == "" {
				t.Errorf("sign-in %d: %v", i, got)
			}
		})
	}
	wg.Wait()
	if users := w.users(); len(users) != 1 {
		t.Errorf("%d users", len(users))
	}
}

// TestProviderSettingsSealed: the secret is not in the store in the clear, and its
// owner sees it.
func TestProviderSettingsSealed(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	err := w.store.View(t.Context(), func(tx storage.Tx) error {
		p, err := tx.Providers.IdentityProvider(w.pool, "Other")
		if strings.Contains(string(p.Settings), "s3cret") {
			t.Errorf("stored: %s", p.Settings)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := must[wire.DescribeIdentityProviderResponse](w, "DescribeIdentityProvider", &wire.DescribeIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"}).IdentityProvider
	if shown.ProviderDetails["client_secret"] != "s3cret" || shown.ProviderDetails["oidc_issuer"] != e.Issuer || shown.AttributeMapping["username"] != "sub" {
		t.Errorf("described: %v", map[string]string(shown.ProviderDetails))
	}
	if strings.Contains(w.log.String(), "s3cret") {
		t.Error("the log has the secret")
	}
}
