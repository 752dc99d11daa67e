package userpool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
)

const goodPassword = "Correct-h0rse"

// hasPassword reports whether password is the user's.
func (c *console) hasPassword(t *testing.T, u storage.User, password string) bool {
	t.Helper()
	set, _, err := c.viewUser(t.Context(), u.PoolID, u.Sub)
	if err != nil {
		t.Fatal(err)
	}
	v, name, err := c.unsealVerifier(set, u, u.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	return srp.Verifier{Salt: u.Salt, V: v}.Matches(srpPool(u.PoolID), name, password)
}

func TestAdminCreateUser(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
		Policies: &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{TemporaryPasswordValidityDays: new(int32(3))}}}})
	out := must(c.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
		UserPoolId: id, Username: "alice", TemporaryPassword: goodPassword, MessageAction: "SUPPRESS",
		UserAttributes: attributeTypes("email", "a@example.com", "email_verified", "TRUE", "nickname", ""),
	}))(t)
	stored := c.stored(t, id, "alice")
	want := &wire.UserType{
		Username: "alice", Enabled: true, UserStatus: "FORCE_CHANGE_PASSWORD",
		Attributes:     attributeTypes("sub", stored.Sub, "email", "a@example.com", "email_verified", "true"),
		UserCreateDate: wire.NewTime(c.now()), UserLastModifiedDate: wire.NewTime(c.now()),
	}
	if diff := cmp.Diff(want, out.User); diff != "" {
		t.Errorf("AdminCreateUser (-want +got):\n%s", diff)
	}
	if _, ok := parseUUID(stored.Sub); !ok || !c.hasPassword(t, stored, goodPassword) {
		t.Errorf("sub %q is no UUID, or the password is not the user's", stored.Sub)
	}
	if life := stored.TemporaryUntil.Sub(c.now()); life != 3*24*time.Hour {
		t.Errorf("the temporary password lasts %v, want 3 days", life)
	}
	got := must(c.AdminGetUser(t.Context(), &wire.AdminGetUserRequest{UserPoolId: id, Username: stored.Sub}))(t)
	shown := &wire.AdminGetUserResponse{
		Username: "alice", UserAttributes: want.Attributes, Enabled: true, UserStatus: want.UserStatus,
		UserCreateDate: want.UserCreateDate, UserLastModifiedDate: want.UserLastModifiedDate,
	}
	if diff := cmp.Diff(shown, got); diff != "" {
		t.Errorf("AdminGetUser by sub (-want +got):\n%s", diff)
	}
}

