package accounts_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestAdminCreateUser(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{
		Policies: &wire.UserPoolPolicyType{PasswordPolicy: &wire.PasswordPolicyType{TemporaryPasswordValidityDays: new(int32(3))}}}})
	out := pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
		UserPoolId: id, Username: "alice", TemporaryPassword: pooltest.GoodPassword, MessageAction: "SUPPRESS",
		UserAttributes: pooltest.Attributes("email", "a@example.com", "email_verified", "TRUE", "nickname", ""),
	}))(t)
	stored := c.Stored(t, id, "alice")
	want := &wire.UserType{
		Username: "alice", Enabled: true, UserStatus: "FORCE_CHANGE_PASSWORD",
		Attributes:     pooltest.Attributes("sub", stored.Sub, "email", "a@example.com", "email_verified", "true"),
		UserCreateDate: wire.NewTime(c.Base.Now()), UserLastModifiedDate: wire.NewTime(c.Base.Now()),
	}
	if diff := cmp.Diff(want, out.User); diff != "" {
		t.Errorf("AdminCreateUser (-want +got):\n%s", diff)
	}
	if _, ok := pool.ParseUUID(stored.Sub); !ok || !c.HasPassword(t, stored, pooltest.GoodPassword) {
		t.Errorf("sub %q is no UUID, or the password is not the user's", stored.Sub)
	}
	if life := stored.TemporaryUntil.Sub(c.Base.Now()); life != 3*24*time.Hour {
		t.Errorf("the temporary password lasts %v, want 3 days", life)
	}
	got := pooltest.Must(c.Accounts.AdminGetUser(t.Context(), &wire.AdminGetUserRequest{UserPoolId: id, Username: stored.Sub}))(t)
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
	c := pooltest.New(t)
	plain := c.Pool(t, wire.CreateUserPoolRequest{})
	folded := c.Pool(t, wire.CreateUserPoolRequest{UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)}})
	aliased := c.Pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "phone_number", "preferred_username"}})
	emails := c.Pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email"}})
	phones := c.Pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"phone_number"}})
	contacts := c.Pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email", "phone_number"}})
	c.User(t, plain, "alice")
	c.User(t, folded, "Alice")
	owner := c.User(t, aliased, "owner", "email", "o@example.com", "email_verified", "true", "preferred_username", "boss")
	c.User(t, emails, "o@example.com")

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
			_, err := c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{
				UserPoolId: tt.pool, Username: tt.username, UserAttributes: pooltest.Attributes(tt.attributes...), TemporaryPassword: tt.password})
			switch {
			case tt.typ != "":
				wiretest.WantException(t, err, tt.typ, tt.text)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestUsernameIsTheSubWhereContactsSignIn(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{UsernameAttributes: []string{"email"},
		UsernameConfiguration: &wire.UsernameConfigurationType{CaseSensitive: new(false)}})
	got := c.User(t, id, "A@Example.com")
	if got.Username != got.Sub || got.Attributes["email"] != "A@Example.com" {
		t.Errorf("username %q, e-mail %q, want the sub %q and the address as given", got.Username, got.Attributes["email"], got.Sub)
	}
	if c.Stored(t, id, "a@example.COM").Sub != got.Sub {
		t.Error("the address in another case finds somebody else")
	}
}

func TestForceAliasCreation(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{AliasAttributes: []string{"email", "preferred_username"}})
	c.User(t, id, "old", "email", "o@example.com", "email_verified", "true", "preferred_username", "boss")
	in := &wire.AdminCreateUserRequest{UserPoolId: id, Username: "new", ForceAliasCreation: true,
		UserAttributes: pooltest.Attributes("email", "o@example.com", "email_verified", "true", "preferred_username", "boss")}
	_, err := c.Accounts.AdminCreateUser(t.Context(), in)
	wiretest.WantException(t, err, wire.AliasExistsException, "preferred_username")
	if got := c.Stored(t, id, "o@example.com").Username; got != "old" {
		t.Errorf("a refused call moved the alias to %q", got)
	}
	in.UserAttributes = in.UserAttributes[:2]
	pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), in))(t)
	old := c.Stored(t, id, "old")
	want := map[string]string{"email": "o@example.com", "email_verified": "false", "preferred_username": "boss"}
	if diff := cmp.Diff(want, old.Attributes); diff != "" || c.Stored(t, id, "o@example.com").Username != "new" {
		t.Errorf("the alias did not move; attributes of the old owner (-want +got):\n%s", diff)
	}
}

