package userpool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// passwordFlows are the ways to sign in with a password.
func (w *world) passwordFlows() map[string]func(name, pass string) error {
	return map[string]func(name, pass string) error{
		"USER_SRP_AUTH": func(name, pass string) error {
			_, err := w.withSRP(name, pass)
			return err
		},
		"USER_PASSWORD_AUTH": func(name, pass string) error {
			_, err := w.withPassword(name, pass)
			return err
		},
		"ADMIN_USER_PASSWORD_AUTH": func(name, pass string) error {
			_, err := call[wire.AdminInitiateAuthResponse](w, "AdminInitiateAuth", &wire.AdminInitiateAuthRequest{
				UserPoolId: w.pool, ClientId: w.client, AuthFlow: wire.AuthFlowAdminUserPassword,
				AuthParameters: wire.Parameters{"USERNAME": name, "PASSWORD": pass},
			})
			return err
		},
	}
}

// TestTokens checks what a sign-in by SRP gives: claims, lifetimes, keys.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.AccessTokenValidity, c.IdTokenValidity = new(int32(10)), new(int32(20))
		c.TokenValidityUnits = &wire.TokenValidityUnitsType{AccessToken: "minutes", IdToken: "minutes"}
	})
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"},
		wire.AttributeType{Name: "email_verified", Value: "true"}, wire.AttributeType{Name: "name", Value: `Ann "<ü>`})
	for name, precedence := range map[string]int32{"staff": 5, "admins": 1} {
		must[wire.CreateGroupResponse](w, "CreateGroup", &wire.CreateGroupRequest{
			UserPoolId: w.pool, GroupName: name, Precedence: &precedence, RoleArn: "arn:aws:iam::000000000000:role/" + name,
		})
		must[wire.AdminAddUserToGroupResponse](w, "AdminAddUserToGroup", &wire.AdminAddUserToGroupRequest{
			UserPoolId: w.pool, GroupName: name, Username: "ann",
		})
	}
	out, err := w.withSRP("ann", password)
	if err != nil {
		t.Fatal(err)
	}
	result := out.AuthenticationResult
	if result.ExpiresIn != 600 || result.TokenType != "Bearer" || result.RefreshToken == "" {
		t.Errorf("ExpiresIn %d, TokenType %q", result.ExpiresIn, result.TokenType)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{Issuer: w.issuer(w.pool), ClientIDs: []string{w.client}, Keys: w.ring.Public(w.pool)})
	if err != nil {
		t.Fatal(err)
	}
	access, err := verifier.VerifyAccess(context.Background(), string(result.AccessToken))
	if err != nil {
		t.Fatal(err)
	}
	id, err := verifier.VerifyID(context.Background(), string(result.IdToken))
	if err != nil {
		t.Fatal(err)
	}
	if access.Header().KeyID == id.Header().KeyID {
		t.Error("one key signs both tokens")
	}
	checkClaims(t, "access token", access.Claims(), map[string]any{
		"sub": "?", "cognito:groups": []any{"admins", "staff"}, "iss": w.issuer(w.pool), "client_id": w.client,
		"origin_jti": "?", "jti": "?", "event_id": "?", "token_use": "access", "scope": "aws.cognito.signin.user.admin",
		"auth_time": "?", "exp": "?", "iat": "?", "username": "ann",
	})
	checkClaims(t, "ID token", id.Claims(), map[string]any{
		"sub": "?", "cognito:groups": []any{"admins", "staff"}, "iss": w.issuer(w.pool), "aud": w.client,
		"cognito:roles":          []any{"arn:aws:iam::000000000000:role/admins", "arn:aws:iam::000000000000:role/staff"},
		"cognito:preferred_role": "arn:aws:iam::000000000000:role/admins",
		"origin_jti":             "?", "jti": "?", "event_id": "?", "token_use": "id",
		"auth_time": "?", "exp": "?", "iat": "?", "cognito:username": "ann",
		"email": "ann@example.com", "email_verified": true, "name": `Ann "<ü>`,
	})
	if access.OriginID() != id.OriginID() || access.EventID() != id.EventID() || access.ID() == id.ID() {
		t.Error("origin_jti, event_id or jti do not hang together")
	}
	if life := access.Expiry().Sub(access.IssuedAt()); life != 10*time.Minute {
		t.Errorf("access token lives %v", life)
	}
	if life := id.Expiry().Sub(id.IssuedAt()); life != 20*time.Minute {
		t.Errorf("ID token lives %v", life)
	}
}