func TestAdminCreateUserRefusals(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	plain := c.pool(t, wire.CreateUserPoolRequest{})
	folded := c.pool(t, wire.CreateUserPoolRequest{UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)}})
	aliased := c.pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "phone_number", "preferred_username"}})
	emails := c.pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email"}})
	phones := c.pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"phone_number"}})
	contacts := c.pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email", "phone_number"}})
	c.user(t, plain, "alice")
	c.user(t, folded, "Alice")
	owner := c.user(t, aliased, "owner", "email", "o@example.com", "email_verified", "true", "preferred_username", "boss")
	c.user(t, emails, "o@example.com")

	const invalid, exists, alias = wire.InvalidParameterException, wire.UsernameExistsException, wire.AliasExistsException
	tests := []struct {
		name, pool, username string
		attributes           []string
		password             wire.Sensitive
		typ, text            string
	}{
		{name: "taken", pool: plain, username: "alice", typ: exists, text: "User account already exists"},
		{name: "other case is another name", pool: plain, username: "Alice"},
		{name: "taken in another case", pool: folded, username: "ALICE", typ: exists, text: "User account already exists"},
		{name: "taken in another form of Unicode", pool: folded, username: "ａｌｉｃｅ", typ: exists, text: "User account already exists"},
		{name: "weak password", pool: plain, username: "weak", password: "weakling", typ: wire.InvalidPasswordException, text: "Password must have uppercase characters"},
		{name: "longest name", pool: plain, username: strings.Repeat("ä", 128)},
		{name: "name too long when normalized", pool: plain, username: strings.Repeat("ﬃ", 43), typ: invalid, text: "longer than 128 characters"},
		{name: "name with a space when normalized", pool: plain, username: "a´b", typ: invalid, text: "white space"},
		{name: "sub given", pool: plain, username: "x", attributes: []string{"sub", "y"}, typ: invalid, text: "user.sub: Attribute cannot be updated."},
		{name: "unknown attribute", pool: plain, username: "x", attributes: []string{"custom:x", "y"}, typ: invalid, text: "Attribute does not exist in the schema."},
		{name: "attribute twice", pool: plain, username: "x", attributes: []string{"name", "y", "name", "z"}, typ: invalid, text: "Duplicate attribute"},
		{name: "verified without e-mail", pool: plain, username: "x", attributes: []string{"email_verified", "true"}, typ: invalid, text: "Email is required"},

		{name: "verified alias taken", pool: aliased, username: "x", attributes: []string{"email", "o@example.com", "email_verified", "true"}, typ: alias, text: "An account with the email already exists."},
		{name: "unverified alias", pool: aliased, username: "claims", attributes: []string{"email", "o@example.com"}},
		{name: "preferred name taken", pool: aliased, username: "x", attributes: []string{"preferred_username", "boss"}, typ: alias, text: "preferred_username"},
		{name: "preferred name is a user name", pool: aliased, username: "x", attributes: []string{"preferred_username", "owner"}, typ: alias, text: "preferred_username"},
		{name: "name is another's preferred name", pool: aliased, username: "boss", typ: exists, text: "User account already exists"},
		{name: "name is another's sub", pool: aliased, username: owner.Sub, typ: exists, text: "User account already exists"},
		{name: "name like an e-mail", pool: aliased, username: "x@example.com", typ: invalid, text: "cannot be of email format"},
		{name: "name like a phone number", pool: aliased, username: "+15555550100", typ: invalid, text: "cannot be of phone number format"},
		{name: "name like an e-mail, no aliases", pool: plain, username: "x@example.com"},

		{name: "e-mail pool", pool: emails, username: "alice", typ: invalid, text: "Username should be an email."},
		{name: "e-mail pool, phone", pool: emails, username: "+15555550100", typ: invalid, text: "Username should be an email."},
		{name: "phone pool", pool: phones, username: "a@example.com", typ: invalid, text: "Username should be a phone number."},
		{name: "contact pool", pool: contacts, username: "alice", typ: invalid, text: "Username should be either an email or a phone number."},
		{name: "contact pool, phone", pool: contacts, username: "+15555550100"},
		{name: "e-mail taken", pool: emails, username: "o@example.com", typ: exists, text: "User account already exists"},
		{name: "e-mail differs from the name", pool: emails, username: "x@example.com", attributes: []string{"email", "y@example.com"}, typ: invalid, text: "differ"},
		{name: "unknown pool", pool: "local_none", username: "x", typ: wire.ResourceNotFoundException, text: "User pool local_none does not exist."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
				UserPoolId: tt.pool, Username: tt.username, UserAttributes: attributeTypes(tt.attributes...), TemporaryPassword: tt.password})
			switch {
			case tt.typ != "":
				wantException(t, err, tt.typ, tt.text)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestUsernameIsTheSubWhereContactsSignIn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email"},
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)}})
	got := c.user(t, id, "A@Example.com")
	if got.Username != got.Sub || got.Attributes["email"] != "A@Example.com" {
		t.Errorf("username %q, e-mail %q, want the sub %q and the address as given", got.Username, got.Attributes["email"], got.Sub)
	}
	if c.stored(t, id, "a@example.COM").Sub != got.Sub {
		t.Error("the address in another case finds somebody else")
	}
}

func TestForceAliasCreation(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "preferred_username"}})
	c.user(t, id, "old", "email", "o@example.com", "email_verified", "true", "preferred_username", "boss")
	in := &wire.AdminCreateUserRequest{UserPoolId: id, Username: "new", ForceAliasCreation: true,
		UserAttributes: attributeTypes("email", "o@example.com", "email_verified", "true", "preferred_username", "boss")}
	_, err := c.AdminCreateUser(t.Context(), in)
	wantException(t, err, wire.AliasExistsException, "preferred_username")
	if got := c.stored(t, id, "o@example.com").Username; got != "old" {
		t.Errorf("a refused call moved the alias to %q", got)
	}
	in.UserAttributes = in.UserAttributes[:2]
	must(c.AdminCreateUser(t.Context(), in))(t)
	old := c.stored(t, id, "old")
	want := map[string]string{"email": "o@example.com", "email_verified": "false", "preferred_username": "boss"}
	if diff := cmp.Diff(want, old.Attributes); diff != "" || c.stored(t, id, "o@example.com").Username != "new" {
		t.Errorf("the alias did not move; attributes of the old owner (-want +got):\n%s", diff)
	}
}

