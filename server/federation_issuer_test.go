package server_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// updateProvider replaces the details of the provider Other.
func (w *world) updateProvider(details wire.Parameters) {
	w.t.Helper()
	must[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{
		UserPoolId: w.pool, ProviderName: "Other", ProviderDetails: details,
	})
}

// replaceProvider deletes the provider Other and creates it again.
func (w *world) replaceProvider(details wire.Parameters) {
	w.t.Helper()
	must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"})
	must[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
		UserPoolId: w.pool, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: details,
	})
}

// former are the details of a provider that moved there from another issuer.
func former(e, before *elsewhere) wire.Parameters {
	details := e.details()
	details["former_issuers"] = "https://older.example.com, " + before.Issuer
	return details
}

// nameOf signs a subject in and returns its user name here.
func (w *world) nameOf(e *elsewhere, subject string) string {
	w.t.Helper()
	out := w.token(w.redeemForm(w.visitor().visit(e, subject, nil).Get("code")))
	name, _ := pooltest.AllClaims(w.t, wire.Sensitive(out.ID))["cognito:username"].(string)
	return name
}

// forgetSettings takes members out of the pool's stored settings.
func (w *world) forgetSettings(names ...string) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx storage.Tx) error {
		pool, err := tx.Pools.Pool(w.pool)
		if err != nil {
			return err
		}
		var settings map[string]json.RawMessage
		if err := json.Unmarshal(pool.Settings, &settings); err != nil {
			return err
		}
		for _, name := range names {
			delete(settings, name)
		}
		if pool.Settings, err = json.Marshal(settings); err != nil {
			return err
		}
		pool.ModifiedAt = pool.ModifiedAt.Add(1000)
		return tx.Pools.Update(pool)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// forgetIssuers makes the store what an earlier version left: identities without an
// issuer, and a pool that has noted none.
func (w *world) forgetIssuers() {
	w.t.Helper()
	w.forgetSettings("LegacyIssuers")
	err := w.store.Update(w.t.Context(), func(tx storage.Tx) error {
		users, err := tx.Users.List(w.pool, storage.UserFilter{}, storage.UserCursor{}, 100)
		for _, user := range users {
			if user.Attributes["identities"] == "" {
				continue
			}
			var list []map[string]any
			if err := json.Unmarshal([]byte(user.Attributes["identities"]), &list); err != nil {
				return err
			}
			user.Logins = user.Logins[:1]
			for _, one := range list {
				one["issuer"] = nil
				user.Logins = append(user.Logins, "identity:"+url.QueryEscape(one["providerName"].(string))+":"+one["userId"].(string))
			}
			text, err := json.Marshal(list)
			if err != nil {
				return err
			}
			user.Attributes["identities"] = string(text)
			if err := tx.Users.Update(user); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestSubjectOfAnotherIssuer: a subject of another issuer under the same provider name
// is a new user, never the one that the old issuer's subject was linked to.
func TestSubjectOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, *elsewhere){
		"deleted and created": func(w *world, e *elsewhere) { w.replaceProvider(e.details()) },
		"updated":             func(w *world, e *elsewhere) { w.updateProvider(e.details()) },
	} {
		for _, before := range []bool{false, true} {
			w, e := otherWorld(t, nil, nil)
			next := newElsewhere(t)
			w.addUser("ann")
			if err := w.link(native("ann"), foreign("L1")); err != nil {
				t.Fatal(err)
			}
			first := w.nameOf(e, "u-1")
			if linked := w.nameOf(e, "L1"); linked != "ann" || first != "Other_u-1" {
				t.Fatalf("%s: signed in as %q and %q", name, linked, first)
			}
			if before {
				w.forgetIssuers()
				if linked := w.nameOf(e, "L1"); linked != "ann" {
					t.Errorf("%s, identities from before: %q", name, linked)
				}
			}
			change(w, next)
			if got := w.nameOf(next, "L1"); got != "Other_L1" {
				t.Errorf("%s, from before %v: the subject of another issuer is %q", name, before, got)
			}
			if got := w.nameOf(next, "u-1"); got == first || !strings.HasPrefix(got, "Other_u-1_") {
				t.Errorf("%s, from before %v: the subject of another issuer is %q", name, before, got)
			}
			// The first issuer again: its users are who they were.
			change(w, e)
			if linked, got := w.nameOf(e, "L1"), w.nameOf(e, "u-1"); linked != "ann" || got != first {
				t.Errorf("%s, from before %v: back at the first issuer %q and %q", name, before, linked, got)
			}
		}
	}
}

// TestMovedIssuer: an administrator says that an issuer only moved; its users are who
// they were, for as long as that is said.
func TestMovedIssuer(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{false, true} {
		w, e := otherWorld(t, nil, nil)
		moved := newElsewhere(t)
		w.addUser("ann")
		if err := w.link(native("ann"), foreign("L1")); err != nil {
			t.Fatal(err)
		}
		first := w.nameOf(e, "u-1")
		if before {
			w.forgetIssuers()
		}
		w.updateProvider(former(moved, e))
		for range 2 {
			if linked, got := w.nameOf(moved, "L1"), w.nameOf(moved, "u-1"); linked != "ann" || got != first {
				t.Errorf("from before %v: %q and %q", before, linked, got)
			}
		}
		if err := w.link(foreign("u-1"), foreign("L1")); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("from before %v: an identity was linked twice: %v", before, err)
		}
		must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("L1"))})
		if got := valueOf(w.users()["ann"], "identities"); got != "" {
			t.Errorf("from before %v: still linked: %s", before, got)
		}
		w.updateProvider(moved.details())
		if got := w.nameOf(moved, "u-1"); got == first {
			t.Errorf("from before %v: %q although the issuer is another one", before, got)
		}
	}
	w, e := otherWorld(t, nil, nil)
	for _, bad := range []string{"idp.example.com", "ftp://x", strings.Repeat("https://a ", 11)} {
		details := e.details()
		details["former_issuers"] = bad
		_, err := call[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other", ProviderDetails: details})
		if !wire.IsException(err, wire.InvalidParameterException) || !strings.Contains(err.Error(), "former_issuers") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestIssuerOfIdentities: administrators see the issuer; the ID token and userinfo keep
// null, as Cognito has it.
func TestIssuerOfIdentities(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	out := w.token(w.redeemForm(w.visitor().visit(e, "u-1", nil).Get("code")))
	identities, _ := pooltest.AllClaims(t, wire.Sensitive(out.ID))["identities"].([]any)
	if one, _ := identities[0].(map[string]any); len(identities) != 1 || one["issuer"] != nil {
		t.Errorf("ID token: %v", identities)
	}
	if got := valueOf(w.users()["Other_u-1"], "identities"); !strings.Contains(got, `"issuer":"`+e.Issuer+`"`) {
		t.Errorf("attribute: %s", got)
	}
	v := w.visitor()
	to := v.leave("Other", map[string]string{"scope": "openid"})
	e.says(e.Token("u-1", map[string]any{"nonce": to.Query().Get("nonce")}))
	out = w.token(w.redeemForm(v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}).Get("code")))
	_, info, _ := w.userInfo(out.Access)
	if text, _ := info["identities"].(string); !strings.Contains(text, `"issuer":null`) || !strings.Contains(text, `"userId":"u-1"`) {
		t.Errorf("userinfo: %v", info)
	}
}

