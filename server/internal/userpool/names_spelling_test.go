package userpool_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// emailNames makes pools whose users sign in with an e-mail address, in any case.
func emailNames(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
	p.UsernameAttributes = []string{"email"}
	p.AutoVerifiedAttributes = []string{"email"}
	p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
}

// TestDottedCapitalIsAnotherDomain: IDNA maps U+0130 to an i with a dot, so an address with
// it belongs to another domain than the one with a plain i.
func TestDottedCapitalIsAnotherDomain(t *testing.T) {
	t.Parallel()
	const owned, foreign = "mike@mail.example.com", "mike@maİl.example.com"
	t.Run("alias", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
			aliases("email")(p, c)
			p.AutoVerifiedAttributes = []string{"email"}
		})
		w.addUser("mike", pooltest.Attributes("email", owned, "email_verified", "true")...)
		w.signUp("mallory", foreign)
		if err := w.confirm("mallory", w.code(foreign), true); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{owned: "mike", "MIKE@MAIL.EXAMPLE.COM": "mike", foreign: "mallory"} {
			if got := w.user(name).Username; got != want {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
		w.signIn(owned)
	})
	t.Run("user name", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, emailNames)
		for _, name := range []string{foreign, owned} {
			if err := w.signUpAs(name); err != nil {
				t.Errorf("SignUp as %q: %v", name, err)
			}
		}
	})
}

// TestSpellingsOfAnAddressTellNothing: whether two spellings have one subject does not
// depend on whether a user has one of them.
func TestSpellingsOfAnAddressTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		emailNames(p, c)
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	})
	w.addUser("mike@example.com")
	subject := func(name string) string {
		t.Helper()
		_, out, err := w.startSRP(name)
		if err != nil {
			t.Fatal(err)
		}
		return out.ChallengeParameters["USER_ID_FOR_SRP"]
	}
	for _, spellings := range [][2]string{
		{"mike@example.com", "mİke@example.com"}, {"mike@example.com", "mike＠EXAMPLE.com"}, {"mike@example.com", " mike@example.com"},
	} {
		known := subject(spellings[0]) == subject(spellings[1])
		made := subject("x"+spellings[0]) == subject("x"+spellings[1])
		if spellings[1][0] == ' ' {
			made = subject("x"+spellings[0]) == subject(" x"+spellings[0])
		}
		if known != made {
			t.Errorf("%q: one subject %v for a user, %v for a made-up one", spellings, known, made)
		}
	}
}

func TestNamesIgnoreCaseOfEveryLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
	})
	for name, spellings := range map[string][]string{
		"Οδυσσεύς": {"Οδυσσεύς", "ΟΔΥΣΣΕΎΣ", "οδυσσεύσ"},
		"İbrahim":  {"İbrahim", "İBRAHİM", "ibrahim"},
		"Žofie":    {"ŽOFIE", "žofie", "Z\u030cofie"},
	} {
		w.addUser(name)
		for _, spelling := range spellings {
			if _, err := w.withPassword(spelling, password); err != nil {
				t.Errorf("%q cannot sign in as %q: %v", name, spelling, err)
			}
			if _, err := w.withSRP(spelling, password); err != nil {
				t.Errorf("%q cannot sign in as %q by SRP: %v", name, spelling, err)
			}
			if err := w.signUpAs(spelling); !wire.IsException(err, wire.UsernameExistsException) {
				t.Errorf("SignUp as %q beside %q: %v, want UsernameExistsException", spelling, name, err)
			}
		}
	}
}

// TestFormerSpellingsKeepSigningIn opens data in which two names differ by a letter's case
// only, which earlier versions took for two names.
func TestFormerSpellingsKeepSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
	})
	subs := map[string]string{}
	for _, name := range []string{"οδυσσεύς", "οδυσσεύσ"} {
		former := "former" + strings.Repeat("x", len(subs))
		w.addUser(former)
		subs[attribute(w.user(former), "sub")] = name
	}
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		for sub, name := range subs {
			u, err := tx.Users.BySub(w.pool, sub)
			if err != nil {
				return err
			}
			u.Username, u.Logins = name, []string{"username:" + name}
			if err := tx.Users.Update(u); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for sub := range subs {
		must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: w.pool, Username: sub, Password: password, Permanent: true,
		})
	}
	for range 2 {
		for _, name := range []string{"οδυσσεύς", "οδυσσεύσ"} {
			if got := w.user(name).Username; got != name {
				t.Errorf("%q is %q", name, got)
			}
			w.signIn(name)
			must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
				UserPoolId: w.pool, Username: name, UserAttributes: pooltest.Attributes("nickname", "o"),
			})
		}
	}
}

