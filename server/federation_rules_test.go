package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestAnswersOfProviders: the client learns why a sign-in at a provider failed, no user is
// made, and nobody is signed in.
func TestAnswersOfProviders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(e *elsewhere, nonce string)
		query  url.Values // more of what the browser brings back
		want   string     // error and the beginning of its description
	}{
		"forged": {func(e *elsewhere, nonce string) {
			e.says(e.Signed(testKeys()[1], "u-1", map[string]any{"nonce": nonce}))
		}, nil, "invalid_request: Bad id_token"},
		"subject with a format character": {func(e *elsewhere, nonce string) {
			e.says(e.Token("ann\u200b", map[string]any{"nonce": nonce}))
		}, nil, "invalid_request: The identity provider's name for the user is longer than"},
		"subject with spaces": {func(e *elsewhere, nonce string) {
			e.says(e.Token("ann lee", map[string]any{"nonce": nonce}))
		}, nil, "invalid_request: The identity provider's name for the user is longer than"},
		"down":      {func(e *elsewhere, _ string) { e.endpoints.Close() }, nil, "temporarily_unavailable: Timeout occurred in calling IdP token endpoint"},
		"cancelled": {nil, url.Values{"code": nil, "error": {"access_denied"}}, "access_denied: the sign-in was canceled at the identity provider"},
		"error": {nil, url.Values{"error": {"server\"\\_error\r\nX: y"}, "error_description": {"<script>ä\x00"}},
			"invalid_request: Other Error - server''_error X: y <script>"},
		"no code":          {nil, url.Values{"code": nil}, "invalid_request: Other Error - no code in its answer"},
		"another's answer": {nil, url.Values{"iss": {"https://evil.example"}}, "invalid_request: Other Error - the answer is another provider's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := otherWorld(t, nil, nil)
			v := w.visitor()
			to := v.leave("Other", nil)
			if test.answer != nil {
				test.answer(e, to.Query().Get("nonce"))
			} else {
				e.says(e.Token("u-1", map[string]any{"nonce": to.Query().Get("nonce")}))
			}
			query := url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}
			maps.Copy(query, test.query)
			got := v.outcome(query)
			if text := got.Get("error") + ": " + got.Get("error_description"); !strings.HasPrefix(text, test.want) || got.Has("code") || got.Get("state") != "s t&a=te" {
				t.Errorf("%v, want %s", got, test.want)
			}
			if n := len(w.users()); n != 0 {
				t.Errorf("%d users were made", n)
			}
			if answer, _ := v.authorize(map[string]string{"prompt": "none"}); !strings.Contains(answer.Header.Get("Location"), "login_required") {
				t.Errorf("somebody is signed in: %s", answer.Header.Get("Location"))
			}
		})
	}
}

// TestLeavingForAProvider: what the provider is asked.
func TestLeavingForAProvider(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	v := w.visitor()
	to := v.leave("Other", map[string]string{"login_hint": "ann@example.com", "prompt": "login", "max_age": "300"})
	q := to.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "app", "redirect_uri": w.base() + "/oauth2/idpresponse/Other", "scope": "openid email",
		"login_hint": "ann@example.com", "prompt": "login", "max_age": "300", "tenant": "1", "code_challenge_method": "S256",
	} {
		if q.Get(name) != want || len(q[name]) != 1 {
			t.Errorf("%s: %v, want %s", name, q[name], want)
		}
	}
	if to.Host != "login.example.com" || q.Get("nonce") == "n-1" || strings.Contains(to.String(), w.client) {
		t.Errorf("sent to %s", to)
	}
	e.says(e.Token("u-1", map[string]any{"nonce": q.Get("nonce")}))
	if got := v.outcome(url.Values{"code": {"c-1"}, "state": {q.Get("state")}}); !got.Has("code") {
		t.Errorf("outcome %v", got)
	}
	if got := challengeOf(e.form.Load().Get("code_verifier")); got != q.Get("code_challenge") || e.form.Load().Get("redirect_uri") != q.Get("redirect_uri") || e.form.Load().Get("client_secret") != "s3cret" {
		t.Errorf("redeemed by %v", *e.form.Load())
	}
	answer, _ := w.visitor().authorize(nil)
	if _, page := w.visitor().get(location(t, answer).String()); !strings.Contains(page, "/oauth2/authorize?") || !strings.Contains(page, "identity_provider=Other") {
		t.Errorf("the page does not offer it: %s", page)
	}
	// By its identifier; and by itself where it is the client's only one.
	byID := w.visitor().leave("", map[string]string{"idp_identifier": "other.example.com"})
	w.changeClient(func(c *wire.UserPoolClientSettings) { c.SupportedIdentityProviders = []string{"Other"} })
	alone := w.visitor().leave("", nil)
	for _, to := range []*url.URL{byID, alone} {
		if to.Host != "login.example.com" {
			t.Errorf("sent to %s", to)
		}
	}
	answer, _ = w.visitor().authorize(map[string]string{"identity_provider": "Nobody"})
	if got := location(t, answer).Query().Get("error"); got != "invalid_request" {
		t.Errorf("unknown provider: %s", got)
	}
	answer, _ = w.visitor().authorize(map[string]string{"state": strings.Repeat("x", 4096)})
	if got := location(t, answer).Query().Get("error_description"); !strings.Contains(got, "too long") {
		t.Errorf("long state: %s", got)
	}
	answer, _ = w.visitor().authorize(map[string]string{"prompt": "none"})
	if got := location(t, answer).Query().Get("error"); got != "login_required" {
		t.Errorf("prompt none: %s", got)
	}
}

