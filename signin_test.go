package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, login := range []Login{
		Password("alice", testSecret), Password("Alice@example.com", testSecret), PlainPassword("alice", testSecret),
	} {
		t.Run(fmt.Sprint(login.username, " ", login.flow), func(t *testing.T) {
			t.Parallel()
			c := newFakePool().newClient(t)
			step, err := c.SignIn(t.Context(), login)
			if err != nil || !step.Done() {
				t.Fatalf("SignIn = %+v, %v", step, err)
			}
			wantTokens(t, fetch(t, c), "alice")
			want := User{Username: "alice", UserID: "sub-of-alice", LoginID: login.username, AuthFlow: string(login.flow), SignedIn: true, Active: true}
			user, err := c.CurrentUser(t.Context())
			if diff := cmp.Diff(want, user); diff != "" || err != nil {
				t.Errorf("CurrentUser: %v (-want +got):\n%s", err, diff)
			}
			if _, err := step.Respond(t.Context(), AnswerCode("1")); !errors.Is(err, ErrInvalidParameter) {
				t.Errorf("Respond when done: %v", err)
			}
		})
	}
}

// TestSignInErrors: what an application switches on is told apart by errors.Is,
// and no error shows the password.
func TestSignInErrors(t *testing.T) {
	t.Parallel()
	kinds := []error{ErrNotAuthorized, ErrUserNotConfirmed, ErrPasswordResetRequired, ErrUserNotFound, ErrNetwork, ErrThrottled, ErrInvalidParameter, ErrConfig}
	lost := func(string, *http.Request) (*http.Response, error) { return nil, errLost }
	tests := []struct {
		name      string
		login     Login
		exception string
		script    func(string, *http.Request) (*http.Response, error)
		want      error
	}{
		{name: "wrong password", login: Password("alice", "wrong "+testSecret), want: ErrNotAuthorized},
		{name: "wrong plain password", login: PlainPassword("alice", "wrong "+testSecret), want: ErrNotAuthorized},
		{name: "unknown", login: Password("carol", testSecret), want: ErrUserNotFound},
		{name: "not confirmed", login: PlainPassword("alice", testSecret), exception: "UserNotConfirmedException", want: ErrUserNotConfirmed},
		{name: "reset", login: PlainPassword("alice", testSecret), exception: "PasswordResetRequiredException", want: ErrPasswordResetRequired},
		{name: "network", login: Password("alice", testSecret), script: lost, want: ErrNetwork},
		{name: "locked", login: PlainPassword("alice", testSecret), want: ErrThrottled,
			script: func(string, *http.Request) (*http.Response, error) {
				return exception("NotAuthorizedException", "Password attempts exceeded"), nil
			}},
		{name: "flow off", login: PlainPassword("alice", testSecret), want: ErrInvalidParameter,
			script: func(string, *http.Request) (*http.Response, error) {
				return exception("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"), nil
			}},
		{name: "unknown client", login: Password("alice", testSecret), want: ErrConfig,
			script: func(string, *http.Request) (*http.Response, error) {
				return exception("ResourceNotFoundException", "User pool client x does not exist."), nil
			}},
		{name: "no username", login: Password("", testSecret), want: ErrInvalidParameter},
		{name: "no password", login: Password("alice", ""), want: ErrInvalidParameter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newFakePool()
			p.users["alice"].exception, p.script = tt.exception, tt.script
			c := p.newClient(t)
			step, err := c.SignIn(t.Context(), tt.login)
			if step != nil || err == nil {
				t.Fatalf("SignIn = %v, %v", step, err)
			}
			for _, kind := range kinds {
				if got := errors.Is(err, kind); got != (kind == tt.want) {
					t.Errorf("errors.Is(%v, %v) = %t", err, kind, got)
				}
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v %v", err, err, err, tt.login), testSecret) {
				t.Errorf("the password is shown: %v", err)
			}
			if calls := p.count("InitiateAuth"); calls > 1 {
				t.Errorf("%d attempts", calls)
			}
			if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
				t.Errorf("Tokens: %v", err)
			}
		})
	}
}

func TestNewPasswordChallenge(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	p.users["alice"].newPassword = true
	c := p.newClient(t)
	step, err := c.SignIn(t.Context(), Password("alice", testSecret).WithClientMetadata(map[string]string{"tenant": "blue"}))
	if err != nil {
		t.Fatal(err)
	}
	want := &Challenge{
		Name: "NEW_PASSWORD_REQUIRED", RequiredAttributes: []string{"name"}, UserAttributes: map[string]string{"email": "alice@example.com"},
	}
	got := *step.Challenge
	got.Parameters = nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Fatalf("challenge (-want +got):\n%s", diff)
	}
	if p.sent("InitiateAuth")["tenant"] != "blue" || p.sent("RespondToAuthChallenge")["tenant"] != "blue" {
		t.Error("client metadata was not sent with every request")
	}
	attributes := map[string]string{"name": "Alice"}
	for name, tt := range map[string]struct {
		answer Answer
		want   error
	}{
		"a code":                {AnswerCode("123456"), ErrInvalidParameter},
		"nothing":               {Answer{}, ErrInvalidParameter},
		"an empty password":     {AnswerNewPassword("", attributes), ErrInvalidParameter},
		"no required attribute": {AnswerNewPassword("a-longer-password", nil), ErrInvalidParameter},
		"too short":             {AnswerNewPassword("short", attributes), ErrInvalidPassword},
	} {
		if _, err := step.Respond(t.Context(), tt.answer); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	done, err := step.Respond(t.Context(), AnswerNewPassword("a-longer-password", attributes))
	if err != nil || !done.Done() {
		t.Fatalf("Respond = %v, %v", done, err)
	}
	wantTokens(t, fetch(t, c), "alice")
	if p.users["alice"].attributes["name"] != "Alice" {
		t.Error("the attribute did not arrive")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", step, *step, AnswerNewPassword("a-longer-password", nil)), "a-longer-password") {
		t.Error("the password is printed")
	}
}