// checkClaims compares names and values; "?" stands for any value.
func checkClaims(t *testing.T, what string, claims jwt.Claims, want map[string]any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(claims.Payload(), &got); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if _, there := got[name]; value == "?" && there {
			got[name] = "?"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestRefusedSignIns holds Cognito's text for each way a sign-in fails, in
// every flow.
func TestRefusedSignIns(t *testing.T) {
	t.Parallel()
	for _, hides := range []bool{false, true} {
		w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
			if hides {
				c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
			}
		})
		for _, name := range []string{"fine", "disabled", "reset"} {
			w.addUser(name)
		}
		must[wire.AdminDisableUserResponse](w, "AdminDisableUser", &wire.AdminDisableUserRequest{UserPoolId: w.pool, Username: "disabled"})
		must[wire.AdminResetUserPasswordResponse](w, "AdminResetUserPassword", &wire.AdminResetUserPasswordRequest{UserPoolId: w.pool, Username: "reset"})
		unknown := [2]string{wire.UserNotFoundException, wire.MessageUserDoesNotExist}
		wrong := [2]string{wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword}
		if hides {
			unknown = wrong
		}
		for flow, signIn := range w.passwordFlows() {
			for _, test := range []struct {
				user, pass string
				want       [2]string
			}{
				{"fine", "wrong", wrong},
				{"nobody", password, unknown},
				{"disabled", password, [2]string{wire.NotAuthorizedException, wire.MessageUserDisabled}},
				{"disabled", "wrong", wrong}, // only who knows the password learns more
				{"reset", password, [2]string{wire.PasswordResetRequiredException, wire.MessagePasswordResetRequired}},
				{"reset", "wrong", wrong},
			} {
				t.Run(fmt.Sprintf("%s hides=%v %s %s", flow, hides, test.user, test.pass), func(t *testing.T) {
					wantException(t, signIn(test.user, test.pass), test.want[0], test.want[1])
				})
			}
			if err := signIn("fine", password); err != nil {
				t.Errorf("%s: the right password: %v", flow, err)
			}
		}
	}
}

func TestFlowsAreAllowedByTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowCustomAuth}
	})
	w.addUser("ann")
	for flow, want := range map[string]string{
		"USER_SRP_AUTH":            wire.MessageSRPFlowDisabled,
		"USER_PASSWORD_AUTH":       wire.MessageUserPasswordFlowDisabled,
		"ADMIN_USER_PASSWORD_AUTH": wire.MessageAuthFlowDisabled,
	} {
		wantException(t, w.passwordFlows()[flow]("ann", password), wire.InvalidParameterException, want)
	}
}

func TestMissingParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	client, out, err := w.startSRP("ann")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		flow   wire.AuthFlow
		params wire.Parameters
		want   string
	}{
		"password without user": {wire.AuthFlowUserPassword, wire.Parameters{"PASSWORD": "x"}, "Missing required parameter USERNAME"},
		"password without it":   {wire.AuthFlowUserPassword, wire.Parameters{"USERNAME": "x"}, "Missing required parameter PASSWORD"},
		"srp without A":         {wire.AuthFlowUserSRP, wire.Parameters{"USERNAME": "ann"}, "Missing required parameter SRP_A"},
		"srp with A = 0":        {wire.AuthFlowUserSRP, wire.Parameters{"USERNAME": "ann", "SRP_A": "0"}, "Invalid SRP_A value."},
		"srp with long A":       {wire.AuthFlowUserSRP, wire.Parameters{"USERNAME": "ann", "SRP_A": strings.Repeat("a", 769)}, "Invalid SRP_A value."},
		"refresh without token": {wire.AuthFlowRefreshTokenAuth, wire.Parameters{}, "Missing required parameter REFRESH_TOKEN"},
	} {
		_, err := call[wire.InitiateAuthResponse](w, "InitiateAuth", &wire.InitiateAuthRequest{
			AuthFlow: test.flow, ClientId: w.client, AuthParameters: test.params,
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantException(t, err, wire.InvalidParameterException, test.want)
	}
	for _, missing := range []string{"USERNAME", "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP"} {
		answer := w.proof(client, out, password)
		delete(answer.ChallengeResponses, missing)
		_, err := call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", answer)
		wantException(t, err, wire.InvalidParameterException, "Missing required parameter "+missing)
		if client, out, err = w.startSRP("ann"); err != nil {
			t.Fatal(err)
		}
	}
	answer := w.proof(client, out, password)
	answer.ChallengeResponses["TIMESTAMP"] = "yesterday"
	_, err = call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", answer)
	wantException(t, err, wire.InvalidParameterException, wire.MessageTimestampFormat)
}

// TestUnknownUsersAreIndistinguishable: with PreventUserExistenceErrors the
// answers for a made-up user have the same form, and the same salt every time.
func TestUnknownUsersAreIndistinguishable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	})
	long := strings.Repeat("ö", 126)
	w.addUser("ann")
	w.addUser(long + "ax")
	// shape is the names of the parameters with the lengths of their values. A number
	// has a digit or two less where it begins with zeros.
	shape := func(name string) (lengths map[string]int, salt string) {
		_, out, err := w.startSRP(name)
		if err != nil {
			t.Fatal(err)
		}
		p := out.ChallengeParameters
		if p["USER_ID_FOR_SRP"] != name || p["USERNAME"] != name {
			t.Errorf("%s is called %s", name, p["USER_ID_FOR_SRP"])
		}
		if p["SALT"] == "" || p["SALT"][0] == '0' || len(p["SRP_B"]) < 750 {
			t.Errorf("%s: SALT %q, SRP_B of %d digits", name, p["SALT"], len(p["SRP_B"]))
		}
		lengths = map[string]int{}
		for key, value := range p {
			lengths[key] = len(value)
		}
		lengths["SALT"], lengths["SRP_B"] = 0, 0
		return lengths, p["SALT"]
	}
	real1, realSalt := shape("ann")
	fake1, fakeSalt := shape("bob")
	_, fakeAgain := shape("bob")
	_, other := shape("eve")
	if diff := cmp.Diff(real1, fake1); diff != "" {
		t.Errorf("parameters of a user and of nobody: %s", diff)
	}
	longReal, _ := shape(long + "ax")
	longFake, _ := shape(long + "bx")
	if diff := cmp.Diff(longReal, longFake); diff != "" || longReal["SECRET_BLOCK"] != real1["SECRET_BLOCK"] {
		t.Errorf("parameters of a long name: %v, %s", longReal, diff)
	}
	if fakeSalt != fakeAgain || fakeSalt == other || fakeSalt == realSalt {
		t.Error("made-up salts are not stable per name")
	}
}

func TestNewPasswordRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.Schema = []wire.SchemaAttributeType{{Name: "given_name", AttributeDataType: "String", Required: new(true), Mutable: new(true)}}
	})
	create := func(name string) {
		must[wire.AdminCreateUserResponse](w, "AdminCreateUser", &wire.AdminCreateUserRequest{
			UserPoolId: w.pool, Username: name, TemporaryPassword: "Temporary-1", MessageAction: wire.MessageActionSuppress,
			UserAttributes: []wire.AttributeType{{Name: "email", Value: name + "@example.com"}},
		})
	}
	create("new")
	out, err := w.withSRP("new", "Temporary-1")
	if err != nil {
		t.Fatal(err)
	}
	if out.ChallengeName != wire.ChallengeNewPasswordRequired || out.Session == "" {
		t.Fatalf("challenge %q", out.ChallengeName)
	}
	var attributes map[string]string
	if err := json.Unmarshal([]byte(out.ChallengeParameters["userAttributes"]), &attributes); err != nil || attributes["email"] != "new@example.com" {
		t.Errorf("userAttributes %q: %v", out.ChallengeParameters["userAttributes"], err)
	}
	if got := out.ChallengeParameters["requiredAttributes"]; got != `["userAttributes.given_name"]` {
		t.Errorf("requiredAttributes %s", got)
	}
	respond := func(session wire.Sensitive, answers wire.Parameters) (*wire.RespondToAuthChallengeResponse, error) {
		answers["USERNAME"] = "new"
		return call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", &wire.RespondToAuthChallengeRequest{
			ClientId: w.client, ChallengeName: wire.ChallengeNewPasswordRequired, Session: session, ChallengeResponses: answers,
		})
	}
	_, err = respond(out.Session, wire.Parameters{"NEW_PASSWORD": "short"})
	if err == nil {
		t.Error("a password without the required attribute is taken")
	}
	_, err = respond(out.Session, wire.Parameters{"NEW_PASSWORD": "Short-1", "userAttributes.given_name": "Ann"})
	wantException(t, err, wire.InvalidPasswordException, wire.MessagePasswordTooShort)
	_, err = respond(out.Session, wire.Parameters{"NEW_PASSWORD": password, "userAttributes.given_name": "Ann", "userAttributes.email_verified": "true"})
	wantException(t, err, wire.NotAuthorizedException, wire.MessageUnauthorizedAttribute)

	// None of that spent the Session; the right answer does.
	done, err := respond(out.Session, wire.Parameters{"NEW_PASSWORD": password, "userAttributes.given_name": "Ann"})
	if err != nil || done.AuthenticationResult == nil {
		t.Fatalf("answer: %v", err)
	}
	_, err = respond(out.Session, wire.Parameters{"NEW_PASSWORD": password, "userAttributes.given_name": "Ann"})
	wantException(t, err, wire.NotAuthorizedException, wire.MessageSessionUsed)
	if name, _ := pooltest.Claims(t, done.AuthenticationResult.IdToken).Lookup("given_name"); string(name) != `"Ann"` {
		t.Errorf("the first ID token has given_name %s", name)
	}
	user := must[wire.AdminGetUserResponse](w, "AdminGetUser", &wire.AdminGetUserRequest{UserPoolId: w.pool, Username: "new"})
	if user.UserStatus != wire.UserStatusConfirmed {
		t.Errorf("status %s", user.UserStatus)
	}
	w.signIn("new")

	create("late")
	w.advance(8 * 24 * time.Hour)
	_, err = w.withPassword("late", "Temporary-1")
	wantException(t, err, wire.NotAuthorizedException, wire.MessageTemporaryPasswordExpired)
}

// TestChallengesAreBound: an answer is good once, in time, for its client.
func TestChallengesAreBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	other := must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", &wire.CreateUserPoolClientRequest{UserPoolId: w.pool, ClientName: "other"})
	answer := func() (*wire.RespondToAuthChallengeRequest, *srp.Client) {
		client, out, err := w.startSRP("ann")
		if err != nil {
			t.Fatal(err)
		}
		return w.proof(client, out, password), client
	}
	send := func(r *wire.RespondToAuthChallengeRequest) error {
		_, err := call[wire.RespondToAuthChallengeResponse](w, "RespondToAuthChallenge", r)
		return err
	}

	r, _ := answer()
	if err := send(r); err != nil {
		t.Fatal(err)
	}
	wantException(t, send(r), wire.NotAuthorizedException, wire.MessageSessionUsed)

	r, _ = answer()
	r.ClientId = other.UserPoolClient.ClientId
	wantException(t, send(r), wire.NotAuthorizedException, wire.MessageInvalidSession)

	r, _ = answer()
	w.advance(3*time.Minute + time.Second)
	wantException(t, send(r), wire.NotAuthorizedException, wire.MessageSessionExpired)

	r, _ = answer()
	must[wire.AdminSetUserPasswordResponse](w, "AdminSetUserPassword", &wire.AdminSetUserPasswordRequest{
		UserPoolId: w.pool, Username: "ann", Password: password + "x", Permanent: true,
	})
	wantException(t, send(r), wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
}

