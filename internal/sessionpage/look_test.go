package sessionpage

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey"
)

func TestLife(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	l := life{From: start, Until: start.Add(time.Hour)}
	for _, test := range []struct {
		after       time.Duration
		left, state string
		value       int64
	}{
		{-time.Minute, "1h 1m left", "good", 1000}, {0, "1h 0m left", "good", 1000}, {30 * time.Minute, "30m 0s left", "good", 500},
		{55 * time.Minute, "5m 0s left", "low", 83}, {time.Hour - time.Second, "1s left", "low", 0}, {time.Hour, "expired 0s ago", "over", 0},
		{49 * time.Hour, "expired 2d 0h ago", "over", 0}, {365 * 24 * time.Hour, "expired 364d 23h ago", "over", 0},
		{20787 * 24 * time.Hour, "expired long ago", "over", 0},
	} {
		v := &view{Now: start.Add(test.after)}
		if v.Left(l) != test.left || v.State(l) != test.state || v.Value(l) != test.value {
			t.Errorf("after %v: %q, %s, %d", test.after, v.Left(l), v.State(l), v.Value(l))
		}
	}
	if v := (&view{}); v.Left(l) != "" || v.Value(l) != 0 || v.State(l) != "" {
		t.Error("a part's version changes with the time")
	}
	if v := (&view{Now: start}); v.Value(life{}) != 0 {
		t.Error("a life without an end has a bar")
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	got := list([]byte(`{"sub":"a\u003cb","exp":1764356400,"iat":"1764356400","auth_time":1e99,"cognito:groups":["x","y"],"ok":true,"sub2":null}`), time.UTC)
	want := []claim{
		{"sub", "a<b", ""}, {"exp", "1764356400", "2025-11-28 19:00:00 UTC"}, {"iat", "1764356400", "2025-11-28 19:00:00 UTC"}, {"auth_time", "1e99", ""},
		{"cognito:groups", `["x","y"]`, ""}, {"ok", "true", ""}, {"sub2", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(list([]byte("{"+strings.Repeat(`"a":1,`, 2*maxClaims)+`"b":2}`), time.UTC)); n != maxClaims {
		t.Errorf("%d claims are listed", n)
	}
	for _, bad := range []string{"", "[]", "1", `{"a"`, `{"a":`, "{"} {
		if n := len(list([]byte(bad), time.UTC)); n != 0 {
			t.Errorf("%q has %d claims", bad, n)
		}
	}
}

// FuzzClaims: whatever a token holds, its claims can be listed.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"a","exp":1764356400,"x":{"y":[1,null]}}`))
	f.Add([]byte(`{"a":1`))
	f.Fuzz(func(t *testing.T, object []byte) {
		for _, c := range list(object, time.UTC) {
			if c.Time != "" && !strings.HasSuffix(c.Time, " UTC") {
				t.Errorf("%q is a time", c.Time)
			}
		}
	})
}

func TestMask(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"ASIAQ7LO4L2FDXBOUOX5": "ASIA••••••••UOX5", "short": "••••••••", "": "••••••••"} {
		if got := mask(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
}

// TestEvents: every event has its words, and none of them is a name of Go's.
func TestEvents(t *testing.T) {
	t.Parallel()
	network := &latchkey.Error{Op: "FetchSession", Kind: latchkey.ErrNetwork}
	for _, test := range []struct {
		event               latchkey.Event
		title, detail, tone string
	}{
		{latchkey.Event{Kind: latchkey.EventSignedIn, Username: "ann"}, "Signed in", "as ann", "good"},
		{latchkey.Event{Kind: latchkey.EventRestored, Username: "ann"}, "Session found", "of ann", "good"},
		{latchkey.Event{Kind: latchkey.EventRefreshed, Username: "ann"}, "Refreshed", "new tokens", "good"},
		{latchkey.Event{Kind: latchkey.EventRefreshed, Err: errors.New("no room.")}, "Refreshed", "but not stored: no room", "bad"},
		{latchkey.Event{Kind: latchkey.EventRefreshFailed, Err: network}, "Refresh failed", "the service cannot be reached; it is tried again", "bad"},
		{latchkey.Event{Kind: latchkey.EventSessionExpired, Err: &latchkey.Error{Kind: latchkey.ErrSessionExpired, Code: "UserNotFoundException"}}, "Session ended", "by the service: UserNotFoundException", "bad"},
		{latchkey.Event{Kind: latchkey.EventSignedOut, Cause: latchkey.CauseLocal}, "Signed out", "in this browser", ""},
		{latchkey.Event{Kind: latchkey.EventSignedOut, Cause: latchkey.CauseGlobal}, "Signed out", "everywhere", ""},
		{latchkey.Event{Kind: latchkey.EventSignedOut, Cause: latchkey.CauseRemote}, "Signed out", "by another program", ""},
		{latchkey.Event{Kind: latchkey.EventIdentityChanged, IdentityID: "us-east-1:x"}, "Identity", "us-east-1:x", ""},
	} {
		if got := tellOf(test.event, time.UTC); got.Title != test.title || got.Detail != test.detail || got.Tone != test.tone {
			t.Errorf("%v: %+v", test.event.Kind, got)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err        error
		text, hint string
	}{
		{context.DeadlineExceeded, "the service took too long", "Try again."},
		{errors.New("a\nb."), "a; b", ""},
		{&latchkey.Error{Kind: latchkey.ErrNetwork, Message: "dial tcp"}, "the service cannot be reached", "Nothing was signed out. Is latchkey up still running?"},
		{&latchkey.Error{Kind: latchkey.ErrSignedOut}, "nobody is signed in", ""},
		{&latchkey.Error{Kind: latchkey.ErrSessionExpired, Code: "NotAuthorizedException", Message: "Refresh Token has been revoked"}, "the service has ended the session (NotAuthorizedException: Refresh Token has been revoked)", "Sign in again."},
		{&latchkey.Error{Kind: latchkey.ErrSessionExpired}, "the service has ended the session", "Sign in again."},
		{&latchkey.Error{Kind: latchkey.ErrThrottled, Message: "Rate exceeded."}, "Rate exceeded", ""},
		{&latchkey.Error{Kind: latchkey.ErrGuestsDisabled, Hint: "sign in, or allow guests"}, "guest access is disabled", "Sign in, or allow guests."},
	} {
		if text, hint := explain(test.err); text != test.text || hint != test.hint {
			t.Errorf("%v: %q %q", test.err, text, hint)
		}
	}
}

// TestQuestions: each challenge is asked in its own way, and answered in it.
func TestQuestions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		challenge latchkey.Challenge
		form      url.Values
		title     string
		missing   string
		field     string // that is wrong
	}{
		{latchkey.Challenge{Name: "SOFTWARE_TOKEN_MFA"}, url.Values{"code": {" 123456 "}}, "One more step", "", ""},
		{latchkey.Challenge{Name: "EMAIL_OTP", Destination: "d***@e***"}, url.Values{}, "One more step", "Type the code.", "code"},
		{latchkey.Challenge{Name: "CUSTOM_CHALLENGE"}, url.Values{"code": {"x"}}, "One more step", "", ""},
		{latchkey.Challenge{Name: "SELECT_MFA_TYPE", Choices: []string{"SMS_MFA", "EMAIL_OTP"}}, url.Values{"choice": {"EMAIL_OTP"}}, "One more step", "", ""},
		{latchkey.Challenge{Name: "SELECT_MFA_TYPE", Choices: []string{"SMS_MFA"}}, url.Values{"choice": {"PASSWORD"}}, "One more step", "Choose one of the ways that are offered.", ""},
		{latchkey.Challenge{Name: "NEW_PASSWORD_REQUIRED", RequiredAttributes: []string{"given_name"}}, url.Values{"new_password": {"x"}, "attribute.given_name": {"Ann"}}, "Choose a new password", "", ""},
		{latchkey.Challenge{Name: "NEW_PASSWORD_REQUIRED", RequiredAttributes: []string{"given_name"}}, url.Values{"new_password": {"x"}}, "Choose a new password", "Fill in this field.", "attribute.given_name"},
		{latchkey.Challenge{Name: "NEW_PASSWORD_REQUIRED"}, url.Values{}, "Choose a new password", "Choose a new password.", "new_password"},
		{latchkey.Challenge{Name: "MFA_SETUP"}, url.Values{"code": {"x"}}, "This page cannot go on", "The user pool asks to set up a second factor. Do that with the application that you sign in to, then sign in here.", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.PostForm = test.form
		if got := questionOf(&test.challenge); got.Title != test.title {
			t.Errorf("%s: %q", test.challenge.Name, got.Title)
		}
		_, problem := answerOf(&test.challenge, r)
		if problem == nil {
			problem = &message{}
		}
		if problem.Text != test.missing || problem.Field != test.field {
			t.Errorf("%s: %q at %q", test.challenge.Name, problem.Text, problem.Field)
		}
	}
	if lead := codeLead(&latchkey.Challenge{Destination: "d***@e***"}); lead != "Type the code that was sent to d***@e***." {
		t.Error(lead)
	}
}

// TestMessageFirst: what was just done is said rather than how the session ended
// some time ago.
func TestMessageFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.browser(), w.browser()
	first.signIn()
	second.signIn()
	first.post("/session/sign-out-everywhere")
	second.post("/session/refresh")
	w.wants(second.get("/"), "The service has ended the session")
	page := second.post("/session/sign-in", "username", "demo", "password", "not it")
	w.wants(page, "Incorrect username or password.")
	w.never(page, "The service has ended the session")
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6": "that password is too short",
		"Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern":     "the pool does not take that password: it begins or ends with a space, or is too long",
		"Value at 'username' failed to satisfy constraint":                                                     "that is no user name",
		"something else": "something else",
	} {
		if got := malformed(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
