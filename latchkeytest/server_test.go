package latchkeytest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Correct-Horse-9"

// signedIn gives a client with a session of ann's.
func signedIn(t *testing.T, srv *latchkeytest.Server) *latchkey.Client {
	t.Helper()
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password, Groups: []string{"staff"}, Attributes: map[string]string{"email": "ann@example.com"}})
	client := newClient(t, srv)
	step, err := client.SignIn(t.Context(), latchkey.Password("ann", password))
	if err != nil || !step.Done() {
		t.Fatalf("sign in: %v", err)
	}
	return client
}

func newClient(t *testing.T, srv *latchkeytest.Server) *latchkey.Client {
	t.Helper()
	client, err := latchkey.New(srv.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return client
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	client := signedIn(t, latchkeytest.NewServer(t))
	session, err := client.FetchSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := session.Tokens()
	if err != nil {
		t.Fatal(err)
	}
	if groups := tokens.ID.Groups(); len(groups) != 1 || groups[0] != "staff" || tokens.ID.Email() != "ann@example.com" {
		t.Errorf("groups %v, email %q", groups, tokens.ID.Email())
	}
	user, err := client.CurrentUser(t.Context())
	if err != nil || user.Username != "ann" || user.LoginID != "ann" {
		t.Errorf("current user %+v, %v", user, err)
	}
}

// TestUsers: the five kinds of failure that a program tells apart, each by the
// user that causes it.
func TestUsers(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t)
	for _, name := range []string{"fine", "disabled", "reset", "deleted"} {
		srv.AddUser(latchkeytest.User{Username: name, Password: password})
	}
	srv.AddUser(latchkeytest.User{Username: "unconfirmed", Password: password, Unconfirmed: true})
	srv.DisableUser("disabled")
	srv.ResetPassword("reset")
	srv.DeleteUser("deleted")
	client := newClient(t, srv)
	for name, want := range map[string]error{
		"fine": nil, "disabled": latchkey.ErrNotAuthorized, "reset": latchkey.ErrPasswordResetRequired,
		"deleted": latchkey.ErrUserNotFound, "unconfirmed": latchkey.ErrUserNotConfirmed,
	} {
		_, err := client.SignIn(t.Context(), latchkey.Password(name, password))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	srv.Fail("*", 1, latchkeytest.Fault{Refuse: true})
	if _, err := client.SignIn(t.Context(), latchkey.Password("fine", password)); !errors.Is(err, latchkey.ErrNetwork) {
		t.Errorf("cut off: %v", err)
	}
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t)
	srv.AddUser(latchkeytest.User{Username: "new", Password: "Temporary-1", Temporary: true})
	client := newClient(t, srv)
	step, err := client.SignIn(t.Context(), latchkey.Password("new", "Temporary-1"))
	if err != nil || step.Done() || step.Challenge.Name != "NEW_PASSWORD_REQUIRED" {
		t.Fatalf("step %+v, %v", step, err)
	}
	if step, err = step.Respond(t.Context(), latchkey.AnswerNewPassword(password, nil)); err != nil || !step.Done() {
		t.Fatalf("new password: %v", err)
	}
}