// TestProviderUnreachable: a provider that is down when the person leaves, or is
// where no provider may be.
func TestProviderUnreachable(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	e.Discovery.Store(replies(503, ""))
	answer, _ := w.visitor().authorize(map[string]string{"identity_provider": "Other"})
	if got := location(t, answer).Query().Get("error"); got != "temporarily_unavailable" {
		t.Errorf("down: %s", got)
	}
	closed := newWorldOf(t, withOAuth, nil)
	_, err := call[wire.CreateIdentityProviderResponse](closed, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
		UserPoolId: closed.pool, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: e.details(),
	})
	if err == nil || !strings.Contains(err.Error(), "must be https") {
		t.Errorf("http on a service that admits none: %v", err)
	}
}

// TestDisabledUserAndDeletedProvider checks that the client gets an error for both, and that
// both end the sessions that depend on them.
func TestDisabledUserAndDeletedProvider(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	out := w.token(w.redeemForm(w.visitor().visit(e, "u-1", nil).Get("code")))
	late := w.visitor()
	to := late.leave("Other", nil)
	must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "Other_u-1"})
	if got := w.visitor().visit(e, "u-1", nil); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "disabled") {
		t.Errorf("disabled: %v", got)
	}
	if _, err := w.refresh(wire.Sensitive(out.Refresh)); err == nil {
		t.Error("a disabled user refreshes")
	}
	out = w.token(w.redeemForm(w.visitor().visit(e, "u-2", nil).Get("code")))
	must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"})
	if got := late.outcome(url.Values{"code": {"c"}, "state": {to.Query().Get("state")}}); got.Get("error") != "invalid_request" {
		t.Errorf("deleted meanwhile: %v", got)
	}
	answer, _ := w.visitor().authorize(map[string]string{"identity_provider": "Other"})
	if got := location(t, answer).Query().Get("error"); got != "invalid_request" {
		t.Errorf("deleted: %s", got)
	}
	answer, _ = w.visitor().authorize(nil)
	if _, page := w.visitor().get(location(t, answer).String()); strings.Contains(page, "identity_provider=Other") {
		t.Error("the page still offers it")
	}
	_, err := w.refresh(wire.Sensitive(out.Refresh))
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
}

