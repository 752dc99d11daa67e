package server_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// signUpAs is SignUp with the usual password.
func (w *world) signUpAs(name string, attributes ...wire.AttributeType) error {
	w.t.Helper()
	_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{ClientId: w.client, Username: name, Password: password, UserAttributes: attributes})
	return err
}

func (w *world) createUser(name string) error {
	w.t.Helper()
	_, err := call[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{UserPoolId: w.pool, Username: name, MessageAction: wire.MessageActionSuppress})
	return err
}

// TestProviderPrefixIsReserved: a user of the pool cannot take the name of a person who
// has not signed in at the provider yet.
func TestProviderPrefixIsReserved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		caseSensitive bool
		refused, free []string
	}{
		"pool ignores case": {false,
			[]string{"Other_boss", "other_boss", "OTHER_BOSS", "Ｏｔｈｅｒ＿boss", "Other_", "google_123", "Google_123"},
			[]string{"Other", "Others_boss", "other-boss", "an_other_boss", "goo_gle"}},
		"pool tells case apart": {true,
			[]string{"Other_boss", "Ｏｔｈｅｒ＿boss", "google_123"},
			[]string{"other_boss", "Google_123", "Other"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := otherWorld(t, nil, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
				p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(test.caseSensitive)}
				p.AliasAttributes = []string{"preferred_username"}
			})
			w.trust(wire.ProviderGoogle, wire.ProviderGoogle, wire.Parameters{"client_id": "a", "client_secret": "s"}, nil)
			for _, name := range test.refused {
				for by, err := range map[string]error{"SignUp": w.signUpAs(name), "AdminCreateUser": w.createUser(name)} {
					if !wire.IsException(err, wire.InvalidParameterException) {
						t.Errorf("%s %s: %v", by, name, err)
					}
				}
			}
			for _, name := range test.free {
				if err := w.signUpAs(name); err != nil {
					t.Errorf("SignUp %s: %v", name, err)
				}
			}
			if got := w.visitor().visit(e, "boss", nil); !got.Has("code") {
				t.Errorf("the provider's user: %v", got)
			}
			w.addUser("ann")
			for _, preferred := range []string{test.refused[0], "boss"} {
				_, err := call[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
					UserPoolId: w.pool, Username: "ann", UserAttributes: []wire.AttributeType{{Name: "preferred_username", Value: preferred}},
				})
				if refused := wire.IsException(err, wire.InvalidParameterException); refused != (preferred != "boss") || !refused && err != nil {
					t.Errorf("preferred_username %s: %v", preferred, err)
				}
			}
		})
	}
}

// TestContactsAreNotReserved: an e-mail address may begin as the names of a provider's
// users, where addresses are names.
func TestContactsAreNotReserved(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest){
		"username": func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
			p.UsernameAttributes = []string{"email"}
		},
		"alias": func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
			p.AliasAttributes = []string{"email"}
		},
	} {
		w, _ := otherWorld(t, nil, change)
		user, email := "ann", wire.AttributeType{Name: "email", Value: "other_ann@example.com"}
		if name == "username" {
			user = email.Value
		}
		if err := w.signUpAs(user, email); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTakenNameGetsSuffix: users who had such a name before the provider came keep it
// and sign in. The provider's user gets another name, and is found again.
func TestTakenNameGetsSuffix(t *testing.T) {
	t.Parallel()
	w, e := federatedWorld(t, nil), newElsewhere(t)
	w.addUser("Other_u-1")
	long := "Other_" + strings.Repeat("x", 122)
	w.addUser(long)
	w.trust("Other", wire.ProviderOIDC, e.details(), nil)
	for _, subject := range []string{"u-1", strings.TrimPrefix(long, "Other_")} {
		first := pooltest.AllClaims(t, wire.Sensitive(w.token(w.redeemForm(w.visitor().visit(e, subject, nil).Get("code"))).ID))
		again := pooltest.AllClaims(t, wire.Sensitive(w.token(w.redeemForm(w.visitor().visit(e, subject, nil).Get("code"))).ID))
		name, _ := again["cognito:username"].(string)
		if first["sub"] != again["sub"] || !strings.HasPrefix(name, "Other_") || len(name) > 128 {
			t.Errorf("first %v, then %v", first, again)
		}
		// An administrator reaches the user by that name.
		must[wire.AdminGetUserResponse](w, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: w.pool, Username: name})
	}
	if users := w.users(); len(users) != 4 || users["Other_u-1"].UserStatus != wire.UserStatusConfirmed {
		t.Errorf("users %v", slices.Sorted(maps.Keys(users)))
	}
	w.signIn("Other_u-1")
	w.signIn(long)
}
