package userpool_test

import (
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// aliases makes pools whose aliases are all three kinds, in an order.
func aliases(order ...string) func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest) {
	return func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		p.AliasAttributes = order
		p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	}
}

// addVictim makes the owner of a verified address and number.
func (w *world) addVictim() {
	w.t.Helper()
	w.addUser("demo", pooltest.Attributes("email", "demo@example.com", "email_verified", "true",
		"phone_number", "+15551234567", "phone_number_verified", "true")...)
}

// wantOwner checks that the victim's names lead to the victim, for sign-ins and
// administrators alike.
func (w *world) wantOwner(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if got := w.user(name).Username; got != "demo" {
			w.t.Errorf("administrators find %q by %q, want the owner", got, name)
		}
		if _, err := w.withPassword(name, password); err != nil {
			w.t.Errorf("the owner cannot sign in as %q: %v", name, err)
		}
	}
}

func TestSignUpCannotTakeContactAsUsername(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("email", "phone_number"))
	w.addVictim()
	for _, name := range []string{
		"demo@example.com", "demo＠example.com", "ｄｅｍｏ@example.com", "DEMO＠EXAMPLE.COM", "demo@example｡com", "newcomer＠example.com",
		"+15551234567", "＋15551234567", "+１５５５１２３４５６７", "＋15550000000",
		"de\u200bmo", "demo\u202e", "de\u00admo",
	} {
		_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{ClientId: w.client, Username: name, Password: password})
		if !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("SignUp as %q: %v, want InvalidParameterException", name, err)
		}
	}
	w.wantOwner("demo@example.com", "demo＠example.com", "+15551234567", "demo")
	for _, name := range []string{"žofie", "山田", "o'brien-2", "ﬁona"} {
		if _, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{ClientId: w.client, Username: name, Password: password}); err != nil {
			t.Errorf("SignUp as %q: %v", name, err)
		}
	}
}

func TestContactsAreStoredNormalized(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("email", "phone_number"))
	w.addUser("ann", pooltest.Attributes("email", "ａnn@example.com", "email_verified", "true", "phone_number", " ＋15557654321", "phone_number_verified", "true")...)
	u := w.user("ann")
	if e, p := attribute(u, "email"), attribute(u, "phone_number"); e != "ann@example.com" || p != "+15557654321" {
		t.Errorf("stored %q and %q", e, p)
	}
	w.signIn("ann@example.com")
}

// TestPreferredUsernameCannotBeAnothersContact tries the orders that the settings can
// have, by sign-up and by an update.
func TestPreferredUsernameCannotBeAnothersContact(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{
		{"preferred_username", "email", "phone_number"}, {"email", "phone_number", "preferred_username"},
	} {
		t.Run(order[0], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, aliases(order...))
			w.addVictim()
			w.addUser("mallory")
			access := w.signIn("mallory").AccessToken
			for _, name := range []string{"demo@example.com", "demo＠example.com", "unknown@example.com", "+15551234567", "＋15551234567", "de\u200bmo"} {
				_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
					ClientId: w.client, Username: "new", Password: password, UserAttributes: pooltest.Attributes("preferred_username", name),
				})
				if !wire.IsException(err, wire.InvalidParameterException) {
					t.Errorf("SignUp with preferred_username %q: %v, want InvalidParameterException", name, err)
				}
				_, err = call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
					AccessToken: access, UserAttributes: pooltest.Attributes("preferred_username", name),
				})
				if !wire.IsException(err, wire.InvalidParameterException) {
					t.Errorf("update to preferred_username %q: %v, want InvalidParameterException", name, err)
				}
			}
			_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
				AccessToken: access, UserAttributes: pooltest.Attributes("preferred_username", "demo"),
			})
			wantException(t, err, wire.AliasExistsException, "An account with the preferred_username already exists.")
			w.wantOwner("demo@example.com", "+15551234567", "demo")

			// The legitimate user of a preferred_username.
			must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
				AccessToken: access, UserAttributes: pooltest.Attributes("preferred_username", "mal"),
			})
			w.signIn("MAL")
		})
	}
}

func TestPreferredUsernameCountsOnceConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("preferred_username", "email"))
	for _, name := range []string{"first", "second"} {
		must[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
			ClientId: w.client, Username: name, Password: password, UserAttributes: pooltest.Attributes("preferred_username", "star"),
		})
	}
	_, err := w.withPassword("star", password)
	wantException(t, err, wire.UserNotFoundException, "User does not exist.")
	confirm := func(name string) error {
		_, err := call[wire.AdminConfirmSignUpResponse](w, "AdminConfirmSignUp", &wire.AdminConfirmSignUpRequest{UserPoolId: w.pool, Username: name})
		return err
	}
	if err := confirm("second"); err != nil {
		t.Fatal(err)
	}
	if got := w.user("star").Username; got != "second" {
		t.Errorf("star is %q", got)
	}
	w.signIn("star")
	wantException(t, confirm("first"), wire.AliasExistsException, "An account with the preferred_username already exists.")
	if got := w.user("first").UserStatus; got != wire.UserStatusUnconfirmed {
		t.Errorf("first is %s", got)
	}
}