// TestAttributeMapping: claims become attributes by the pool's rules, or nobody is
// signed in.
func TestAttributeMapping(t *testing.T) {
	t.Parallel()
	mapping := map[string]string{"email": "email", "email_verified": "email_verified", "name": "name", "custom:groups": "groups", "custom:level": "level"}
	for name, test := range map[string]struct {
		claims map[string]any
		want   map[string]string // nil is refused
	}{
		"kinds":            {map[string]any{"name": "Ann", "groups": []string{"a", "b"}, "level": 12345678901234567, "email": "a@example.com", "email_verified": true}, map[string]string{"name": "Ann", "custom:groups": `["a","b"]`, "custom:level": "12345678901234567", "email": "a@example.com", "email_verified": "true"}},
		"verified as text": {map[string]any{"email": "a@example.com", "email_verified": "true"}, map[string]string{"email_verified": "true"}},
		"unverified":       {map[string]any{"email": "a@example.com"}, map[string]string{"email": "a@example.com", "email_verified": "false"}},
		"verified nothing": {map[string]any{"email_verified": true}, map[string]string{"email": "", "email_verified": ""}},
		"not mapped":       {map[string]any{"given_name": "Ann", "identities": "[]", "sub2": "x"}, map[string]string{"given_name": "", "name": ""}},
		"null and empty":   {map[string]any{"name": "", "groups": nil}, map[string]string{"name": "", "custom:groups": ""}},
		"odd but text":     {map[string]any{"name": "<img src=x onerror=alert(1)>\u202e\x00 ' OR 1=1 --"}, map[string]string{"name": "<img src=x onerror=alert(1)>\u202e\x00 ' OR 1=1 --"}},
		"name too long":    {map[string]any{"name": strings.Repeat("x", 2049)}, nil},
		"no email address": {map[string]any{"email": "a@b@c"}, nil},
		"two addresses":    {map[string]any{"email": "a@example.com, b@example.com"}, nil},
		"no flag":          {map[string]any{"email": "a@example.com", "email_verified": "maybe"}, nil},
		"no number":        {map[string]any{"level": "NaN"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := otherWorld(t, mapping, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
				p.Schema = []wire.SchemaAttributeType{{Name: "groups", AttributeDataType: "String"}, {Name: "level", AttributeDataType: "Number"}}
			})
			got := w.visitor().visit(e, "u-1", test.claims)
			user, made := w.users()["Other_u-1"]
			if test.want == nil {
				if got.Get("error") != "invalid_request" || made {
					t.Errorf("%v; user %+v", got, user)
				}
				return
			}
			if !got.Has("code") {
				t.Fatalf("%v", got)
			}
			for name, want := range test.want {
				if have := valueOf(user, name); have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
		})
	}
}

// TestMappingFromBeforeStays: a mapping of an immutable and of a developer-only attribute
// that an earlier version accepted signs people in, may be sent again, and sets the
// immutable attribute once.
func TestMappingFromBeforeStays(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, map[string]string{"name": "name"}, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.Schema = []wire.SchemaAttributeType{
			{Name: "id", AttributeDataType: "String", Mutable: new(false)}, {Name: "role", AttributeDataType: "String", DeveloperOnlyAttribute: new(true)},
		}
	})
	mapping := map[string]string{"username": "sub", "name": "name", "custom:id": "id", "dev:custom:role": "role"}
	w.mapFromBefore(mapping)
	for _, id := range []string{"1", "2"} {
		if got := w.visitor().visit(e, "u-1", map[string]any{"name": "Ann " + id, "id": id, "role": "admin"}); !got.Has("code") {
			t.Errorf("%v", got)
		}
		user := w.users()["Other_u-1"]
		if valueOf(user, "name") != "Ann "+id || valueOf(user, "custom:id") != "1" || valueOf(user, "dev:custom:role") != "" {
			t.Errorf("user %+v", user)
		}
	}
	update := func() error {
		_, err := call[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other", AttributeMapping: mapping})
		return err
	}
	if err := update(); err != nil {
		t.Errorf("sent again: %v", err)
	}
	mapping["custom:id"] = "sub"
	if err := update(); !wire.IsException(err, wire.InvalidParameterException) {
		t.Errorf("another claim: %v", err)
	}
}

