package userpool_test

import (
	"html"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// other is a code that is not this one.
func other(code wire.Sensitive) wire.Sensitive {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return wire.Sensitive(code[0]+1) + code[1:]
}

func (w *world) user(name string) *wire.AdminGetUserResponse {
	w.t.Helper()
	return must[wire.AdminGetUserResponse](w, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: w.pool, Username: name})
}

func attribute(u *wire.AdminGetUserResponse, name string) string {
	for _, a := range u.UserAttributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	out := w.signUp("ann", "ann@example.com")
	want := &wire.CodeDeliveryDetailsType{AttributeName: "email", DeliveryMedium: "EMAIL", Destination: "a***@e***"}
	if diff := cmp.Diff(want, out.CodeDeliveryDetails); diff != "" || out.UserConfirmed || len(out.UserSub) != 36 {
		t.Errorf("%+v\n%s", out, diff)
	}
	code := w.code("ann@example.com")
	_, err := w.withPassword("ann", password)
	wantException(t, err, wire.UserNotConfirmedException, wire.MessageUserNotConfirmed)
	_, err = w.withPassword("ann@example.com", password)
	if err == nil {
		t.Error("an address that is not verified is a name to sign in with")
	}
	wantException(t, w.confirm("ann", other(code), false), wire.CodeMismatchException, wire.MessageCodeMismatch)
	if err := w.confirm("ann", code, false); err != nil {
		t.Fatal(err)
	}
	if u := w.user("ann"); u.UserStatus != wire.UserStatusConfirmed || attribute(u, "email_verified") != "true" || attribute(u, "sub") != out.UserSub {
		t.Errorf("confirmed user: %+v", u)
	}
	w.signIn("ann@example.com")
	wantException(t, w.confirm("ann", code, false), wire.NotAuthorizedException, wire.MessageAlreadyConfirmed)
	_, err = w.resend("ann")
	wantException(t, err, wire.InvalidParameterException, wire.MessageAlreadyConfirmedResend)
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Verifying(p, c)
		p.Schema = []wire.SchemaAttributeType{{Name: "name", Required: new(true)}}
		c.WriteAttributes = []string{"email", "name"}
	})
	w.addUser("taken", wire.AttributeType{Name: "name", Value: "T"})
	name := wire.AttributeType{Name: "name", Value: "Ann"}
	for _, test := range []struct {
		what       string
		username   string
		pass       wire.Sensitive
		attributes []wire.AttributeType
		typ, says  string
	}{
		{"a name that is taken", "taken", password, []wire.AttributeType{name}, wire.UsernameExistsException, "User already exists"},
		{"a weak password", "ann", "weakest", []wire.AttributeType{name}, wire.InvalidPasswordException, "Password not long enough"},
		{"no password", "ann", "", []wire.AttributeType{name}, wire.InvalidParameterException, ""},
		{"a required attribute that is missing", "ann", password, nil, wire.InvalidParameterException, "name"},
		{"an attribute that the client may not write", "ann", password, []wire.AttributeType{name, {Name: "nickname", Value: "A"}}, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute},
		{"an address that calls itself verified", "ann", password, []wire.AttributeType{name, {Name: "email_verified", Value: "true"}}, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute},
		{"a sub", "ann", password, []wire.AttributeType{name, {Name: "sub", Value: "x"}}, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute},
		{"a name of the form of an alias", "ann@example.com", password, []wire.AttributeType{name}, wire.InvalidParameterException, "email format"},
		{"an address that is none", "ann", password, append(pooltest.Email("ann"), name), wire.InvalidParameterException, "email"},
	} {
		_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
			ClientId: w.client, Username: test.username, Password: test.pass, UserAttributes: test.attributes,
		})
		if !wire.IsException(err, test.typ) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s with %q", test.what, err, test.typ, test.says)
		}
	}
	if len(w.outbox.Entries()) != 0 {
		t.Error("a refused sign-up sent something")
	}
	closed := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.AdminCreateUserConfig = &wire.AdminCreateUserConfigType{AllowAdminCreateUserOnly: new(true)}
	})
	_, err := call[wire.SignUpResponse](closed, "SignUp", &wire.SignUpRequest{ClientId: closed.client, Username: "ann", Password: password})
	wantException(t, err, wire.NotAuthorizedException, wire.MessageSignUpNotPermitted)
}