func TestPasswordlessUserIsConfirmed(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{UserPoolSettings: wire.UserPoolSettings{Policies: &wire.UserPoolPolicyType{
		SignInPolicy: &wire.SignInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD", "EMAIL_OTP"}}}}})
	verified := c.User(t, id, "a", "email", "a@example.com", "email_verified", "true")
	claimed := c.User(t, id, "b", "email", "b@example.com")
	if verified.Status != "CONFIRMED" || len(verified.Verifier) != 0 || claimed.Status != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("verified: %s, claimed: %s, want CONFIRMED without a password and FORCE_CHANGE_PASSWORD", verified.Status, claimed.Status)
	}
}

// The random password reaches nobody: neither answer nor log, nor storage in the clear.
func TestTemporaryPasswordIsHidden(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := pooltest.New(t, func(config *userpool.Config) {
		config.Pool.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	out := pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{UserPoolId: id, Username: "a", TemporaryPassword: pooltest.GoodPassword}))(t)
	answer := pooltest.Must(wire.Marshal(out))(t)
	c.User(t, id, "b")
	if u := c.Stored(t, id, "b"); len(u.Verifier) == 0 || u.Status != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("user without a given password: status %s, verifier of %d bytes", u.Status, len(u.Verifier))
	}
	if shown := string(answer) + fmt.Sprintf("%+v", c.Stored(t, id, "a")) + log.String(); strings.Contains(shown, pooltest.GoodPassword) {
		t.Error("the temporary password is shown")
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	first := c.User(t, id, "alice")
	resend := &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", MessageAction: "RESEND",
		TemporaryPassword: pooltest.GoodPassword, UserAttributes: pooltest.Attributes("nickname", "ignored")}

	c.Advance(8 * 24 * time.Hour)
	out := pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), resend))(t)
	got := c.Stored(t, id, "alice")
	if !c.HasPassword(t, got, pooltest.GoodPassword) || got.TemporaryUntil != c.Base.Now().Add(7*24*time.Hour) || got.PasswordEpoch != first.PasswordEpoch+1 {
		t.Errorf("after RESEND: until %v at %v, epoch %d after %d, or the wrong password", got.TemporaryUntil, c.Base.Now(), got.PasswordEpoch, first.PasswordEpoch)
	}
	if out.User.UserStatus != "FORCE_CHANGE_PASSWORD" || len(got.Attributes) != 0 {
		t.Errorf("status %s, attributes %v, want no change of either", out.User.UserStatus, got.Attributes)
	}
	resend.TemporaryPassword = ""
	pooltest.Must(c.Accounts.AdminCreateUser(t.Context(), resend))(t)
	if c.HasPassword(t, c.Stored(t, id, "alice"), pooltest.GoodPassword) {
		t.Error("RESEND without a password kept the old one")
	}

	resend.Username = "nobody"
	_, err := c.Accounts.AdminCreateUser(t.Context(), resend)
	wiretest.WantException(t, err, wire.UserNotFoundException, "User does not exist.")
	pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: pooltest.GoodPassword, Permanent: true}))(t)
	resend.Username = "alice"
	_, err = c.Accounts.AdminCreateUser(t.Context(), resend)
	wiretest.WantException(t, err, wire.UnsupportedUserStateException, "Current status is CONFIRMED")
}