// TestFaultsAndCounts: a fault strikes as often as it was armed for, and every
// call is counted.
func TestFaultsAndCounts(t *testing.T) {
	t.Parallel()
	const refresh = "GetTokensFromRefreshToken"
	for name, test := range map[string]struct {
		fault latchkeytest.Fault
		want  error
	}{
		"server error": {latchkeytest.Fault{Status: 500, Body: "<html>"}, latchkey.ErrService},
		"exception":    {latchkeytest.Exception("TooManyRequestsException", "Rate exceeded"), latchkey.ErrThrottled},
		"lost answer":  {latchkeytest.Fault{Lose: true}, latchkey.ErrNetwork},
		"cut off":      {latchkeytest.Fault{Refuse: true}, latchkey.ErrNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := latchkeytest.NewServer(t)
			client := signedIn(t, srv)
			srv.Fail(refresh, -1, test.fault)
			session, err := client.FetchSession(t.Context(), latchkey.ForceRefresh())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := session.Tokens(); !errors.Is(err, test.want) {
				t.Errorf("tokens: %v, want %v", err, test.want)
			}
			if srv.Calls(refresh) == 0 {
				t.Error("no call was counted")
			}
			srv.Heal()
			session, err = client.FetchSession(t.Context())
			if err != nil || !session.SignedIn() {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

// TestEndsElsewhere: what an administrator does ends the client's session.
func TestEndsElsewhere(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*latchkeytest.Server){
		"signed out":   func(s *latchkeytest.Server) { s.SignOutEverywhere("ann") },
		"disabled":     func(s *latchkeytest.Server) { s.DisableUser("ann") },
		"deleted":      func(s *latchkeytest.Server) { s.DeleteUser("ann") },
		"new password": func(s *latchkeytest.Server) { s.SetPassword("ann", password+"x") },
		"expired":      func(s *latchkeytest.Server) { s.Advance(31 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := latchkeytest.NewServer(t)
			client := signedIn(t, srv)
			end(srv)
			session, err := client.FetchSession(t.Context(), latchkey.ForceRefresh())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := session.Tokens(); !errors.Is(err, latchkey.ErrSessionExpired) || session.SignedIn() {
				t.Errorf("tokens: %v", err)
			}
		})
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t)
	client := signedIn(t, srv)
	srv.RotateKeys()
	srv.Advance(50 * time.Minute)
	if _, err := account.Of(client).Attributes(t.Context()); err != nil {
		t.Errorf("a token from before: %v", err)
	}
}

// TestInBubble runs client and service on synthetic time.
func TestInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := latchkeytest.NewServer(t, latchkeytest.InProcess(), latchkeytest.TokenLife(10*time.Minute))
		client := signedIn(t, srv)
		defer client.Close()
		for range 50 {
			time.Sleep(11 * time.Minute)
			session, err := client.FetchSession(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := session.Tokens(); err != nil {
				t.Fatal(err)
			}
		}
		if n := srv.Calls("GetTokensFromRefreshToken"); n != 50 {
			t.Errorf("%d refreshes in 50 lives of a token", n)
		}
		synctest.Wait()
	})
}

// TestDelayEndsWithTheTest: a call that is still held back when the test ends
// keeps nothing alive.
func TestDelayEndsWithTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := latchkeytest.NewServer(t, latchkeytest.InProcess())
		client := signedIn(t, srv)
		srv.Fail("GetUser", 1, latchkeytest.Fault{Delay: 24 * time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := account.Of(client).Attributes(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call: %v", err)
		}
	})
}

func ExampleNewServer() {
	test := func(t *testing.T) {
		srv := latchkeytest.NewServer(t)
		srv.AddUser(latchkeytest.User{Username: "ann", Password: "Correct-Horse-9"})

		client, err := latchkey.New(srv.Config())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.SignIn(context.Background(), latchkey.Password("ann", "Correct-Horse-9")); err != nil {
			t.Fatal(err)
		}
	}
	_ = test // go test calls it with its *testing.T
	fmt.Println("a service of one's own, for as long as the test")
	// Output: a service of one's own, for as long as the test
}

func TestSchema(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t, latchkeytest.Schema(
		latchkeytest.Attribute{Name: "plan"}, latchkeytest.Attribute{Name: "seats", Type: "Number", Immutable: true},
		latchkeytest.Attribute{Name: "role", DeveloperOnly: true}, latchkeytest.Attribute{Name: "family_name", Required: true},
	))
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password, Attributes: map[string]string{
		"custom:plan": "team", "custom:seats": "5", "dev:custom:role": "admin", "family_name": "Doe",
	}})
	client := newClient(t, srv)
	if _, err := client.SignIn(t.Context(), latchkey.Password("ann", password)); err != nil {
		t.Fatal(err)
	}
	session, err := client.FetchSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := session.Tokens()
	if err != nil {
		t.Fatal(err)
	}
	if plan, _ := tokens.ID.Custom("plan"); plan != "team" {
		t.Errorf("custom:plan is %q", plan)
	}
}