// TestCodes: a code is good once, for five tries, for its time, and a new one
// takes its place.
func TestCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.signUp("ann", "ann@example.com")
	first := w.code("ann@example.com")
	if _, err := w.resend("ann"); err != nil {
		t.Fatal(err)
	}
	second := w.code("ann@example.com")
	if first != second { // one in a million
		wantException(t, w.confirm("ann", first, false), wire.CodeMismatchException, wire.MessageCodeMismatch)
	}
	w.advance(25 * time.Hour)
	wantException(t, w.confirm("ann", second, false), wire.ExpiredCodeException, wire.MessageCodeExpired)
	if _, err := w.resend("ann"); err != nil {
		t.Fatal(err)
	}
	third := w.code("ann@example.com")
	for range 5 {
		wantException(t, w.confirm("ann", other(third), false), wire.CodeMismatchException, wire.MessageCodeMismatch)
	}
	wantException(t, w.confirm("ann", third, false), wire.ExpiredCodeException, wire.MessageCodeExpired)
}

func TestCodesAreLimited(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]string{"a user": "ann", "nobody": "nobody"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, pooltest.Hiding)
			w.addUser("ann", pooltest.Email("ann@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"})
			for range 5 {
				if _, err := w.forgot(who); err != nil {
					t.Fatal(err)
				}
			}
			_, err := w.forgot(who)
			wantException(t, err, wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
			for range 15 {
				wantException(t, w.recover(who, "New-Password-1", "not-it"), wire.CodeMismatchException, wire.MessageCodeMismatch)
			}
			wantException(t, w.recover(who, "New-Password-1", "not-it"), wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
			w.advance(time.Hour)
			if _, err := w.forgot(who); err != nil {
				t.Errorf("an hour later: %v", err)
			}
		})
	}
}

// TestGuessedInParallel: fifty answers at once count as fifty, and the right one
// among them is good for one at most.
func TestGuessedInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.signUp("ann", "ann@example.com")
	code := w.code("ann@example.com")
	var right atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if w.confirm("ann", code, false) == nil {
				right.Add(1)
			}
		})
	}
	group.Wait()
	if right.Load() != 1 {
		t.Errorf("one code confirmed %d times", right.Load())
	}
}

func TestForgotPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addUser("ann", pooltest.Email("ann@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"})
	session := w.signIn("ann")
	out, err := w.forgot("ann@example.com") // the alias will do
	if err != nil || out.CodeDeliveryDetails.Destination != "a***@e***" {
		t.Fatalf("%+v, %v", out, err)
	}
	code := w.code("ann@example.com")
	w.signIn("ann") // asking for a code changes nothing
	const next = "Another-Horse-7"
	wantException(t, w.recover("ann", "weakest", code), wire.InvalidPasswordException, wire.MessagePasswordTooShort)
	wantException(t, w.recover("ann", next, other(code)), wire.CodeMismatchException, wire.MessageCodeMismatch)
	if err := w.recover("ann", next, code); err != nil {
		t.Fatal(err)
	}
	_, err = w.withPassword("ann", password)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	if _, err := w.withPassword("ann", next); err != nil {
		t.Error(err)
	}
	_, err = w.refresh(session.RefreshToken)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
	wantException(t, w.recover("ann", password, code), wire.ExpiredCodeException, wire.MessageCodeExpired)
	if _, err := w.forgot("ann"); err != nil {
		t.Fatal(err)
	}
	w.advance(61 * time.Minute)
	wantException(t, w.recover("ann", password, w.code("ann@example.com")), wire.ExpiredCodeException, wire.MessageCodeExpired)
}

// TestForgotPasswordRefuses: who may not recover a password, in words where the
// client does not hide who exists, and without a trace where it does.
func TestForgotPasswordRefuses(t *testing.T) {
	t.Parallel()
	states := map[string]struct {
		prepare   func(w *world)
		typ, says string
	}{
		"nobody": {func(*world) {}, wire.UserNotFoundException, wire.MessageUsernameClientNotFound},
		"no verified contact": {func(w *world) { w.addUser("ann", pooltest.Email("ann@example.com")...) },
			wire.InvalidParameterException, wire.MessageNoVerifiedContact},
		"unconfirmed": {func(w *world) { w.signUp("ann", "ann@example.com") },
			wire.InvalidParameterException, wire.MessageNoVerifiedContact},
		"disabled": {func(w *world) {
			w.addUser("ann", pooltest.Email("ann@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"})
			must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "ann"})
		}, wire.NotAuthorizedException, wire.MessageUserDisabled},
		"a temporary password": {func(w *world) {
			must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
				UserPoolId: w.pool, Username: "ann", MessageAction: wire.MessageActionSuppress,
				UserAttributes: []wire.AttributeType{{Name: "email", Value: "ann@example.com"}, {Name: "email_verified", Value: "true"}},
			})
		}, wire.NotAuthorizedException, wire.MessagePasswordNotResettable},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, pooltest.Verifying)
			state.prepare(w)
			sent := len(w.outbox.Entries())
			_, err := w.forgot("ann")
			wantException(t, err, state.typ, state.says)

			hidden := newWorld(t, pooltest.Hiding)
			state.prepare(hidden)
			out, err := hidden.forgot("ann")
			if err != nil || out.CodeDeliveryDetails == nil || out.CodeDeliveryDetails.DeliveryMedium != "EMAIL" {
				t.Fatalf("hidden: %+v, %v", out, err)
			}
			again, err := hidden.forgot("ann")
			if err != nil || *again.CodeDeliveryDetails != *out.CodeDeliveryDetails {
				t.Errorf("the second answer differs: %+v, %v", again, err)
			}
			wantException(t, hidden.recover("ann", "New-Password-1", "123456"), wire.CodeMismatchException, wire.MessageCodeMismatch)
			if len(hidden.outbox.Entries()) != sent || len(w.outbox.Entries()) != sent {
				t.Error("something was sent")
			}
		})
	}
}