// mapFromBefore gives the provider a mapping without the checks of today.
func (w *world) mapFromBefore(mapping map[string]string) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx storage.Tx) error {
		p, err := tx.Providers.IdentityProvider(w.pool, "Other")
		if err != nil {
			return err
		}
		var settings map[string]any
		if err := json.Unmarshal(p.Settings, &settings); err != nil {
			return err
		}
		settings["Mapping"] = mapping
		if p.Settings, err = json.Marshal(settings); err != nil {
			return err
		}
		return tx.Providers.Update(p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestFlagIsForItsAddress: a provider's flag for an address that the user does not have, as
// the user's is immutable, does not verify the user's.
func TestFlagIsForItsAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"x@corp.example": "false", "ann@example.com": "true"} {
		w, e := otherWorld(t, nil, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
			p.Schema = []wire.SchemaAttributeType{{Name: "email", AttributeDataType: "String", Mutable: new(false)}}
		})
		w.mapFromBefore(map[string]string{"username": "sub", "email": "email", "email_verified": "email_verified"})
		w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "false"})
		if err := w.link(native("ann"), foreign("u-1")); err != nil {
			t.Fatal(err)
		}
		if got := w.visitor().visit(e, "u-1", map[string]any{"email": address, "email_verified": true}); !got.Has("code") {
			t.Errorf("%s: %v", address, got)
		}
		if user := w.users()["ann"]; valueOf(user, "email") != "ann@example.com" || valueOf(user, "email_verified") != want {
			t.Errorf("%s: %+v", address, user)
		}
	}
}

// TestNobodyIsJoinedByEmail: an address that somebody has makes nobody them.
func TestNobodyIsJoinedByEmail(t *testing.T) {
	t.Parallel()
	mapping := map[string]string{"email": "email", "email_verified": "email_verified", "preferred_username": "preferred_username"}
	claimed := map[string]any{"email": "ann@example.com", "email_verified": true}
	for name, change := range map[string]func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest){
		"plain": nil,
		"alias": func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
			p.AliasAttributes = []string{"email", "preferred_username"}
		},
		"contact": func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
			p.UsernameAttributes = []string{"email"}
		},
	} {
		w, e := otherWorld(t, mapping, change)
		own := "ann"
		if name == "contact" {
			own = "ann@example.com"
		}
		w.addUser(own, wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"})
		if got := w.visitor().visit(e, "u-1", claimed); !got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
		if n := len(w.users()); n != 2 {
			t.Errorf("%s: %d users", name, n)
		}
		// The owner signs in as before, and nobody by the other's name.
		w.signIn(own)
		if name == "alias" {
			w.signIn("ann@example.com")
		}
	}
}

// TestMappedAttributesAreWritable: by the client, or nobody signs in.
func TestMappedAttributesAreWritable(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, map[string]string{"name": "name", "email": "email"}, nil)
	w.changeClient(func(c *wire.UserPoolClientSettings) { c.WriteAttributes = []string{"email"} })
	if got := w.visitor().visit(e, "u-1", map[string]any{"name": "Ann"}); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "name") {
		t.Errorf("%v", got)
	}
	w.changeClient(func(c *wire.UserPoolClientSettings) { c.WriteAttributes = []string{"email", "name"} })
	if got := w.visitor().visit(e, "u-1", map[string]any{"name": "Ann"}); !got.Has("code") {
		t.Errorf("%v", got)
	}
}

// TestUserInfoVerifiesItsOwnAddress: email_verified of userinfo counts for the address
// that userinfo has, and for no other one in the ID token.
func TestUserInfoVerifiesItsOwnAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims      map[string]any
		info        string
		email, flag string
	}{
		"another address":    {map[string]any{"email": "victim@example.com"}, `{"sub":"u-1","email":"x@example.com","email_verified":true}`, "victim@example.com", "false"},
		"no address":         {map[string]any{"email": "victim@example.com"}, `{"sub":"u-1","email_verified":true}`, "victim@example.com", "false"},
		"flag without email": {map[string]any{"email_verified": true}, `{"sub":"u-1","email":"victim@example.com"}`, "victim@example.com", "false"},
		"same address":       {map[string]any{"email": "ann@example.com"}, `{"sub":"u-1","email":"ann@example.com","email_verified":true}`, "ann@example.com", "true"},
		"all in userinfo":    {nil, `{"sub":"u-1","email":"ann@example.com","email_verified":true}`, "ann@example.com", "true"},
		"all in the token":   {map[string]any{"email": "ann@example.com", "email_verified": true}, `{"sub":"u-1"}`, "ann@example.com", "true"},
	} {
		w, e := otherWorld(t, map[string]string{"email": "email", "email_verified": "email_verified"}, nil)
		e.metadata["userinfo_endpoint"] = e.endpoints.URL + "/info"
		e.info.Store(replies(200, test.info))
		if got := w.visitor().visit(e, "u-1", test.claims); !got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
		user := w.users()["Other_u-1"]
		if valueOf(user, "email") != test.email || valueOf(user, "email_verified") != test.flag {
			t.Errorf("%s: email %q, verified %q", name, valueOf(user, "email"), valueOf(user, "email_verified"))
		}
	}
}

