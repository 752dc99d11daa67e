package latchkey_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"

	"github.com/google/go-cmp/cmp"
)

const password = "Correct-Horse-9"

// A custom store as the example shows it keeps the contract.
func TestMapStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return newMapStore() })
}

// service starts the real service with a user, and a client of it.
func service(t *testing.T, options ...latchkeytest.Option) (*latchkeytest.Server, *latchkey.Client) {
	t.Helper()
	srv := latchkeytest.NewServer(t, options...)
	srv.AddUser(latchkeytest.User{
		Username: "ann", Password: password, Groups: []string{"staff"}, Attributes: map[string]string{"email": "ann@example.com"},
	})
	return srv, open(t, srv.Config())
}

func open(t *testing.T, cfg latchkey.Config) *latchkey.Client {
	t.Helper()
	client, err := latchkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func signIn(t *testing.T, client *latchkey.Client) {
	t.Helper()
	step, err := client.SignIn(t.Context(), latchkey.Password("ann", password))
	if err != nil || !step.Done() {
		t.Fatalf("SignIn = %v, %v", step, err)
	}
}

func tokens(t *testing.T, client *latchkey.Client, options ...latchkey.FetchOption) (latchkey.Tokens, error) {
	t.Helper()
	session, err := client.FetchSession(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return session.Tokens()
}

// TestService goes through a session's life at the real service.
func TestService(t *testing.T) {
	t.Parallel()
	srv, client := service(t)
	signIn(t, client)
	first, err := tokens(t, client)
	if err != nil || first.Access.Username() != "ann" || first.ID.Email() != "ann@example.com" || !first.Access.HasGroup("staff") {
		t.Fatalf("Tokens = %v, %v", first, err)
	}
	user, err := client.CurrentUser(t.Context())
	want := latchkey.User{
		Username: "ann", UserID: first.Access.Subject(), LoginID: "ann", AuthFlow: "USER_SRP_AUTH", SignedIn: true, Active: true,
	}
	if diff := cmp.Diff(want, user); diff != "" || err != nil {
		t.Errorf("CurrentUser: %v (-want +got):\n%s", err, diff)
	}
	attributes, err := account.Of(client).Attributes(t.Context())
	if err != nil || attributes["email"] != "ann@example.com" {
		t.Errorf("Attributes = %v, %v", attributes, err)
	}
	second, err := tokens(t, client, latchkey.ForceRefresh())
	if err != nil || second.Access.ID() == first.Access.ID() || second.Access.OriginID() != first.Access.OriginID() {
		t.Errorf("after a refresh: %v, %v", second, err)
	}
	if err := account.Of(client).ChangePassword(t.Context(), "Wrong-Horse-8", "Another-Horse-10"); !errors.Is(err, latchkey.ErrNotAuthorized) {
		t.Errorf("ChangePassword with a wrong one: %v", err)
	}
	if err := account.Of(client).ChangePassword(t.Context(), password, "no-capitals-8"); !errors.Is(err, latchkey.ErrInvalidPassword) {
		t.Errorf("ChangePassword to a weak one: %v", err)
	}
	if err := account.Of(client).ChangePassword(t.Context(), password, "Another-Horse-10"); err != nil {
		t.Errorf("ChangePassword: %v", err)
	}
	report, err := client.SignOut(t.Context())
	if err != nil || !report.Local || !report.Revoked || srv.Calls("RevokeToken") != 1 {
		t.Errorf("SignOut = %+v, %v", report, err)
	}
	if _, err := tokens(t, client); !errors.Is(err, latchkey.ErrSignedOut) {
		t.Errorf("signed out: %v", err)
	}
}

// TestServiceSignInErrors: the kinds by what the real service says.
func TestServiceSignInErrors(t *testing.T) {
	t.Parallel()
	srv, client := service(t)
	srv.AddUser(latchkeytest.User{Username: "new", Password: password, Unconfirmed: true})
	srv.AddUser(latchkeytest.User{Username: "reset", Password: password})
	srv.ResetPassword("reset")
	srv.AddUser(latchkeytest.User{Username: "off", Password: password})
	srv.DisableUser("off")
	for name, tt := range map[string]struct {
		login latchkey.Login
		want  error
	}{
		"wrong password": {latchkey.Password("ann", "wrong"), latchkey.ErrNotAuthorized},
		"plain, wrong":   {latchkey.PlainPassword("ann", "wrong"), latchkey.ErrNotAuthorized},
		"unknown":        {latchkey.Password("nobody", password), latchkey.ErrUserNotFound},
		"unconfirmed":    {latchkey.Password("new", password), latchkey.ErrUserNotConfirmed},
		"reset":          {latchkey.Password("reset", password), latchkey.ErrPasswordResetRequired},
		"disabled":       {latchkey.Password("off", password), latchkey.ErrNotAuthorized},
	} {
		if _, err := client.SignIn(t.Context(), tt.login); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for range 8 {
		_, _ = client.SignIn(t.Context(), latchkey.PlainPassword("ann", "wrong"))
	}
	if _, err := client.SignIn(t.Context(), latchkey.PlainPassword("ann", password)); !errors.Is(err, latchkey.ErrThrottled) {
		t.Errorf("locked out: %v", err)
	}
}

func TestServiceNewPassword(t *testing.T) {
	t.Parallel()
	srv, client := service(t)
	srv.AddUser(latchkeytest.User{Username: "temp", Password: password, Temporary: true})
	step, err := client.SignIn(t.Context(), latchkey.Password("temp", password))
	if err != nil || step.Done() || step.Challenge.Name != "NEW_PASSWORD_REQUIRED" {
		t.Fatalf("SignIn = %+v, %v", step, err)
	}
	if step, err = step.Respond(t.Context(), latchkey.AnswerNewPassword("Another-Horse-10", nil)); err != nil || !step.Done() {
		t.Fatalf("Respond = %+v, %v", step, err)
	}
	if got, err := tokens(t, client); err != nil || got.Access.Username() != "temp" {
		t.Errorf("Tokens = %v, %v", got, err)
	}
}

// TestServiceEndings: what an administrator or another device does to a session
// shows at the next refresh, as its end.
func TestServiceEndings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(*testing.T, *latchkeytest.Server)
		kind error
	}{
		"signed out everywhere": {func(_ *testing.T, s *latchkeytest.Server) { s.SignOutEverywhere("ann") }, latchkey.ErrNotAuthorized},
		"disabled":              {func(_ *testing.T, s *latchkeytest.Server) { s.DisableUser("ann") }, latchkey.ErrNotAuthorized},
		"deleted":               {func(_ *testing.T, s *latchkeytest.Server) { s.DeleteUser("ann") }, nil},
		"global sign-out elsewhere": {func(t *testing.T, s *latchkeytest.Server) {
			other := open(t, s.Config())
			signIn(t, other)
			if report, err := other.GlobalSignOut(t.Context()); err != nil || !report.Global || !report.Revoked {
				t.Errorf("GlobalSignOut = %+v, %v", report, err)
			}
		}, latchkey.ErrNotAuthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := service(t)
			signIn(t, client)
			tt.end(t, srv)
			if _, err := client.FetchTokens(t.Context()); err != nil {
				t.Errorf("before the refresh: %v", err)
			}
			_, err := tokens(t, client, latchkey.ForceRefresh())
			if !errors.Is(err, latchkey.ErrSessionExpired) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("Tokens: %v", err)
			}
		})
	}
}