// TestHiddenSignUps: to a client that hides who exists, confirming and asking
// again answer the same for whoever it is.
func TestHiddenSignUps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Hiding)
	w.addUser("confirmed", pooltest.Email("confirmed@example.com")...)
	w.signUp("waiting", "waiting@example.com")
	for _, name := range []string{"confirmed", "waiting", "nobody"} {
		wantException(t, w.confirm(name, "not-it", false), wire.CodeMismatchException, wire.MessageCodeMismatch)
		out, err := w.resend(name)
		if err != nil || !regexp.MustCompile(`^[a-z]\*\*\*@[a-z]\*\*\*$`).MatchString(out.CodeDeliveryDetails.Destination) {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	if len(w.outbox.Entries()) != 2 {
		t.Errorf("%d messages, want those to the one who waits", len(w.outbox.Entries()))
	}
	if err := w.confirm("waiting", w.code("waiting@example.com"), false); err != nil {
		t.Error(err)
	}
}

// TestAliasConflict: an address belongs to whoever verified it, until somebody
// who can read its mail takes it.
func TestAliasConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addUser("owner", pooltest.Email("shared@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"})
	w.signUp("ann", "shared@example.com")
	code := w.code("shared@example.com")
	wantException(t, w.confirm("ann", code, false), wire.AliasExistsException, "An account with the email already exists.")
	if u := w.user("ann"); u.UserStatus != wire.UserStatusUnconfirmed {
		t.Errorf("after the conflict: %+v", u)
	}
	if err := w.confirm("ann", code, true); err != nil {
		t.Fatalf("the code was spent by the conflict: %v", err)
	}
	if attribute(w.user("owner"), "email_verified") != "false" || attribute(w.user("ann"), "email_verified") != "true" {
		t.Error("the alias did not move")
	}
	if u := w.user("shared@example.com"); u.Username != "ann" {
		t.Errorf("the alias names %s", u.Username)
	}
}

func TestAdminResetSendsACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addUser("ann", pooltest.Email("ann@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"})
	must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "ann"})
	_, err := w.withPassword("ann", password)
	wantException(t, err, wire.PasswordResetRequiredException, wire.MessagePasswordResetRequired)
	if err := w.recover("ann", "Another-Horse-7", w.code("ann@example.com")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.withPassword("ann", "Another-Horse-7"); err != nil {
		t.Error(err)
	}
}

func TestOwnAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	w.addUser("ann", pooltest.Email("old@example.com")[0], wire.AttributeType{Name: "email_verified", Value: "true"}, wire.AttributeType{Name: "nickname", Value: "A"})
	access := w.signIn("ann").AccessToken
	updated := must[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
		AccessToken: access, UserAttributes: append(pooltest.Email("new@example.com"), wire.AttributeType{Name: "name", Value: "Ann"}),
	})
	if len(updated.CodeDeliveryDetailsList) != 1 || updated.CodeDeliveryDetailsList[0].Destination != "n***@e***" {
		t.Errorf("%+v", updated)
	}
	if u := w.user("ann"); attribute(u, "email_verified") != "false" || attribute(u, "name") != "Ann" {
		t.Errorf("%+v", u)
	}
	verify := func(attribute string, code wire.Sensitive) error {
		_, err := call[wire.VerifyUserAttributeResponse](w, "VerifyUserAttribute", &wire.VerifyUserAttributeRequest{AccessToken: access, AttributeName: attribute, Code: code})
		return err
	}
	wantException(t, verify("email", other(w.code("new@example.com"))), wire.CodeMismatchException, wire.MessageCodeMismatch)
	must[wire.GetUserAttributeVerificationCodeResponse](w, "GetUserAttributeVerificationCode", &wire.GetUserAttributeVerificationCodeRequest{AccessToken: access, AttributeName: "email"})
	if err := verify("email", w.code("new@example.com")); err != nil {
		t.Fatal(err)
	}
	if attribute(w.user("new@example.com"), "email_verified") != "true" {
		t.Error("the address is not verified")
	}
	for _, name := range []string{"nickname", "phone_number"} {
		if err := verify(name, "123456"); !wire.IsException(err, wire.InvalidParameterException) {
			t.Errorf("verify %s: %v", name, err)
		}
	}
	must[wire.DeleteUserAttributesResponse](w, "DeleteUserAttributes", &wire.DeleteUserAttributesRequest{AccessToken: access, UserAttributeNames: []string{"nickname"}})
	if attribute(w.user("ann"), "nickname") != "" {
		t.Error("the attribute was not deleted")
	}
	for _, name := range []string{"email_verified", "sub"} {
		_, err := call[wire.UpdateUserAttributesResponse](w, "UpdateUserAttributes", &wire.UpdateUserAttributesRequest{
			AccessToken: access, UserAttributes: []wire.AttributeType{{Name: name, Value: "true"}},
		})
		wantException(t, err, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)
	}
	must[wire.DeleteUserResponse](w, "DeleteUser", &wire.DeleteUserRequest{AccessToken: access})
	_, err := call[wire.GetUserResponse](w, "GetUser", &wire.GetUserRequest{AccessToken: access})
	if err == nil {
		t.Error("a deleted user's token is good")
	}
}

