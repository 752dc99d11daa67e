package server_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func (w *world) link(destination, source wire.ProviderUserIdentifierType) error {
	w.t.Helper()
	_, err := call[wire.AdminLinkProviderForUserResponse](w, "AdminLinkProviderForUser", &wire.AdminLinkProviderForUserRequest{
		UserPoolId: w.pool, DestinationUser: &destination, SourceUser: &source,
	})
	return err
}

func native(name string) wire.ProviderUserIdentifierType {
	return wire.ProviderUserIdentifierType{ProviderName: "Cognito", ProviderAttributeValue: name}
}

func foreign(subject string) wire.ProviderUserIdentifierType {
	return wire.ProviderUserIdentifierType{ProviderName: "Other", ProviderAttributeName: "Cognito_Subject", ProviderAttributeValue: subject}
}

// TestLinkedUser: a person of the provider's is the user whom an administrator said,
// password and all, until it is taken back.
func TestLinkedUser(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, map[string]string{"name": "name"}, nil)
	w.addUser("ann")
	if err := w.link(native("ann"), foreign("u-1")); err != nil {
		t.Fatal(err)
	}
	out := w.token(w.redeemForm(w.visitor().visit(e, "u-1", map[string]any{"name": "Ann"}).Get("code")))
	id := pooltest.AllClaims(t, wire.Sensitive(out.ID))
	identities, _ := id["identities"].([]any)
	if id["cognito:username"] != "ann" || len(identities) != 1 || id["cognito:groups"] != nil {
		t.Fatalf("ID token %v", id)
	}
	if one, _ := identities[0].(map[string]any); one["userId"] != "u-1" || one["primary"] != "false" {
		t.Errorf("identity %v", one)
	}
	users := w.users()
	if len(users) != 1 || users["ann"].UserStatus != wire.UserStatusConfirmed || valueOf(users["ann"], "name") != "Ann" {
		t.Errorf("users %+v", users)
	}
	if got := pooltest.AllClaims(t, w.signIn("ann").IdToken); got["sub"] != id["sub"] {
		t.Errorf("by password: %v", got)
	}
	must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-1"))})
	w.visitor().visit(e, "u-1", nil)
	users = w.users()
	if names := slices.Sorted(maps.Keys(users)); !slices.Equal(names, []string{"Other_u-1", "ann"}) || valueOf(users["ann"], "identities") != "" {
		t.Errorf("after the link: %v, %q", names, valueOf(users["ann"], "identities"))
	}
	if _, err := call[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-9"))}); !wire.IsException(err, wire.UserNotFoundException) {
		t.Errorf("nobody's: %v", err)
	}
	// The identity that a user was made for: nobody signs in with it any more.
	must[wire.AdminDisableProviderForUserResponse](w, "AdminDisableProviderForUser", &wire.AdminDisableProviderForUserRequest{UserPoolId: w.pool, User: new(foreign("u-1"))})
	if got := w.visitor().visit(e, "u-1", nil); got.Has("code") || len(w.users()) != 2 {
		t.Errorf("its own, taken away: %v", got)
	}
	// The user has a password now, and its ID token names no identity.
	must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: "Other_u-1", Password: password, Permanent: true})
	if list, ok := pooltest.AllClaims(t, w.signIn("Other_u-1").IdToken)["identities"].([]any); !ok || len(list) != 0 {
		t.Errorf("identities %v", list)
	}
	// An administrator links it again, to another user.
	if err := w.link(native("ann"), foreign("u-1")); err != nil {
		t.Fatal(err)
	}
	if name := w.nameOf(e, "u-1"); name != "ann" || len(w.users()) != 2 {
		t.Errorf("linked again: %s", name)
	}
}