func TestAccountStates(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	type operation func(name string) error
	ctx := t.Context()
	set := func(permanent bool, password wire.Sensitive) operation {
		return func(name string) error {
			return pooltest.ErrorOf(c.Accounts.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: name, Password: password, Permanent: permanent}))
		}
	}
	disable := operation(func(name string) error {
		return pooltest.ErrorOf(c.Accounts.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: name}))
	})
	enable := operation(func(name string) error {
		return pooltest.ErrorOf(c.Accounts.AdminEnableUser(ctx, &wire.AdminEnableUserRequest{UserPoolId: id, Username: name}))
	})
	confirm := operation(func(name string) error {
		return pooltest.ErrorOf(c.Accounts.AdminConfirmSignUp(ctx, &wire.AdminConfirmSignUpRequest{UserPoolId: id, Username: name}))
	})
	reset := operation(func(name string) error {
		return pooltest.ErrorOf(c.Accounts.AdminResetUserPassword(ctx, &wire.AdminResetUserPasswordRequest{UserPoolId: id, Username: name}))
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
		{name: "password for good", from: "FORCE_CHANGE_PASSWORD", run: set(true, pooltest.GoodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "password for good confirms", from: "UNCONFIRMED", run: set(true, pooltest.GoodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "password ends a reset", from: "RESET_REQUIRED", run: set(true, pooltest.GoodPassword), to: "CONFIRMED", enabled: true, over: true},
		{name: "temporary password", from: "CONFIRMED", run: set(false, pooltest.GoodPassword), to: "FORCE_CHANGE_PASSWORD", enabled: true, over: true},
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
			user := c.User(t, id, name)
			user.Status = string(tt.from)
			c.Update(t, func(tx storage.Tx) error { return tx.Users.Update(user) })
			session := c.Session(t, user)
			err := tt.run(name)
			if tt.typ != "" {
				wiretest.WantException(t, err, tt.typ, tt.text)
			} else if err != nil {
				t.Fatal(err)
			}
			got := c.Stored(t, id, name)
			if got.Status != string(tt.to) || got.Enabled != tt.enabled || c.Over(t, session) != tt.over {
				t.Errorf("status %s, enabled %t, session over %t; want %s, %t, %t", got.Status, got.Enabled, c.Over(t, session), tt.to, tt.enabled, tt.over)
			}
			if changed := !cmp.Equal(user, got); changed != (tt.typ == "") || changed && !got.ModifiedAt.After(user.ModifiedAt) {
				t.Errorf("changed %t at %v, before at %v", changed, got.ModifiedAt, user.ModifiedAt)
			}
		})
	}
}

func TestAdminSetUserPassword(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	first := c.User(t, id, "alice")
	in := &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: pooltest.GoodPassword}
	c.Advance(time.Hour)
	pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), in))(t)
	temporary := c.Stored(t, id, "alice")
	if temporary.TemporaryUntil != c.Base.Now().Add(7*24*time.Hour) || temporary.PasswordEpoch != first.PasswordEpoch+1 {
		t.Errorf("temporary until %v at %v, epoch %d after %d", temporary.TemporaryUntil, c.Base.Now(), temporary.PasswordEpoch, first.PasswordEpoch)
	}
	in.Permanent, in.Password = true, "An0ther-password"
	pooltest.Must(c.Accounts.AdminSetUserPassword(t.Context(), in))(t)
	permanent := c.Stored(t, id, "alice")
	if !permanent.TemporaryUntil.IsZero() || !c.HasPassword(t, permanent, "An0ther-password") || c.HasPassword(t, permanent, pooltest.GoodPassword) {
		t.Errorf("permanent password: until %v, or the wrong password", permanent.TemporaryUntil)
	}
	// Whoever is gone between the two transactions is not written.
	err := accounts.ChangeFound(c.Accounts, t.Context(), storage.User{PoolID: id, Sub: "gone"}, func(storage.Tx, *storage.User) error { return nil })
	wiretest.WantException(t, err, wire.UserNotFoundException, "User does not exist.")
}

func TestBusyGateRefusesPasswords(t *testing.T) {
	t.Parallel()
	gate := limits.NewGate(1, 0)
	c := pooltest.New(t, func(config *userpool.Config) { config.Pool.Gate = gate })
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	leave := pooltest.Must(gate.Enter(t.Context()))(t)
	defer leave()
	_, err := c.Accounts.AdminCreateUser(t.Context(), &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice"})
	wiretest.WantException(t, err, wire.TooManyRequestsException, "")
}

func TestAdminDeleteUser(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	id := c.Pool(t, wire.CreateUserPoolRequest{})
	alice := c.User(t, id, "alice")
	session := c.Session(t, alice)
	in := &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}
	pooltest.Must(c.Accounts.AdminDeleteUser(t.Context(), in))(t)
	if !c.Over(t, session) {
		t.Error("the session outlived its user")
	}
	_, err := c.Accounts.AdminDeleteUser(t.Context(), in)
	wiretest.WantException(t, err, wire.UserNotFoundException, "User does not exist.")
	if again := c.User(t, id, "alice"); again.Sub == alice.Sub {
		t.Error("the sub was used again")
	}
}