// TestLockout walks Cognito's curve through the API: five failures, then locks
// that double, and a success that forgets them. All forms of a name share one counter.
func TestLockout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		p.AliasAttributes = []string{"email"}
		p.UsernameConfiguration = &wire.UsernameConfigurationType{CaseSensitive: new(false)}
		c.PreventUserExistenceErrors = wire.PreventUserExistenceErrorsEnabled
	})
	w.stopClock() // the first lock is over after a second, and settled after half of that
	w.addUser("ann", wire.AttributeType{Name: "email", Value: "ann@example.com"}, wire.AttributeType{Name: "email_verified", Value: "true"})
	for _, names := range [][]string{
		{"ann", "ANN", "Ann", " Ann ", "ann "},
		{"nobody", "NOBODY", "Nobody", " nobody", "nobody "},
	} {
		for _, name := range names {
			_, err := w.withPassword(name, "wrong")
			wantException(t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
		}
		w.advance(600 * time.Millisecond)
		_, err := w.withPassword(names[0], password)
		wantException(t, err, wire.NotAuthorizedException, wire.MessagePasswordAttemptsExceeded)
		w.advance(500 * time.Millisecond)
		_, err = w.withPassword(names[1], "wrong")
		wantException(t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
		w.advance(1100 * time.Millisecond)
		_, err = w.withPassword(names[2], password)
		wantException(t, err, wire.NotAuthorizedException, wire.MessagePasswordAttemptsExceeded)
		w.advance(time.Second)
	}
	w.signIn("ann")
	_, err := w.withPassword("ann", "wrong")
	wantException(t, err, wire.NotAuthorizedException, wire.MessageIncorrectUsernameOrPassword)
	w.signIn("ann")
}

func TestSecretHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) { c.GenerateSecret = true })
	w.addUser("ann")
	described := must[wire.DescribeUserPoolClientResponse](w, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: w.pool, ClientId: w.client})
	secret := string(described.UserPoolClient.ClientSecret)
	initiate := func(flow wire.AuthFlow, p wire.Parameters) (*wire.InitiateAuthResponse, error) {
		return call[wire.InitiateAuthResponse](w, "InitiateAuth", &wire.InitiateAuthRequest{AuthFlow: flow, ClientId: w.client, AuthParameters: p})
	}
	good := srp.SecretHash("ann", w.client, secret)
	_, err := initiate(wire.AuthFlowUserPassword, wire.Parameters{"USERNAME": "ann", "PASSWORD": password})
	wantException(t, err, wire.NotAuthorizedException, "Client "+w.client+" is configured with secret but SECRET_HASH was not received")
	_, err = initiate(wire.AuthFlowUserPassword, wire.Parameters{"USERNAME": "ann", "PASSWORD": password, "SECRET_HASH": srp.SecretHash("bob", w.client, secret)})
	wantException(t, err, wire.NotAuthorizedException, "Unable to verify secret hash for client "+w.client)
	out, err := initiate(wire.AuthFlowUserPassword, wire.Parameters{"USERNAME": "ann", "PASSWORD": password, "SECRET_HASH": good})
	if err != nil {
		t.Fatal(err)
	}
	token := string(out.AuthenticationResult.RefreshToken)

	_, err = initiate(wire.AuthFlowRefreshTokenAuth, wire.Parameters{"REFRESH_TOKEN": token})
	wantException(t, err, wire.NotAuthorizedException, "Client "+w.client+" is configured with secret but SECRET_HASH was not received")
	_, err = initiate(wire.AuthFlowRefreshTokenAuth, wire.Parameters{"REFRESH_TOKEN": token, "SECRET_HASH": srp.SecretHash("bob", w.client, secret)})
	wantException(t, err, wire.NotAuthorizedException, "SecretHash does not match for the client: "+w.client)
	if _, err = initiate(wire.AuthFlowRefreshTokenAuth, wire.Parameters{"REFRESH_TOKEN": token, "SECRET_HASH": good}); err != nil {
		t.Error(err)
	}
	_, err = w.refresh(wire.Sensitive(token))
	if !errors.Is(err, &wire.Exception{Type: wire.NotAuthorizedException}) {
		t.Errorf("refresh without the client secret: %v", err)
	}
	_, err = call[wire.GetTokensFromRefreshTokenResponse](w, "GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		ClientId: w.client, RefreshToken: wire.Sensitive(token), ClientSecret: wire.Sensitive(secret),
	})
	if err != nil {
		t.Error(err)
	}
	_, err = call[wire.RevokeTokenResponse](w, "RevokeToken", &wire.RevokeTokenRequest{ClientId: w.client, Token: wire.Sensitive(token), ClientSecret: "wrongwrongwrongwrongwrongwrong"})
	if !errors.Is(err, &wire.Exception{Type: wire.UnauthorizedException}) {
		t.Errorf("revoke with a wrong client secret: %v", err)
	}
}