// TestIdentityDisabledBefore: an identity that an earlier version took from its user by
// removing it does not make a new user. One of another issuer does.
func TestIdentityDisabledBefore(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	next := newElsewhere(t)
	w.nameOf(e, "u-1")
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		users, err := tx.Users.List(w.pool, storage.UserFilter{}, storage.UserCursor{}, 1)
		if err != nil {
			return err
		}
		user := users[0]
		delete(user.Attributes, "identities")
		user.Logins = user.Logins[:1]
		return tx.Users.Update(user)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.forgetIssuers()
	if got := w.visitor().visit(e, "u-1", nil); got.Has("code") || len(w.users()) != 1 {
		t.Errorf("disabled before: %v", got)
	}
	w.updateProvider(next.details())
	if name := w.nameOf(next, "u-1"); !strings.HasPrefix(name, "Other_u-1_") {
		t.Errorf("another issuer's subject: %q", name)
	}
}

// TestLinkingRules: one identity is one user's, named by its subject, linked before it
// signs in, and of five.
func TestLinkingRules(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	w.addUser("ann")
	w.addUser("bob")
	w.visitor().visit(e, "u-1", nil)
	by := func(change func(*wire.ProviderUserIdentifierType)) wire.ProviderUserIdentifierType {
		one := foreign("u-2")
		change(&one)
		return one
	}
	for name, test := range map[string]struct {
		to, from wire.ProviderUserIdentifierType
		want     string
	}{
		"signed in before": {native("ann"), foreign("u-1"), wire.InvalidParameterException + ": Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"},
		"its own":          {foreign("u-1"), foreign("u-1"), wire.InvalidParameterException + ": SourceUser is already linked to DestinationUser"},
		"no destination":   {native("nobody"), foreign("u-2"), wire.UserNotFoundException},
		"no such subject":  {foreign("u-9"), foreign("u-2"), wire.UserNotFoundException},
		"no provider":      {native("ann"), by(func(p *wire.ProviderUserIdentifierType) { p.ProviderName = "Nobody" }), wire.ResourceNotFoundException},
		"the pool itself":  {native("ann"), native("bob"), wire.InvalidParameterException + ": ProviderName"},
		"by e-mail":        {native("ann"), by(func(p *wire.ProviderUserIdentifierType) { p.ProviderAttributeName = "email" }), wire.InvalidParameterException + ": ProviderAttributeName must be Cognito_Subject"},
		"no subject":       {native("ann"), by(func(p *wire.ProviderUserIdentifierType) { p.ProviderAttributeValue = "" }), wire.InvalidParameterException + ": ProviderAttributeValue"},
		"long subject":     {native("ann"), foreign(strings.Repeat("x", 256)), wire.InvalidParameterException + ": ProviderAttributeValue"},
		"nobody":           {wire.ProviderUserIdentifierType{}, foreign("u-2"), wire.InvalidParameterException},
	} {
		if err := w.link(test.to, test.from); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	for i := range 5 {
		if err := w.link(native("ann"), foreign("l-"+strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.link(native("ann"), foreign("l-5")); !wire.IsException(err, wire.LimitExceededException) {
		t.Errorf("a sixth: %v", err)
	}
	if err := w.link(native("bob"), foreign("l-0")); !wire.IsException(err, wire.InvalidParameterException) {
		t.Errorf("another's: %v", err)
	}
	// Nobody links themselves, nor by any other way.
	for _, value := range []string{"", "[]", `[{"userId":"u-9","providerName":"Other"}]`} {
		_, err := call[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
			UserPoolId: w.pool, Username: "bob", UserAttributes: []wire.AttributeType{{Name: "identities", Value: value}},
		})
		if !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("identities %q: %v", value, err)
		}
	}
	if err := w.link(foreign("u-1"), foreign("u-2")); err != nil {
		t.Errorf("to a user of the provider's: %v", err)
	}
	if w.visitor().visit(e, "u-2", nil); len(w.users()) != 3 {
		t.Errorf("users %v", slices.Sorted(maps.Keys(w.users())))
	}
}

// TestSubjectsAreBytes: two subjects that look alike are two people.
func TestSubjectsAreBytes(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
	})
	if got := w.visitor().visit(e, "ABC", nil); !got.Has("code") {
		t.Fatal(got)
	}
	for range 2 { // the second user has a name with a suffix, and is found by the identity
		if got := w.visitor().visit(e, "abc", nil); !got.Has("code") {
			t.Errorf("another subject: %v", got)
		}
	}
	users := w.users()
	if _, first := users["other_abc"]; len(users) != 2 || !first {
		t.Errorf("users %v", slices.Sorted(maps.Keys(users)))
	}
}

