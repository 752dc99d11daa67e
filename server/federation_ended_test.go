package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestSessionsEndWhenClientDropsProvider: a client that lets a provider's users in no longer
// signs them out of itself. Sessions of passwords and of other clients go on.
func TestSessionsEndWhenClientDropsProvider(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	w.addUser("ann")
	if err := w.link(native("ann"), foreign("u-1")); err != nil {
		t.Fatal(err)
	}
	redeemed := func(v *visitor) wire.Sensitive {
		t.Helper()
		out := w.token(w.redeemForm(v.visit(e, "u-1", nil).Get("code")))
		if out.Refresh == "" {
			t.Fatalf("%+v", out)
		}
		return wire.Sensitive(out.Refresh)
	}
	out := w.token(w.redeemForm(w.visitor().visit(e, "u-1", nil).Get("code")))
	own, page := w.signIn("ann"), w.visitor()
	w.signInAtPool(page)
	code := w.visitor().visit(e, "u-1", nil).Get("code")

	first := w.client
	settings := must[wire.DescribeUserPoolClientResponse](w, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: w.pool, ClientId: first}).UserPoolClient.UserPoolClientSettings
	w.client = must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
		UserPoolId: w.pool, ClientName: "second", UserPoolClientSettings: settings,
	}).UserPoolClient.ClientId
	second, elsewhere := w.client, redeemed(w.visitor())
	w.client = first

	// A change of anything else ends nothing.
	w.changeClient(func(c *wire.UserPoolClientSettings) {
		c.LogoutURLs = append(c.LogoutURLs, "https://app.example.com/out")
	})
	if _, err := w.refresh(wire.Sensitive(out.Refresh)); err != nil {
		t.Fatalf("after another change: %v", err)
	}
	w.changeClient(func(c *wire.UserPoolClientSettings) {
		c.SupportedIdentityProviders = slices.DeleteFunc(c.SupportedIdentityProviders, func(name string) bool { return name == "Other" })
	})
	if got := w.token(w.redeemForm(code)); got.Status != http.StatusBadRequest || got.Refresh != "" {
		t.Errorf("a code from before: %+v", got)
	}
	w.changeClient(func(c *wire.UserPoolClientSettings) { // what has ended does not come back
		c.SupportedIdentityProviders = append(c.SupportedIdentityProviders, "Other")
	})
	_, err := w.refresh(wire.Sensitive(out.Refresh))
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	if answer, _ := w.visitor().userInfo(out.Access); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo: %d", answer.StatusCode)
	}
	if _, err := w.refresh(own.RefreshToken); err != nil {
		t.Errorf("the session of a password: %v", err)
	}
	if answer, _ := page.authorize(nil); !location(t, answer).Query().Has("code") {
		t.Error("the browser's session of a password has ended")
	}
	w.client = second
	if _, err := w.refresh(elsewhere); err != nil {
		t.Errorf("the session of another client: %v", err)
	}
}

// TestBrowserSessionEndsWithIdentity: of a user with two identities at a provider, the
// session of the one that is disabled ends.
func TestBrowserSessionEndsWithIdentity(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	w.addUser("ann")
	browsers := map[string]*visitor{"u-1": w.visitor(), "u-2": w.visitor()}
	codes := map[string]string{}
	for sub, v := range browsers {
		if err := w.link(native("ann"), foreign(sub)); err != nil {
			t.Fatal(err)
		}
		codes[sub] = v.visit(e, sub, nil).Get("code")
	}
	must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-1"))})
	for sub, v := range browsers {
		answer, _ := v.authorize(map[string]string{"prompt": "none"})
		if got := location(t, answer).Query(); got.Has("code") != (sub == "u-2") {
			t.Errorf("browser of %s: %v", sub, got)
		}
		if out := w.token(w.redeemForm(codes[sub])); (out.Status == http.StatusOK) != (sub == "u-2") {
			t.Errorf("code of %s: %+v", sub, out)
		}
	}
}