// TestSocialIssuers checks that users of providers without an iss are found after an
// upgrade, after a change of the endpoints, and after the provider was created again.
func TestSocialIssuers(t *testing.T) {
	t.Parallel()
	w, e := federatedWorld(t, nil), newElsewhere(t)
	details := func(version string) wire.Parameters {
		return wire.Parameters{
			"client_id": "app", "client_secret": "s3cret", "api_version": version, "authorize_url": "https://social.example.com/authorize",
			"token_url": e.endpoints.URL + "/token", "attributes_url": e.endpoints.URL + "/info",
		}
	}
	w.trust(wire.ProviderFacebook, wire.ProviderFacebook, details("v20.0"), nil)
	e.token.Store(replies(200, `{"access_token":"at-2","token_type":"bearer","expires_in":3600}`))
	e.info.Store(replies(200, `{"id":"10159"}`))
	signIn := func() {
		t.Helper()
		v := w.visitor()
		to := v.leave(wire.ProviderFacebook, nil)
		if got := v.outcome(url.Values{"code": {"c-1"}, "state": {to.Query().Get("state")}}); !got.Has("code") || len(w.users()) != 1 {
			t.Errorf("%v, %d users", got, len(w.users()))
		}
	}
	signIn()
	w.forgetIssuers()
	signIn()
	must[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: wire.ProviderFacebook, ProviderDetails: details("v21.0")})
	signIn()
	must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: wire.ProviderFacebook})
	must[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
		UserPoolId: w.pool, ProviderName: wire.ProviderFacebook, ProviderType: wire.ProviderFacebook, ProviderDetails: details("v21.0"),
	})
	signIn()
	bad := details("v21.0")
	bad["former_issuers"] = "https://old.example.com"
	_, err := call[wire.UpdateIdentityProviderResponse](w, "UpdateIdentityProvider", &wire.UpdateIdentityProviderRequest{UserPoolId: w.pool, ProviderName: wire.ProviderFacebook, ProviderDetails: bad})
	if !wire.IsException(err, wire.InvalidParameterException) {
		t.Errorf("former_issuers of Facebook: %v", err)
	}
}

// TestPoolUpdateKeepsLegacyIssuers: a change of the pool's settings does not forget whose
// the identities from before are.
func TestPoolUpdateKeepsLegacyIssuers(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	first := w.nameOf(e, "u-1")
	w.forgetIssuers()
	next := newElsewhere(t)
	w.replaceProvider(next.details())
	must[wire.UpdateUserPoolResponse](w, "UpdateUserPool", &wire.UpdateUserPoolRequest{UserPoolId: w.pool})
	if got := w.nameOf(next, "u-1"); got == first {
		t.Errorf("signed in as %s", got)
	}
	w.replaceProvider(e.details())
	if got := w.nameOf(e, "u-1"); got != first {
		t.Errorf("signed in as %s, want %s", got, first)
	}
}

// TestProviderDeletedBefore: identities of a provider that was deleted before the issuer
// was kept belong to no issuer, as the next provider of that name may be any. An
// administrator links the user again.
func TestProviderDeletedBefore(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	first := w.nameOf(e, "u-1")
	must[wire.DeleteIdentityProviderResponse](w, "DeleteIdentityProvider", &wire.DeleteIdentityProviderRequest{UserPoolId: w.pool, ProviderName: "Other"})
	w.forgetIssuers()
	must[wire.CreateIdentityProviderResponse](w, "CreateIdentityProvider", &wire.CreateIdentityProviderRequest{
		UserPoolId: w.pool, ProviderName: "Other", ProviderType: wire.ProviderOIDC, ProviderDetails: e.details(),
	})
	if err := w.link(native(first), foreign("u-2")); err != nil {
		t.Fatal(err)
	}
	if got := w.nameOf(e, "u-2"); got != first {
		t.Errorf("linked again: %s", got)
	}
	if got := w.nameOf(e, "u-1"); !strings.HasPrefix(got, first+"_") {
		t.Errorf("not linked: %s", got)
	}
}