// TestServiceFaults: nothing that goes wrong on the way ends a session, with or
// without rotation.
func TestServiceFaults(t *testing.T) {
	t.Parallel()
	html := http.Header{"Content-Type": {"text/html"}}
	tests := map[string]struct {
		fault latchkeytest.Fault
		times int
		want  error // nil if the client gets over it
	}{
		"lost answer":      {latchkeytest.Fault{Lose: true}, 1, nil},
		"refused once":     {latchkeytest.Fault{Refuse: true}, 1, nil},
		"refused":          {latchkeytest.Fault{Refuse: true}, -1, latchkey.ErrNetwork},
		"one 503":          {latchkeytest.Fault{Status: 503, Body: "<html>", Header: html}, 1, nil},
		"an outage":        {latchkeytest.Fault{Status: 500, Body: "{}"}, -1, latchkey.ErrService},
		"a captive portal": {latchkeytest.Fault{Status: 200, Body: "<html>", Header: html}, -1, latchkey.ErrNetwork},
		"throttled":        {latchkeytest.Exception("TooManyRequestsException", "Rate exceeded"), -1, latchkey.ErrThrottled},
		"a proxy's 403":    {latchkeytest.Fault{Status: 403, Body: "<h1>NotAuthorizedException</h1>", Header: html}, -1, latchkey.ErrService},
		"never":            {latchkeytest.Fault{Delay: time.Minute, Refuse: true}, -1, latchkey.ErrNetwork},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, client := service(t, latchkeytest.InProcess(), latchkeytest.Rotation(30*time.Second))
				signIn(t, client)
				srv.Fail("GetTokensFromRefreshToken", tt.times, tt.fault)
				if _, err := tokens(t, client, latchkey.ForceRefresh()); !errors.Is(err, tt.want) {
					t.Errorf("during: %v, want %v", err, tt.want)
				}
				srv.Heal()
				if _, err := tokens(t, client); err != nil {
					t.Errorf("the tokens that were there: %v", err)
				}
				time.Sleep(6 * time.Minute)
				for range 3 {
					if _, err := tokens(t, client, latchkey.ForceRefresh()); err != nil {
						t.Errorf("after: %v", err)
					}
				}
			})
		})
	}
}