func TestCodeChallenge(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	p.users["alice"].mfa = true
	c := p.newClient(t, func(cfg *Config) { cfg.ClientSecret = NewSecret("the-client-secret") })
	step, err := c.SignIn(t.Context(), Password("alice", testSecret))
	if err != nil || step.Done() || step.Challenge.Name != "SOFTWARE_TOKEN_MFA" {
		t.Fatalf("SignIn = %+v, %v", step, err)
	}
	if got, want := p.sent("InitiateAuth")["SECRET_HASH"], srp.SecretHash("alice", testClient, "the-client-secret"); got != want {
		t.Errorf("SECRET_HASH of InitiateAuth = %q, want %q", got, want)
	}
	if _, err := step.Respond(t.Context(), AnswerCode("000000")); !errors.Is(err, ErrCodeMismatch) {
		t.Fatalf("wrong code: %v", err)
	}
	if step, err = step.Respond(t.Context(), AnswerCode("123456")); err != nil || !step.Done() {
		t.Fatalf("Respond = %+v, %v", step, err)
	}
	sent := p.sent("RespondToAuthChallenge")
	if sent["USERNAME"] != "sub-of-alice" || sent["SECRET_HASH"] != srp.SecretHash("sub-of-alice", testClient, "the-client-secret") {
		t.Errorf("the answer went as %v", sent)
	}
}

// TestChallenges: every challenge's answer goes under Cognito's name for it.
func TestChallenges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		challenge, parameters string
		answer                Answer
		member                string
		choices               []string
		medium, destination   string
	}{
		{"SMS_MFA", `{"CODE_DELIVERY_DELIVERY_MEDIUM":"SMS","CODE_DELIVERY_DESTINATION":"+*******1234"}`, AnswerCode("1"), "SMS_MFA_CODE", nil, "SMS", "+*******1234"},
		{"SMS_OTP", `{}`, AnswerCode("1"), "SMS_OTP_CODE", nil, "", ""},
		{"EMAIL_OTP", `{"CODE_DELIVERY_DELIVERY_MEDIUM":"EMAIL","CODE_DELIVERY_DESTINATION":"f***@e***"}`, AnswerCode("1"), "EMAIL_OTP_CODE", nil, "EMAIL", "f***@e***"},
		{"CUSTOM_CHALLENGE", `{"question":"color?"}`, AnswerCode("1"), "ANSWER", nil, "", ""},
		{"SELECT_MFA_TYPE", `{"MFAS_CAN_CHOOSE":"[\"SMS_MFA\",\"EMAIL_OTP\"]"}`, AnswerChoice("EMAIL_OTP"), "ANSWER", []string{"SMS_MFA", "EMAIL_OTP"}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.challenge, func(t *testing.T) {
			t.Parallel()
			p := newFakePool()
			p.script = func(op string, _ *http.Request) (*http.Response, error) {
				if op == "InitiateAuth" {
					return reply(200, "application/json", `{"ChallengeName":"`+tt.challenge+`","Session":"session-of-alice","ChallengeParameters":`+tt.parameters+`}`), nil
				}
				return nil, nil
			}
			c := p.newClient(t)
			step, err := c.SignIn(t.Context(), PlainPassword("alice", testSecret))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.choices, step.Challenge.Choices); diff != "" {
				t.Errorf("choices (-want +got):\n%s", diff)
			}
			if got := step.Challenge; got.Medium != tt.medium || got.Destination != tt.destination {
				t.Errorf("sent by %q to %q", got.Medium, got.Destination)
			}
			if step, err = step.Respond(t.Context(), tt.answer); err != nil || !step.Done() {
				t.Fatalf("Respond: %v", err)
			}
			if got := p.sent("RespondToAuthChallenge"); got[tt.member] != tt.answer.value.Reveal() || got["ChallengeName"] != tt.challenge {
				t.Errorf("sent %v", got)
			}
		})
	}
}

func TestUnknownChallenge(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	p.script = func(string, *http.Request) (*http.Response, error) {
		return reply(200, "application/json", `{"ChallengeName":"WEB_AUTHN","Session":"s"}`), nil
	}
	step, err := p.newClient(t).SignIn(t.Context(), Password("alice", testSecret))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := step.Respond(t.Context(), AnswerCode("1")); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Respond: %v", err)
	}
}