func TestPasswordlessUserIsConfirmed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{Policies: &wire.UserPoolPolicyType{
		SignInPolicy: &wire.SignInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD", "EMAIL_OTP"}}}}})
	verified := c.user(t, id, "a", "email", "a@example.com", "email_verified", "true")
	claimed := c.user(t, id, "b", "email", "b@example.com")
	if verified.Status != "CONFIRMED" || len(verified.Verifier) != 0 || claimed.Status != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("verified: %s, claimed: %s, want CONFIRMED without a password and FORCE_CHANGE_PASSWORD", verified.Status, claimed.Status)
	}
}

// The random password reaches nobody: neither answer nor log, nor storage in the clear.
func TestTemporaryPasswordIsHidden(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var log bytes.Buffer
	c.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	id := c.pool(t, wire.CreateUserPoolRequest{})
	out := must(c.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{UserPoolId: id, Username: "a", TemporaryPassword: goodPassword}))(t)
	answer := must(wire.Marshal(out))(t)
	c.user(t, id, "b")
	if u := c.stored(t, id, "b"); len(u.Verifier) == 0 || u.Status != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("user without a given password: status %s, verifier of %d bytes", u.Status, len(u.Verifier))
	}
	if shown := string(answer) + fmt.Sprintf("%+v", c.stored(t, id, "a")) + log.String(); strings.Contains(shown, goodPassword) {
		t.Error("the temporary password is shown")
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	first := c.user(t, id, "alice")
	resend := &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", MessageAction: "RESEND",
		TemporaryPassword: goodPassword, UserAttributes: attributeTypes("nickname", "ignored")}

	c.advance(8 * 24 * time.Hour)
	out := must(c.AdminCreateUser(t.Context(), resend))(t)
	got := c.stored(t, id, "alice")
	if !c.hasPassword(t, got, goodPassword) || got.TemporaryUntil != c.now().Add(7*24*time.Hour) || got.PasswordEpoch != first.PasswordEpoch+1 {
		t.Errorf("after RESEND: until %v at %v, epoch %d after %d, or the wrong password", got.TemporaryUntil, c.now(), got.PasswordEpoch, first.PasswordEpoch)
	}
	if out.User.UserStatus != "FORCE_CHANGE_PASSWORD" || len(got.Attributes) != 0 {
		t.Errorf("status %s, attributes %v, want no change of either", out.User.UserStatus, got.Attributes)
	}
	resend.TemporaryPassword = ""
	must(c.AdminCreateUser(t.Context(), resend))(t)
	if c.hasPassword(t, c.stored(t, id, "alice"), goodPassword) {
		t.Error("RESEND without a password kept the old one")
	}

	resend.Username = "nobody"
	_, err := c.AdminCreateUser(t.Context(), resend)
	wantException(t, err, wire.UserNotFoundException, "User does not exist.")
	must(c.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: goodPassword, Permanent: true}))(t)
	resend.Username = "alice"
	_, err = c.AdminCreateUser(t.Context(), resend)
	wantException(t, err, wire.UnsupportedUserStateException, "Current status is CONFIRMED")
}

// session puts a running session of a user into storage.
func (c *console) session(t *testing.T, u storage.User) string {
	t.Helper()
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: u.PoolID})
	id := random.UUID()
	c.update(t, func(tx storage.Tx) error {
		return tx.Sessions.Insert(storage.Session{
			ID: id, PoolID: u.PoolID, ClientID: client.ClientId, UserSub: u.Sub, UserEpoch: u.SignOuts,
			Generation: 1, CreatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour),
		})
	})
	return id
}

// over reports whether a session has ended, by its row and by the user's count.
func (c *console) over(t *testing.T, id string) (over bool) {
	t.Helper()
	c.update(t, func(tx storage.Tx) error {
		session, err := tx.Sessions.Session(id)
		if errors.Is(err, storage.ErrNotFound) {
			over = true
			return nil
		}
		if err != nil {
			return err
		}
		user, err := tx.Users.BySub(session.PoolID, session.UserSub)
		if over = !session.RevokedAt.IsZero(); over != (session.UserEpoch != user.SignOuts) {
			t.Errorf("the row says over %t, the count of sign-outs says otherwise", over)
		}
		return err
	})
	return over
}