// TestServiceManyClients: fifty clients over one store with locks, tokens that
// rotate with no grace, and hours that pass: one refresh each time they expire.
func TestServiceManyClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, _ := service(t, latchkeytest.InProcess(), latchkeytest.Rotation(0))
		cfg := srv.Config()
		cfg.Store = store.NewMemory()
		first := open(t, cfg)
		signIn(t, first)
		clients := []*latchkey.Client{first}
		for range 49 {
			clients = append(clients, open(t, cfg))
		}
		for round := range 5 {
			if got := srv.Calls("GetTokensFromRefreshToken"); got != round {
				t.Fatalf("%d refreshes in %d rounds", got, round)
			}
			time.Sleep(2 * time.Hour)
			var group sync.WaitGroup
			for _, client := range clients {
				group.Go(func() {
					session, err := client.FetchSession(t.Context())
					if err == nil {
						_, err = session.Tokens()
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
	})
}

// TestServiceClock: a service whose clock is an hour or a day off.
func TestServiceClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, client := service(t, latchkeytest.InProcess())
				srv.Advance(off)
				signIn(t, client)
				for range 36 { // of five minutes
					if _, err := tokens(t, client); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					time.Sleep(5 * time.Minute)
				}
				if got := srv.Calls("GetTokensFromRefreshToken"); got > 4 {
					t.Errorf("%d refreshes in three hours", got)
				}
			})
		})
	}
}

// TestServiceErrorsHoldNoSecrets: the real service's words, seen through errors.
func TestServiceErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	_, client := service(t)
	long := strings.Repeat("a-password-that-is-too-long ", 20)
	for _, login := range []latchkey.Login{latchkey.Password("ann", long), latchkey.PlainPassword("ann", long), latchkey.PlainPassword(long, long)} {
		_, err := client.SignIn(context.WithoutCancel(t.Context()), login)
		if err == nil || strings.Contains(err.Error(), "a-password") {
			t.Errorf("SignIn: %v", err)
		}
	}
}