// TestDevice: the device's key goes with sign-in and refresh, is found by the
// name in tokens whatever its case, then by what the user typed, outlives a
// sign-out, and is dropped once the service has forgotten it.
func TestDevice(t *testing.T) {
	t.Parallel()
	p, kept := newFakePool(), store.NewMemory()
	c := p.newClient(t, withStore(kept))
	p.after = func(op string, answer *http.Response) (*http.Response, error) {
		if op == "InitiateAuth" && p.sent(op)["DEVICE_KEY"] == "" {
			answer = success(map[string]any{"AuthenticationResult": map[string]any{
				"AccessToken": p.token(p.users["alice"], "origin-1", "access"), "IdToken": p.token(p.users["alice"], "origin-1", "id"), "RefreshToken": "refresh-1",
				"NewDeviceMetadata": map[string]string{"DeviceKey": "us-east-1_device", "DeviceGroupKey": "-group"},
			}})
		}
		return answer, nil
	}
	signIn(t, c, "alice@example.com")
	for _, typed := range []string{"ALICE", "alice@example.com"} {
		if _, err := c.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		signIn(t, c, typed)
		if got := p.sent("InitiateAuth")["DEVICE_KEY"]; got != "us-east-1_device" {
			t.Errorf("sign-in as %s sent device %q", typed, got)
		}
		if typed == "ALICE" {
			signIn(t, c, "alice@example.com") // the latest login id is what is matched
		}
	}
	fetch(t, c, ForceRefresh())
	if got := p.sent(opRefresh)["DeviceKey"]; got != "us-east-1_device" {
		t.Errorf("the refresh sent device %q", got)
	}
	p.after = nil
	p.script = func(op string, _ *http.Request) (*http.Response, error) {
		if op == "InitiateAuth" && p.sent(op)["DEVICE_KEY"] != "" {
			return exception("ResourceNotFoundException", "Device does not exist."), nil
		}
		return nil, nil
	}
	before := p.count("InitiateAuth")
	signIn(t, c, "alice")
	if got := p.count("InitiateAuth") - before; got != 2 {
		t.Errorf("%d attempts after the device was forgotten, want 2", got)
	}
	signIn(t, c, "alice")
	if got := p.sent("InitiateAuth")["DEVICE_KEY"]; got != "" {
		t.Errorf("device %q is still sent", got)
	}
}

// TestSignInStoreFails: the user is signed in, and told that it will not last.
func TestSignInStoreFails(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	kept := &brokenStore{Memory: store.NewMemory()}
	kept.save.Store(true)
	c := p.newClient(t, withStore(kept))
	step, err := c.SignIn(t.Context(), PlainPassword("alice", testSecret))
	if step == nil || !step.Done() || !errors.Is(err, ErrStore) || !errors.Is(err, errDisk) {
		t.Fatalf("SignIn = %v, %v", step, err)
	}
	wantTokens(t, fetch(t, c), "alice")
	if err := c.Close(); !errors.Is(err, ErrStore) {
		t.Errorf("Close: %v", err)
	}
}

// TestSignInOverDamage: a damaged record does not keep anybody from signing in.
func TestSignInOverDamage(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t, withStore(&damagedOnce{Memory: store.NewMemory()}))
	signIn(t, c, "alice")
	wantTokens(t, fetch(t, c), "alice")
}

// TestSeveralSignIns: steps are values; two attempts do not disturb each other.
func TestSeveralSignIns(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	p.users["alice"].mfa, p.users["bob"].mfa = true, true
	c := p.newClient(t)
	a, errA := c.SignIn(t.Context(), Password("alice", testSecret))
	b, errB := c.SignIn(t.Context(), Password("bob", testSecret))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for name, step := range map[string]*Step{"alice": a, "bob": b} {
		if _, err := step.Respond(context.Background(), AnswerCode("123456")); err != nil {
			t.Fatal(err)
		}
		wantTokens(t, fetch(t, c), name)
	}
}

// TestAutoSignIn checks the sign-in with the session of a sign-up.
func TestAutoSignIn(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t)
	for name, test := range map[string]struct {
		session string
		want    error
	}{"none": {"", ErrInvalidParameter}, "wrong": {"signed up as bob", ErrNotAuthorized}} {
		if _, err := c.SignIn(t.Context(), AutoSignIn("alice", NewSecret(test.session))); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	step, err := c.SignIn(t.Context(), AutoSignIn("alice", NewSecret("signed up as alice")))
	if err != nil || !step.Done() {
		t.Fatalf("SignIn: %+v, %v", step, err)
	}
	wantTokens(t, fetch(t, c), "alice")
	if user, err := c.CurrentUser(t.Context()); err != nil || user.AuthFlow != "USER_AUTH" || user.LoginID != "alice" {
		t.Errorf("CurrentUser: %+v, %v", user, err)
	}
	if login := AutoSignIn("alice", NewSecret("signed up as alice")); strings.Contains(fmt.Sprintf("%v %+v %#v", login, login, login), "signed up") {
		t.Error("a login prints its session")
	}
}
