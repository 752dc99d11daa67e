package userpool_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// verifyingFirst makes pools in which a new contact waits for its verification. names says
// whether contacts are aliases or the user names.
func verifyingFirst(names string) func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest) {
	return func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		contacts := []string{"email", "phone_number"}
		p.AutoVerifiedAttributes = contacts
		if names == "aliases" {
			p.AliasAttributes = contacts
		} else {
			p.UsernameAttributes = contacts
		}
		p.UserAttributeUpdateSettings = &wire.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: contacts}
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	}
}

// change updates attributes with a user's token.
func (w *world) change(token wire.Sensitive, pairs ...string) (*wire.UpdateUserAttributesResponse, error) {
	w.t.Helper()
	return call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
		AccessToken: token, UserAttributes: pooltest.Attributes(pairs...),
	})
}

// verify answers the code of a contact.
func (w *world) verify(token wire.Sensitive, attribute string, code wire.Sensitive) error {
	w.t.Helper()
	_, err := call[wire.VerifyUserAttributeResponse](w, "VerifyUserAttribute", &wire.VerifyUserAttributeRequest{
		AccessToken: token, AttributeName: attribute, Code: code,
	})
	return err
}

// again asks for another code for a contact.
func (w *world) again(token wire.Sensitive, attribute string) (string, error) {
	w.t.Helper()
	out, err := call[wire.GetUserAttributeVerificationCodeResponse](w, "GetUserAttributeVerificationCode",
		&wire.GetUserAttributeVerificationCodeRequest{AccessToken: token, AttributeName: attribute})
	if err != nil {
		return "", err
	}
	return out.CodeDeliveryDetails.Destination, nil
}

// TestContactWaitsForVerification: the old address signs in and recovers the account until
// the new one is verified, and from then on the new one does.
func TestContactWaitsForVerification(t *testing.T) {
	t.Parallel()
	const before, after = "old@example.com", "new@example.com"
	for _, names := range []string{"aliases", "user names"} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, verifyingFirst(names))
			name := "ann"
			if names == "user names" {
				name = before
			}
			w.addUser(name, pooltest.Attributes("email", before, "email_verified", "true")...)
			token := w.signIn(name).AccessToken
			out, err := w.change(token, "email", after, "nickname", "An")
			if err != nil {
				t.Fatal(err)
			}
			want := []wire.CodeDeliveryDetailsType{{AttributeName: "email", DeliveryMedium: "EMAIL", Destination: "n***@e***"}}
			if diff := cmp.Diff(want, out.CodeDeliveryDetailsList); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
			first := w.code(after)
			u := w.user(before)
			if attribute(u, "email") != before || attribute(u, "email_verified") != "true" || attribute(u, "nickname") != "An" {
				t.Errorf("while the new address waits: %v", u.UserAttributes)
			}
			w.signIn(before)
			if _, err := w.withPassword(after, password); err == nil {
				t.Error("an address that waits signs in")
			}
			if _, err := w.forgot(before); err != nil {
				t.Errorf("recovery by the old address: %v", err)
			}
			w.code(before)

			if to, err := w.again(token, "email"); err != nil || to != "n***@e***" {
				t.Errorf("another code goes to %q, %v", to, err)
			}
			wantException(t, w.verify(token, "email", first), wire.CodeMismatchException, wire.MessageCodeMismatch)
			if err := w.verify(token, "email", w.code(after)); err != nil {
				t.Fatal(err)
			}
			u = w.user(after)
			if attribute(u, "email") != after || attribute(u, "email_verified") != "true" {
				t.Errorf("after the verification: %v", u.UserAttributes)
			}
			w.signIn(after)
			if _, err := w.withPassword(before, password); err == nil {
				t.Error("the old address still signs in")
			}
			if _, err := w.forgot(after); err != nil {
				t.Errorf("recovery by the new address: %v", err)
			}
		})
	}
}

func TestWaitingContactIsDropped(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(w *world, token wire.Sensitive) error{
		"by the old value": func(w *world, token wire.Sensitive) error {
			_, err := w.change(token, "email", "old@example.com")
			return err
		},
		"by deletion": func(w *world, token wire.Sensitive) error {
			_, err := call[wire.DeleteUserAttributesResponse](w, "DeleteUserAttributes", &wire.DeleteUserAttributesRequest{
				AccessToken: token, UserAttributeNames: []string{"email"},
			})
			return err
		},
		"by an administrator": func(w *world, _ wire.Sensitive) error {
			_, err := call[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
				UserPoolId: w.pool, Username: "ann", UserAttributes: pooltest.Attributes("email", "admin@example.com", "email_verified", "true"),
			})
			return err
		},
		"by time": func(w *world, _ wire.Sensitive) error {
			w.advance(25 * time.Hour)
			return nil
		},
		"by another": func(w *world, token wire.Sensitive) error {
			_, err := w.change(token, "email", "third@example.com")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, verifyingFirst("aliases"))
			w.addUser("ann", pooltest.Attributes("email", "old@example.com", "email_verified", "true")...)
			token := w.signIn("ann").AccessToken
			if _, err := w.change(token, "email", "new@example.com"); err != nil {
				t.Fatal(err)
			}
			code := w.code("new@example.com")
			if err := drop(w, token); err != nil {
				t.Fatal(err)
			}
			token = w.signIn("ann").AccessToken
			if err := w.verify(token, "email", code); err == nil {
				t.Error("the code is still good")
			}
			if got := attribute(w.user("ann"), "email"); got == "new@example.com" {
				t.Error("the address that was dropped became the user's")
			}
		})
	}
}

