package userpool_test

import (
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// contactNames makes pools whose users sign up with an e-mail address or a phone number.
func contactNames(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
	p.UsernameAttributes = []string{"email", "phone_number"}
	p.AutoVerifiedAttributes = []string{"email", "phone_number"}
	p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
}

// TestSecondContactIsNoNameUntilVerified: the contact that a user signed up with is the
// user name; the other is an alias.
func TestSecondContactIsNoNameUntilVerified(t *testing.T) {
	t.Parallel()
	const number = "+15551234567"
	w := newWorld(t, contactNames)
	w.addUser("mallory@example.com")
	access := w.signIn("mallory@example.com").AccessToken
	must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
		AccessToken: access, UserAttributes: pooltest.Attributes("phone_number", number),
	})
	if err := w.signUpAs("eve@example.com", pooltest.Attributes("phone_number", number)...); err != nil {
		t.Fatal(err)
	}
	_, err := w.withPassword(number, password)
	wantException(t, err, wire.UserNotFoundException, "User does not exist.")
	_, err = w.forgot(number)
	if !wire.IsException(err, wire.UserNotFoundException) {
		t.Errorf("ForgotPassword: %v, want UserNotFoundException", err)
	}

	// The owner of the number.
	if err := w.signUpAs(number); err != nil {
		t.Fatal(err)
	}
	if err := w.confirm(number, w.code(number), false); err != nil {
		t.Fatal(err)
	}
	w.signIn(number)
	if got := attribute(w.user(number), "email"); got != "" {
		t.Errorf("the number leads to %q", got)
	}
	// An administrator cannot give a verified number to a second user, but may say that
	// it is not.
	set := func(pairs ...string) error {
		_, err := call[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
			UserPoolId: w.pool, Username: "mallory@example.com", UserAttributes: pooltest.Attributes(pairs...),
		})
		return err
	}
	wantException(t, set("phone_number_verified", "true"), wire.AliasExistsException, "An account with the phone_number already exists.")
	if err := set("nickname", "m"); err != nil {
		t.Error(err)
	}
}

func TestSecondContactSignsInOnceVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, contactNames)
	w.addUser("ann@example.com")
	access := w.signIn("ann@example.com").AccessToken
	must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
		AccessToken: access, UserAttributes: pooltest.Attributes("phone_number", "+15550000001"),
	})
	must[wire.VerifyUserAttributeResponse](w, "VerifyUserAttribute", &wire.VerifyUserAttributeRequest{
		AccessToken: access, AttributeName: "phone_number", Code: w.code("+15550000001"),
	})
	w.signIn("+15550000001")
	w.signIn("ann@example.com")
	// The user name may change, and counts at once as it did at the sign-up.
	must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
		AccessToken: access, UserAttributes: pooltest.Attributes("email", "anna@example.com"),
	})
	w.signIn("anna@example.com")
	w.addUser("bob@example.com", pooltest.Attributes("phone_number", "+15550000002", "phone_number_verified", "true")...)
	w.signIn("+15550000002")
}

// TestFormerSecondContactKeepsSigningIn opens data as earlier versions wrote it, in which
// both contacts of a user are names.
func TestFormerSecondContactKeepsSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, contactNames)
	w.addUser("ann@example.com", pooltest.Attributes("phone_number", "+15550000001")...)
	sub := attribute(w.user("ann@example.com"), "sub")
	err := w.store.Update(t.Context(), func(tx storage.Tx) error {
		u, err := tx.Users.BySub(w.pool, sub)
		if err != nil {
			return err
		}
		u.Logins = []string{"username:" + sub, "email:ann@example.com", "phone_number:+15550000001"}
		return tx.Users.Update(u)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.signIn("+15550000001")
		w.signIn("ann@example.com")
		must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
			UserPoolId: w.pool, Username: sub, UserAttributes: pooltest.Attributes("nickname", "a"),
		})
	}
}

// TestPasswordForProvidersUserWithOthersAddress: only a verified address is an obstacle,
// whether addresses are aliases or user names.
func TestPasswordForProvidersUserWithOthersAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emailNames)
	w.addUser("demo@example.com", pooltest.Attributes("email_verified", "true")...)
	w.addUser("corp@example.com")
	sub := attribute(w.user("corp@example.com"), "sub")
	external := func(verified string) {
		t.Helper()
		err := w.store.Update(t.Context(), func(tx storage.Tx) error {
			u, err := tx.Users.BySub(w.pool, sub)
			if err != nil {
				return err
			}
			u.Username, u.Status, u.Logins = "corp_1", "EXTERNAL_PROVIDER", []string{"username:corp_1"}
			u.Attributes["email"], u.Attributes["email_verified"] = "demo@example.com", verified
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
	external("true")
	wantException(t, setPassword(), wire.AliasExistsException, "An account with the email already exists.")
	external("false")
	if err := setPassword(); err != nil {
		t.Fatalf("with an address that is not verified: %v", err)
	}
	w.signIn("corp_1")
	if got := attribute(w.user("demo@example.com"), "sub"); got == sub {
		t.Error("the address leads to the provider's user")
	}
}