func TestAccountStates(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	type operation func(name string) error
	ctx := t.Context()
	set := func(permanent bool, password wire.Sensitive) operation {
		return func(name string) error {
			return errorOf(c.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: name, Password: password, Permanent: permanent}))
		}
	}
	disable := operation(func(name string) error {
		return errorOf(c.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: name}))
	})
	enable := operation(func(name string) error {
		return errorOf(c.AdminEnableUser(ctx, &wire.AdminEnableUserRequest{UserPoolId: id, Username: name}))
	})
	confirm := operation(func(name string) error {
		return errorOf(c.AdminConfirmSignUp(ctx, &wire.AdminConfirmSignUpRequest{UserPoolId: id, Username: name}))
	})
	reset := operation(func(name string) error {
		return errorOf(c.AdminResetUserPassword(ctx, &wire.AdminResetUserPasswordRequest{UserPoolId: id, Username: name}))
	})
	tests := []struct {
		name      string
		from      wire.UserStatus
		run       operation
		to        wire.UserStatus
		enabled   bool
		over      bool
		typ, text string
	}{
		{name: "password for good", from: "FORCE_CHANGE_PASSWORD", run: set(true, goodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "password for good confirms", from: "UNCONFIRMED", run: set(true, goodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "password ends a reset", from: "RESET_REQUIRED", run: set(true, goodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "temporary password", from: "CONFIRMED", run: set(false, goodPassword), to: "FORCE_CHANGE_PASSWORD", enabled: true, over: true},
		{name: "bad password", from: "CONFIRMED", run: set(true, "Correct-horse"), to: "CONFIRMED", enabled: true,
			typ: wire.InvalidPasswordException, text: "Password must have numeric characters"},
		{name: "disable", from: "CONFIRMED", run: disable, to: "CONFIRMED", over: true},
		{name: "enable does not revive", from: "CONFIRMED", run: func(name string) error { return errors.Join(disable(name), enable(name)) },
			to: "CONFIRMED", enabled: true, over: true},
		{name: "enable who is enabled", from: "CONFIRMED", run: enable, to: "CONFIRMED", enabled: true},
		{name: "confirm", from: "UNCONFIRMED", run: confirm, to: "CONFIRMED", enabled: true},
		{name: "confirm again", from: "CONFIRMED", run: confirm, to: "CONFIRMED", enabled: true,
			typ: wire.NotAuthorizedException, text: "User cannot be confirmed. Current status is CONFIRMED"},
		{name: "confirm a temporary password", from: "FORCE_CHANGE_PASSWORD", run: confirm, to: "FORCE_CHANGE_PASSWORD", enabled: true,
			typ: wire.NotAuthorizedException, text: "Current status is FORCE_CHANGE_PASSWORD"},
		{name: "reset", from: "CONFIRMED", run: reset, to: "RESET_REQUIRED", enabled: true, over: true},
		{name: "reset again", from: "RESET_REQUIRED", run: reset, to: "RESET_REQUIRED", enabled: true, over: true},
		{name: "reset a temporary password", from: "FORCE_CHANGE_PASSWORD", run: reset, to: "FORCE_CHANGE_PASSWORD", enabled: true,
			typ: wire.NotAuthorizedException, text: "User password cannot be reset in the current state."},
		{name: "reset who never confirmed", from: "UNCONFIRMED", run: reset, to: "UNCONFIRMED", enabled: true,
			typ: wire.NotAuthorizedException, text: "User password cannot be reset in the current state."},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("user%d", i)
			user := c.user(t, id, name)
			user.Status = string(tt.from)
			c.update(t, func(tx storage.Tx) error { return tx.Users.Update(user) })
			session := c.session(t, user)
			err := tt.run(name)
			if tt.typ != "" {
				wantException(t, err, tt.typ, tt.text)
			} else if err != nil {
				t.Fatal(err)
			}
			got := c.stored(t, id, name)
			if got.Status != string(tt.to) || got.Enabled != tt.enabled || c.over(t, session) != tt.over {
				t.Errorf("status %s, enabled %t, session over %t; want %s, %t, %t", got.Status, got.Enabled, c.over(t, session), tt.to, tt.enabled, tt.over)
			}
			if changed := !cmp.Equal(user, got); changed != (tt.typ == "") || changed && !got.ModifiedAt.After(user.ModifiedAt) {
				t.Errorf("changed %t at %v, before at %v", changed, got.ModifiedAt, user.ModifiedAt)
			}
		})
	}
}