// TestWaitingContactOutlastsWrongAnswers: five wrong answers end the code and not the
// change, for which another code can be sent.
func TestWaitingContactOutlastsWrongAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, verifyingFirst("aliases"))
	w.addUser("ann", pooltest.Attributes("email", "old@example.com", "email_verified", "true")...)
	token := w.signIn("ann").AccessToken
	if _, err := w.change(token, "email", "new@example.com"); err != nil {
		t.Fatal(err)
	}
	code := w.code("new@example.com")
	for range 5 {
		wantException(t, w.verify(token, "email", other(code)), wire.CodeMismatchException, wire.MessageCodeMismatch)
	}
	wantException(t, w.verify(token, "email", code), wire.ExpiredCodeException, wire.MessageCodeExpired)
	if to, err := w.again(token, "email"); err != nil || to != "n***@e***" {
		t.Fatalf("another code goes to %q, %v", to, err)
	}
	if err := w.verify(token, "email", w.code("new@example.com")); err != nil {
		t.Error(err)
	}
}

func TestWaitingContactMustBeFree(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{"aliases": "", "user names": wire.AliasExistsException} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, verifyingFirst(names))
			ann, bob := "ann", "bob"
			if names == "user names" {
				ann, bob = "ann@example.com", "bob@example.com"
			}
			w.addUser(ann, pooltest.Attributes("email", "ann@example.com", "email_verified", "true")...)
			w.addUser(bob, pooltest.Attributes("email", "bob@example.com", "email_verified", "true")...)
			token := w.signIn(bob).AccessToken
			_, err := w.change(token, "email", "ann@example.com")
			if want == "" && err == nil { // whose alias an address is, is said to its owner only
				err = w.verify(token, "email", w.code("ann@example.com"))
			}
			wantException(t, err, wire.AliasExistsException, "An account with the email already exists.")
			if got := w.user("ann@example.com"); attribute(got, "sub") != attribute(w.user(ann), "sub") {
				t.Error("the address leads to another user")
			}
			w.signIn("bob@example.com")
		})
	}
}

// TestAdministratorsChangeWaitsToo covers AdminUpdateUserAttributes with and without the
// flag of verification, and the new-password challenge.
func TestAdministratorsChangeWaitsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, verifyingFirst("aliases"))
	w.addUser("ann", pooltest.Attributes("email", "old@example.com", "email_verified", "true")...)
	set := func(pairs ...string) {
		t.Helper()
		must[wire.AdminUpdateUserAttributesResponse](w, "AdminUpdateUserAttributes", &wire.AdminUpdateUserAttributesRequest{
			UserPoolId: w.pool, Username: "ann", UserAttributes: pooltest.Attributes(pairs...),
		})
	}
	set("email", "new@example.com")
	if got := attribute(w.user("ann"), "email"); got != "old@example.com" {
		t.Errorf("the address is %s at once", got)
	}
	if err := w.verify(w.signIn("ann").AccessToken, "email", w.code("new@example.com")); err != nil {
		t.Error(err)
	}
	sent := len(w.outbox.Entries())
	set("phone_number", "+15551234567", "phone_number_verified", "true", "email", "third@example.com", "email_verified", "TRUE")
	u := w.user("ann")
	if attribute(u, "email") != "third@example.com" || attribute(u, "phone_number_verified") != "true" || len(w.outbox.Entries()) != sent {
		t.Errorf("verified by the administrator: %v", u.UserAttributes)
	}

	const text = "Cannot modify an already provided email"
	asked := w.invite("new", pooltest.Attributes("email", "new2@example.com", "email_verified", "true")...)
	wantException(t, w.renew("new", asked, "Permanent-1", "email", "other@example.com"), wire.NotAuthorizedException, text)
	if err := w.renew("new", asked, "Permanent-1", "email", "new2@example.com", "phone_number", "+15557654321"); err != nil {
		t.Errorf("the same address, and a first number: %v", err)
	}
}

// TestChangedContactIsNormalized: the code goes to the address as it is stored, so that
// the answer verifies it.
func TestChangedContactIsNormalized(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addUser("ann", pooltest.Attributes("email", "old@example.com", "email_verified", "true")...)
	token := w.signIn("ann").AccessToken
	if _, err := w.change(token, "email", " ｎew@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := w.verify(token, "email", w.code("new@example.com")); err != nil {
		t.Fatal(err)
	}
	w.signIn("new@example.com")
}