// invisibles are characters without a glyph that are letters, marks or symbols by their
// category.
var invisibles = []string{"\u034f", "\u115f", "\u1160", "\u3164", "\uffa0", "\u17b4", "\u180b", "\ufe0f", "\U000e0100", "\u2800"}

func TestInvisibleCharactersInNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("preferred_username", "email"))
	w.addUser("demo")
	w.addUser("mallory")
	access := w.signIn("mallory").AccessToken
	prefer := func(name string) error {
		_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
			AccessToken: access, UserAttributes: pooltest.Attributes("preferred_username", name),
		})
		return err
	}
	for _, c := range invisibles {
		if err := w.signUpAs("de" + c + "mo"); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("SignUp with %+q: %v, want InvalidParameterException", c, err)
		}
	}
	for _, c := range append(invisibles, "\u200b", "\u202e", "\x00", "\ue000") {
		if err := prefer("de" + c + "mo"); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("preferred_username with %+q: %v, want InvalidParameterException", c, err)
		}
	}
	for _, blank := range []string{" ", "\u3000", "\u00a0\t"} {
		if err := prefer(blank); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("preferred_username %+q: %v, want InvalidParameterException", blank, err)
		}
	}
	for i, name := range []string{"Mal Ory", "山田", "mal🦊", "नमस्ते", "ma\u0323\u0302l"} {
		if err := prefer(name); err != nil {
			t.Errorf("preferred_username %q: %v", name, err)
		}
		if err := w.signUpAs([]string{"o'brien", "山田太郎", "fox🦊", "नमस्तेजी", "a\u0323\u0302bc"}[i]); err != nil {
			t.Errorf("SignUp %d: %v", i, err)
		}
	}
}

// TestAddressesHaveOneForm: two addresses that look alike, or that mail programs take for
// one, are not two names.
func TestAddressesHaveOneForm(t *testing.T) {
	t.Parallel()
	refused := []string{
		"de\u200bmo@example.com", "demo@exa\u00admple.com", "demo@example.com\u202e", "de\u115fmo@example.com", "demo\ufe0f@example.com",
		"demo@example。com", "demo@example｡com", "demo@straẞe.example", "demo@[127.0.0.1]", "demo@[IPv6:::1]", `"demo"@example.com`, "demo(x)@example.com",
	}
	pools := map[string]func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest){"alias": aliases("email"), "user name": emailNames}
	for name, settings := range pools {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings)
			create := func(address string) error {
				in := &wire.AdminCreateUserRequest{UserPoolId: w.pool, Username: "u", MessageAction: wire.MessageActionSuppress, UserAttributes: pooltest.Attributes("email", address, "email_verified", "true")}
				if name == "user name" {
					in.Username, in.UserAttributes = address, nil
				}
				_, err := call[wire.AdminCreateUserResponse](w, "AdminCreateUser", in)
				return err
			}
			for _, address := range refused {
				if err := create(address); !wire.IsException(err, wire.InvalidParameterException) {
					t.Errorf("AdminCreateUser with %+q: %v, want InvalidParameterException", address, err)
				}
			}
			for _, address := range []string{"ann+news@example.co.uk", "用户@例子.广告", "ann@BÜCHER.example", "ann@straße.example", "o'brien@example.com", "ann@xn--bcher-kva.example"} {
				if err := create(address); err != nil {
					t.Errorf("AdminCreateUser with %q: %v", address, err)
				}
				must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: address})
			}
		})
	}
}

// TestBlankContactIsNoDeletion: only an empty value deletes an attribute.
func TestBlankContactIsNoDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("email", "phone_number"))
	w.addVictim()
	for _, name := range []string{"email", "phone_number"} {
		_, err := call[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
			UserPoolId: w.pool, Username: "demo", UserAttributes: pooltest.Attributes(name, "\u3000 "),
		})
		if !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("blank %s: %v, want InvalidParameterException", name, err)
		}
	}
	w.wantOwner("demo@example.com", "+15551234567")
}

func TestFilterComparesStoredForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("email", "phone_number"))
	w.addVictim()
	w.addUser("other")
	for _, filter := range []string{`email = "demo＠example.com"`, `phone_number = "＋15551234567"`, `email ^= "ｄｅｍｏ@"`, `username = "ＤＥＭＯ"`} {
		out := must[wire.ListUsersResponse](w, "ListUsers", &wire.ListUsersRequest{UserPoolId: w.pool, Filter: filter})
		names := make([]string, len(out.Users))
		for i, u := range out.Users {
			names[i] = u.Username
		}
		if !slices.Equal(names, []string{"demo"}) {
			t.Errorf("%s finds %q, want demo", filter, names)
		}
	}
}