func TestAdminSetUserPassword(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	first := c.user(t, id, "alice")
	in := &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: goodPassword}
	c.advance(time.Hour)
	must(c.AdminSetUserPassword(t.Context(), in))(t)
	temporary := c.stored(t, id, "alice")
	if temporary.TemporaryUntil != c.now().Add(7*24*time.Hour) || temporary.PasswordEpoch != first.PasswordEpoch+1 {
		t.Errorf("temporary until %v at %v, epoch %d after %d", temporary.TemporaryUntil, c.now(), temporary.PasswordEpoch, first.PasswordEpoch)
	}
	in.Permanent, in.Password = true, "An0ther-password"
	must(c.AdminSetUserPassword(t.Context(), in))(t)
	permanent := c.stored(t, id, "alice")
	if !permanent.TemporaryUntil.IsZero() || !c.hasPassword(t, permanent, "An0ther-password") || c.hasPassword(t, permanent, goodPassword) {
		t.Errorf("permanent password: until %v, or the wrong password", permanent.TemporaryUntil)
	}
	// Whoever is gone between the two transactions is not written.
	err := c.changeFound(t.Context(), storage.User{PoolID: id, Sub: "gone"}, func(storage.Tx, *storage.User) error { return nil })
	wantException(t, err, wire.UserNotFoundException, "User does not exist.")
}

func TestBusyGateRefusesPasswords(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	c.gate = limits.NewGate(1, 0)
	leave := must(c.gate.Enter(t.Context()))(t)
	defer leave()
	_, err := c.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice"})
	wantException(t, err, wire.TooManyRequestsException, "")
}

func TestAdminDeleteUser(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	id := c.pool(t, wire.CreateUserPoolRequest{})
	alice := c.user(t, id, "alice")
	session := c.session(t, alice)
	in := &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}
	must(c.AdminDeleteUser(t.Context(), in))(t)
	if !c.over(t, session) {
		t.Error("the session outlived its user")
	}
	_, err := c.AdminDeleteUser(t.Context(), in)
	wantException(t, err, wire.UserNotFoundException, "User does not exist.")
	if again := c.user(t, id, "alice"); again.Sub == alice.Sub {
		t.Error("the sub was used again")
	}
}