// TestProviderPassword: a password that an administrator sets makes such a user one of
// the pool's, as at Cognito; the user cannot.
func TestProviderPassword(t *testing.T) {
	t.Parallel()
	w, e := otherWorld(t, nil, nil)
	out := w.token(w.redeemForm(func() string {
		v := w.visitor()
		to := v.leave("Other", map[string]string{"scope": "openid aws.cognito.signin.user.admin"})
		e.says(e.Token("u-1", map[string]any{"nonce": to.Query().Get("nonce")}))
		return v.outcome(map[string][]string{"code": {"c"}, "state": {to.Query().Get("state")}}).Get("code")
	}()))
	_, err := call[wire.ChangePasswordResponse](w, "ChangePassword", &wire.ChangePasswordRequest{AccessToken: wire.Sensitive(out.Access), ProposedPassword: password, PreviousPassword: password})
	if !wire.IsException(err, wire.NotAuthorizedException) {
		t.Errorf("by the user: %v", err)
	}
	if _, err := w.getUser(wire.Sensitive(out.Access)); err != nil {
		t.Errorf("GetUser: %v", err)
	}
	must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{UserPoolId: w.pool, Username: "Other_u-1", Password: password, Permanent: true})
	w.signIn("Other_u-1")
	if got := w.visitor().visit(e, "u-1", nil); !got.Has("code") || len(w.users()) != 1 {
		t.Errorf("at the provider: %v", got)
	}
}

// TestLinkedUserKeepsTheirOwn: what the provider says of a user who was linked to it
// neither keeps the person out nor takes away what the user signs in with.
func TestLinkedUserKeepsTheirOwn(t *testing.T) {
	t.Parallel()
	mapping := map[string]string{"preferred_username": "upn", "name": "name", "email": "email", "email_verified": "email_verified"}
	for name, test := range map[string]struct {
		claims map[string]any
		want   map[string]string
	}{
		"name in the form of an address": {map[string]any{"upn": "ann@corp.example", "name": "Ann"}, map[string]string{"preferred_username": "", "name": "Ann"}},
		"name of another user":           {map[string]any{"upn": "bob", "name": "Ann"}, map[string]string{"preferred_username": "", "name": "Ann"}},
		"name of a provider's user":      {map[string]any{"upn": "Other_x"}, map[string]string{"preferred_username": ""}},
		"free name":                      {map[string]any{"upn": "annie"}, map[string]string{"preferred_username": "annie"}},
		"unverified address":             {map[string]any{"email": "x@corp.example"}, map[string]string{"email": "ann@example.com", "email_verified": "true"}},
		"refused address":                {map[string]any{"email": "x@corp.example", "email_verified": false}, map[string]string{"email": "ann@example.com", "email_verified": "true"}},
		"verified address":               {map[string]any{"email": "x@corp.example", "email_verified": true}, map[string]string{"email": "x@corp.example", "email_verified": "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := otherWorld(t, mapping, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
				p.AliasAttributes = []string{"email", "preferred_username"}
				p.AutoVerifiedAttributes = []string{"email"}
				p.UserAttributeUpdateSettings = &wire.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []string{"email"}}
			})
			w.addUser("bob")
			w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"})
			if err := w.link(native("ann"), foreign("u-1")); err != nil {
				t.Fatal(err)
			}
			if got := w.visitor().visit(e, "u-1", test.claims); !got.Has("code") {
				t.Fatalf("%v", got)
			}
			user := w.users()["ann"]
			for attribute, want := range test.want {
				if have := valueOf(user, attribute); have != want {
					t.Errorf("%s is %q, want %q", attribute, have, want)
				}
			}
		})
	}
}