// TestCodesAreNotStored: neither the code nor anything that it follows from lies
// in the database or in the log.
func TestCodesAreNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pooltest.Verifying)
	out := w.signUp("ann", "ann@example.com")
	code := w.code("ann@example.com")
	err := w.store.View(t.Context(), func(tx storage.Tx) error {
		stored, err := tx.Codes.Code(w.pool, out.UserSub, "sign-up")
		if len(stored.Hash) != 32 || strings.Contains(string(stored.Hash), string(code)) {
			t.Errorf("stored code: %d bytes", len(stored.Hash))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.log.String(), string(code)) {
		t.Error("the code stands in the log")
	}
}

// TestWithoutContact: a pool that verifies nothing sends nothing, and an
// administrator confirms.
func TestWithoutContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsLegacy
	})
	if out := w.signUp("ann", "ann@example.com"); out.CodeDeliveryDetails != nil || len(w.outbox.Entries()) != 0 {
		t.Errorf("%+v", out)
	}
	_, err := w.resend("ann")
	wantException(t, err, wire.InvalidParameterException, wire.MessageNoContact)
	must[wire.AdminConfirmSignUpResponse](w, "AdminConfirmSignUp", &wire.AdminConfirmSignUpRequest{UserPoolId: w.pool, Username: "ann"})
	w.signIn("ann")
}

// TestInvitations: a new user is sent the temporary password where the
// administrator wants it, and by nothing else.
func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		pooltest.Verifying(p, c)
		p.AdminCreateUserConfig = &wire.AdminCreateUserConfigType{InviteMessageTemplate: &wire.MessageTemplateType{
			EmailSubject: "Welcome {username}", EmailMessage: "<p>{username}: <code>{####}</code></p>",
		}}
	})
	create := func(name, action string, media ...string) {
		t.Helper()
		must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
			UserPoolId: w.pool, Username: name, MessageAction: action, DesiredDeliveryMediums: media,
			UserAttributes: append(pooltest.Email(name+"@example.com"), wire.AttributeType{Name: "phone_number", Value: "+15550001234"}),
		})
	}
	create("quiet", wire.MessageActionSuppress, "EMAIL")
	if n := len(w.outbox.Entries()); n != 0 {
		t.Fatalf("%d messages though they are suppressed", n)
	}
	create("ann", "", "EMAIL", "SMS")
	entries := w.outbox.Entries()
	if len(entries) != 2 || entries[0].Medium != "SMS" || entries[1].Medium != "EMAIL" {
		t.Fatalf("%v", entries)
	}
	mail := entries[1]
	if mail.Subject != "Welcome ann" || !mail.HTML || mail.Address != "ann@example.com" {
		t.Errorf("%+v", mail.Message)
	}
	_, rest, _ := strings.Cut(mail.Text.Reveal(), "<code>")
	password, _, _ := strings.Cut(rest, "</code>")
	out, err := w.withPassword("ann", html.UnescapeString(password))
	if err != nil || out.ChallengeName != wire.ChallengeNewPasswordRequired {
		t.Errorf("the invitation's password: %+v, %v", out, err)
	}
	create("bob", "")
	if e := w.outbox.Entries(); len(e) != 3 || e[0].Medium != "SMS" || e[0].Address != "+15550001234" {
		t.Errorf("by default: %v", e)
	}
	must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: w.pool, Username: "ann", MessageAction: wire.MessageActionResend, DesiredDeliveryMediums: []string{"EMAIL"},
	})
	if e := w.outbox.Entries(); len(e) != 4 || e[0].Address != "ann@example.com" || e[0].Text.Reveal() == mail.Text.Reveal() {
		t.Errorf("sent again: %v", e)
	}
}