// TestFormerNamesStayWithTheirOwner opens data as earlier versions wrote it: an attacker
// holds the owner's address under another kind of name.
func TestFormerNamesStayWithTheirOwner(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*storage.User){
		"user name": func(u *storage.User) {
			u.Username, u.Logins = "demo@example.com", []string{"username:demo@example.com"}
		},
		"preferred name":                 preferring,
		"preferred name, not confirmed":  func(u *storage.User) { preferring(u); u.Status = "UNCONFIRMED" },
		"preferred name, other pool use": func(u *storage.User) { preferring(u); u.Status = "RESET_REQUIRED" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, aliases("preferred_username", "email", "phone_number"))
			w.addVictim()
			w.addUser("mallory")
			mallory := w.user("mallory")
			sub := attribute(mallory, "sub")
			err := w.store.Update(t.Context(), func(tx storage.Tx) error {
				u, err := tx.Users.BySub(w.pool, sub)
				if err != nil {
					return err
				}
				edit(&u)
				return tx.Users.Update(u)
			})
			if err != nil {
				t.Fatal(err)
			}
			w.wantOwner("demo@example.com", "+15551234567")
			// The administrator can end the conflict, in every way.
			must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
				UserPoolId: w.pool, Username: sub, UserAttributes: pooltest.Attributes("nickname", "m"),
			})
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: sub})
			must[wire.AdminDeleteUserResponse](w, "AdminDeleteUser", &wire.AdminDeleteUserRequest{UserPoolId: w.pool, Username: sub})
			w.wantOwner("demo@example.com", "demo")
		})
	}
}

func preferring(u *storage.User) {
	u.Attributes["preferred_username"] = "demo@example.com"
	u.Logins = append(u.Logins, "preferred_username:demo@example.com")
}

// TestVerifiedAliasOfTwoUsers: a provider's user gets a password though its verified
// address is another user's.
func TestVerifiedAliasOfTwoUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aliases("email"))
	w.addVictim()
	w.addUser("corp", pooltest.Attributes("email", "corp@example.com", "email_verified", "true")...)
	sub := attribute(w.user("corp"), "sub")
	edit := func(change func(*storage.User)) {
		t.Helper()
		err := w.store.Update(t.Context(), func(tx storage.Tx) error {
			u, err := tx.Users.BySub(w.pool, sub)
			if err != nil {
				return err
			}
			change(&u)
			return tx.Users.Update(u)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	setPassword := func() error {
		_, err := call[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: w.pool, Username: sub, Password: password, Permanent: true,
		})
		return err
	}
	external := func(u *storage.User) {
		u.Status, u.Logins = "EXTERNAL_PROVIDER", []string{"username:corp"}
		u.Attributes["email"] = "demo@example.com"
	}
	edit(external)
	wantException(t, setPassword(), wire.AliasExistsException, "An account with the email already exists.")
	edit(func(u *storage.User) { external(u); u.Attributes["email_verified"] = "false" })
	if err := setPassword(); err != nil {
		t.Errorf("with an address that is not verified: %v", err)
	}
	// Data that holds such a pair already.
	edit(func(u *storage.User) {
		external(u)
		u.Status, u.Attributes["email_verified"] = "CONFIRMED", "true"
	})
	if err := setPassword(); err != nil {
		t.Errorf("a user who had the pair before: %v", err)
	}
	must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: sub})
	must[wire.AdminEnableUserResponse](w, "AdminEnableUser", &wire.AdminEnableUserRequest{UserPoolId: w.pool, Username: sub})
	must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
		UserPoolId: w.pool, Username: sub, UserAttributes: pooltest.Attributes("email", "corp@example.com", "email_verified", "true"),
	})
	w.signIn("corp@example.com")
	w.wantOwner("demo@example.com")
}

func TestPasswordsAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, password := range map[string]string{"cjk": strings.Repeat("密", 86) + "Aa1!", "latin": strings.Repeat("ö", 252) + "Aa1!"} {
		w.addUser(name)
		must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
			UserPoolId: w.pool, Username: name, Password: wire.Sensitive(password), Permanent: true,
		})
		if _, err := w.withPassword(name, password); err != nil {
			t.Errorf("password of %d characters, plain: %v", len([]rune(password)), err)
		}
		if _, err := w.withSRP(name, password); err != nil {
			t.Errorf("password of %d characters, SRP: %v", len([]rune(password)), err)
		}
		_, err := w.withPassword(name, password+"x")
		if err == nil {
			t.Error("a longer password is accepted")
		}
	}
}