// TestSocialProviders: the two without an ID token, and Apple's client secret.
func TestSocialProviders(t *testing.T) {
	t.Parallel()
	for kind, subject := range map[string]string{wire.ProviderFacebook: "id", wire.ProviderAmazon: "user_id"} {
		w, e := federatedWorld(t, nil), newElsewhere(t)
		w.trust(kind, kind, wire.Parameters{
			"client_id": "app", "client_secret": "s3cret", "authorize_url": "https://social.example.com/authorize",
			"token_url": e.endpoints.URL + "/token", "attributes_url": e.endpoints.URL + "/info",
		}, map[string]string{"email": "email"})
		e.token.Store(replies(200, `{"access_token":"at-2","token_type":"bearer","expires_in":3600}`))
		e.info.Store(replies(200, `{"`+subject+`":"10159","email":"ann@example.com"}`))
		v := w.visitor()
		to := v.leave(kind, nil)
		if to.Host != "social.example.com" || to.Query().Has("nonce") {
			t.Errorf("%s: sent to %s", kind, to)
		}
		if got := v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}); !got.Has("code") {
			t.Errorf("%s: %v", kind, got)
		}
		if user, ok := w.users()[strings.ToLower(kind)+"_10159"]; !ok || valueOf(user, "email") != "ann@example.com" {
			t.Errorf("%s: users %v", kind, w.users())
		}
		for value, good := range map[string]bool{`10159`: true, `true`: false, `{"a":1}`: false, `["10159"]`: false, `1e3`: false, `null`: false} {
			e.info.Store(replies(200, `{"`+subject+`":`+value+`}`))
			to := v.leave(kind, map[string]string{"prompt": "login"})
			got := v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}})
			if got.Has("code") != good || len(w.users()) != 1 {
				t.Errorf("%s, %s %s: %v", kind, subject, value, got)
			}
		}
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w, e := federatedWorld(t, nil), newElsewhere(t)
	w.trust(wire.ProviderApple, wire.ProviderApple, wire.Parameters{
		"client_id": "app", "team_id": "TEAM", "key_id": "KEY", "authorize_scopes": "email", "oidc_issuer": e.Issuer,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, map[string]string{"email": "email"})
	v := w.visitor()
	to := v.leave(wire.ProviderApple, nil)
	e.says(e.Token("001.abc", map[string]any{"nonce": to.Query().Get("nonce"), "email": "ann@example.com"}))
	if got := v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}); !got.Has("code") || to.Query().Get("response_mode") != "form_post" || to.Query().Get("scope") != "openid email" {
		t.Errorf("Apple: %v after %s", got, to)
	}
	parts := strings.Split(e.form.Load().Get("client_secret"), ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var said map[string]any
	if err := json.Unmarshal(payload, &said); err != nil || said["iss"] != "TEAM" || said["sub"] != "app" || said["aud"] != e.Issuer {
		t.Errorf("client secret says %s", payload)
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the client secret is not signed with the key")
	}
}

// TestAtADomain: on a host of the pool's own, the provider comes back to that host.
func TestAtADomain(t *testing.T) {
	t.Parallel()
	w, _ := otherWorld(t, nil, nil)
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{UserPoolId: w.pool, Domain: "acme"})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/oauth2/authorize?"+w.query(map[string]string{"identity_provider": "Other"}).Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "acme.localhost:1"
	answer, _ := w.visitor().read(r)
	public, _ := url.Parse(w.url)
	if got := location(t, answer).Query().Get("redirect_uri"); got != "http://acme.localhost:"+public.Port()+"/oauth2/idpresponse/Other" {
		t.Errorf("comes back to %s", got)
	}
}