// What administrators do is what users meet: from creation to deletion, over
// sign-ins with real tokens.
func TestAccountLifeWithSignIns(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, id := t.Context(), c.pool(t, wire.CreateUserPoolRequest{})
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, UserPoolClientSettings: wire.UserPoolClientSettings{
		ExplicitAuthFlows: []wire.ExplicitAuthFlow{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}}})
	signIn := func(password string) (*wire.AdminInitiateAuthResponse, error) {
		return c.AdminInitiateAuth(ctx, &wire.AdminInitiateAuthRequest{UserPoolId: id, ClientId: client.ClientId,
			AuthFlow: wire.AuthFlowAdminUserPassword, AuthParameters: wire.Parameters{"USERNAME": "alice", "PASSWORD": password}})
	}
	must(c.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", TemporaryPassword: "Temp0rary-one"}))(t)
	if out := must(signIn("Temp0rary-one"))(t); out.ChallengeName != wire.ChallengeNewPasswordRequired {
		t.Fatalf("a temporary password leads to %q, want NEW_PASSWORD_REQUIRED", out.ChallengeName)
	}
	c.advance(7 * 24 * time.Hour)
	wantException(t, errorOf(signIn("Temp0rary-one")), wire.NotAuthorizedException, "Temporary password has expired")
	must(c.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", TemporaryPassword: "Temp0rary-two", MessageAction: "RESEND"}))(t)
	must(signIn("Temp0rary-two"))(t)

	must(c.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: goodPassword, Permanent: true}))(t)
	tokens := must(signIn(goodPassword))(t).AuthenticationResult
	caller := func() error {
		return errorOf(c.GetUser(ctx, &wire.GetUserRequest{AccessToken: tokens.AccessToken}))
	}
	if err := caller(); err != nil {
		t.Fatal(err)
	}
	must(c.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wantException(t, errorOf(signIn(goodPassword)), wire.NotAuthorizedException, "User is disabled.")
	must(c.AdminEnableUser(ctx, &wire.AdminEnableUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wantException(t, caller(), wire.NotAuthorizedException, "Access Token has been revoked")
	refresh := &wire.GetTokensFromRefreshTokenRequest{ClientId: client.ClientId, RefreshToken: tokens.RefreshToken}
	wantException(t, errorOf(c.GetTokensFromRefreshToken(ctx, refresh)), wire.NotAuthorizedException, "Refresh Token has been revoked")

	must(signIn(goodPassword))(t)
	must(c.AdminResetUserPassword(ctx, &wire.AdminResetUserPasswordRequest{UserPoolId: id, Username: "alice"}))(t)
	wantException(t, errorOf(signIn(goodPassword)), wire.PasswordResetRequiredException, "")
	must(c.AdminDeleteUser(ctx, &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wantException(t, errorOf(signIn(goodPassword)), wire.UserNotFoundException, "User does not exist.")
}

// Every operation that names a pool refuses what belongs to another one, and a
// pool that does not exist.
func TestCrossPoolAccess(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx := t.Context()
	own, other := c.pool(t, wire.CreateUserPoolRequest{}), c.pool(t, wire.CreateUserPoolRequest{})
	alice := c.user(t, other, "alice")
	client := c.client(t, wire.CreateUserPoolClientRequest{UserPoolId: other})
	must(c.CreateGroup(ctx, &wire.CreateGroupRequest{UserPoolId: other, GroupName: "admins"}))(t)
	before := c.snapshot(t, other)

	const user, clientOrPool = wire.UserNotFoundException, wire.ResourceNotFoundException
	named := map[string]string{ // operation to the exception for what another pool has
		"DescribeUserPoolClient": clientOrPool, "UpdateUserPoolClient": clientOrPool, "DeleteUserPoolClient": clientOrPool,
		"AdminInitiateAuth": clientOrPool, "AdminRespondToAuthChallenge": clientOrPool,
		"AdminGetUser": user, "AdminDeleteUser": user, "AdminEnableUser": user, "AdminDisableUser": user,
		"AdminConfirmSignUp": user, "AdminResetUserPassword": user, "AdminSetUserPassword": user,
		"AdminUpdateUserAttributes": user, "AdminUserGlobalSignOut": user, "AdminListGroupsForUser": user,
		"GetGroup": clientOrPool, "UpdateGroup": clientOrPool, "DeleteGroup": clientOrPool, "ListUsersInGroup": clientOrPool,
		"AdminAddUserToGroup": clientOrPool, "AdminRemoveUserFromGroup": clientOrPool,
	}
	tested := 0
	methods := reflect.ValueOf(c.Service)
	for name := range c.Operations() {
		method := methods.MethodByName(name)
		request := method.Type().In(1).Elem()
		if _, ok := request.FieldByName("UserPoolId"); !ok {
			continue
		}
		tested++
		call := func(poolID, username string) error {
			in := reflect.New(request)
			for field, value := range map[string]string{
				"UserPoolId": poolID, "Username": username, "ClientId": client.ClientId, "GroupName": "admins",
				"ClientName": "web", "Password": goodPassword, "ChallengeName": "NEW_PASSWORD_REQUIRED",
			} {
				if f := in.Elem().FieldByName(field); f.IsValid() {
					f.SetString(value)
				}
			}
			err, _ := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})[1].Interface().(error)
			return err
		}
		t.Run(name, func(t *testing.T) {
			wantException(t, call("local_none", "alice"), wire.ResourceNotFoundException, "User pool local_none does not exist.")
			if typ, ok := named[name]; ok {
				for _, username := range []string{"alice", alice.Sub} {
					wantException(t, call(own, username), typ, "")
				}
			}
		})
	}
	if tested < len(named)+8 {
		t.Errorf("%d operations name a pool, want at least %d", tested, len(named)+8)
	}
	// A user of the own pool does not get into a group of the other, nor the other way round.
	c.user(t, own, "bob")
	_, err := c.AdminAddUserToGroup(ctx, &wire.AdminAddUserToGroupRequest{UserPoolId: other, Username: "bob", GroupName: "admins"})
	wantException(t, err, user, "User does not exist.")
	if diff := cmp.Diff(before, c.snapshot(t, other)); diff != "" {
		t.Errorf("the other pool changed (-before +after):\n%s", diff)
	}
}

// snapshot is all that a pool holds.
func (c *console) snapshot(t *testing.T, poolID string) (all []any) {
	t.Helper()
	err := c.db.View(context.WithoutCancel(t.Context()), func(tx storage.Tx) error {
		pool, err1 := tx.Pools.Pool(poolID)
		users, err2 := tx.Users.List(poolID, storage.UserFilter{}, storage.UserCursor{}, 1000)
		clients, err3 := tx.Clients.List(poolID, "", 1000)
		groups, err4 := tx.Groups.List(poolID, "", 1000)
		members, err5 := tx.Members.UsersIn(poolID, "admins", "", 1000)
		all = []any{pool, users, clients, groups, members}
		return errors.Join(err1, err2, err3, err4, err5)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