// What administrators do is what users meet: from creation to deletion, over
// sign-ins with real tokens.
func TestAccountLifeWithSignIns(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	client := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, UserPoolClientSettings: wire.UserPoolClientSettings{
		ExplicitAuthFlows: []wire.ExplicitAuthFlow{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}}})
	signIn := func(password string) (*wire.AdminInitiateAuthResponse, error) {
		return c.SignIn.AdminInitiateAuth(ctx, &wire.AdminInitiateAuthRequest{UserPoolId: id, ClientId: client.ClientId,
			AuthFlow: wire.AuthFlowAdminUserPassword, AuthParameters: wire.Parameters{"USERNAME": "alice", "PASSWORD": password}})
	}
	pooltest.Must(c.Accounts.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", TemporaryPassword: "Temp0rary-one"}))(t)
	if out := pooltest.Must(signIn("Temp0rary-one"))(t); out.ChallengeName != wire.ChallengeNewPasswordRequired {
		t.Fatalf("a temporary password leads to %q, want NEW_PASSWORD_REQUIRED", out.ChallengeName)
	}
	c.Advance(7 * 24 * time.Hour)
	wiretest.WantException(t, pooltest.ErrorOf(signIn("Temp0rary-one")), wire.NotAuthorizedException, "Temporary password has expired")
	pooltest.Must(c.Accounts.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: id, Username: "alice", TemporaryPassword: "Temp0rary-two", MessageAction: "RESEND"}))(t)
	pooltest.Must(signIn("Temp0rary-two"))(t)

	pooltest.Must(c.Accounts.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: id, Username: "alice", Password: pooltest.GoodPassword, Permanent: true}))(t)
	tokens := pooltest.Must(signIn(pooltest.GoodPassword))(t).AuthenticationResult
	caller := func() error {
		return pooltest.ErrorOf(c.Accounts.GetUser(ctx, &wire.GetUserRequest{AccessToken: tokens.AccessToken}))
	}
	if err := caller(); err != nil {
		t.Fatal(err)
	}
	pooltest.Must(c.Accounts.AdminDisableUser(ctx, &wire.AdminDisableUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wiretest.WantException(t, pooltest.ErrorOf(signIn(pooltest.GoodPassword)), wire.NotAuthorizedException, "User is disabled.")
	pooltest.Must(c.Accounts.AdminEnableUser(ctx, &wire.AdminEnableUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wiretest.WantException(t, caller(), wire.NotAuthorizedException, "Access Token has been revoked")
	refresh := &wire.GetTokensFromRefreshTokenRequest{ClientId: client.ClientId, RefreshToken: tokens.RefreshToken}
	wiretest.WantException(t, pooltest.ErrorOf(c.Tokens.GetTokensFromRefreshToken(ctx, refresh)), wire.NotAuthorizedException, "Refresh Token has been revoked")

	pooltest.Must(signIn(pooltest.GoodPassword))(t)
	pooltest.Must(c.Accounts.AdminResetUserPassword(ctx, &wire.AdminResetUserPasswordRequest{UserPoolId: id, Username: "alice"}))(t)
	wiretest.WantException(t, pooltest.ErrorOf(signIn(pooltest.GoodPassword)), wire.PasswordResetRequiredException, "")
	pooltest.Must(c.Accounts.AdminDeleteUser(ctx, &wire.AdminDeleteUserRequest{UserPoolId: id, Username: "alice"}))(t)
	wiretest.WantException(t, pooltest.ErrorOf(signIn(pooltest.GoodPassword)), wire.UserNotFoundException, "User does not exist.")
}
