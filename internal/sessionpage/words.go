package sessionpage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey"
)

// The kinds of a message.
const (
	kindNotice = "notice"
	kindAlert  = "alert"
)

// message says what was done, or not.
type message struct {
	Kind, Text string
	Hint       string
	List       []string
	// Field is the name of the input that is wrong; empty where it is none.
	Field string
	// What to put into the form again, by input.
	Username string
	Typed    map[string]string
}

// alarm says what was not done, and why.
func alarm(what string, err error) *message {
	text, hint := explain(err)
	return &message{Kind: kindAlert, Text: what + ": " + text + ".", Hint: hint}
}

// refused says why a sign-in did not succeed.
func refused(err error) *message {
	text, hint := explain(err)
	switch {
	case errors.Is(err, latchkey.ErrUserNotConfirmed):
		hint = "Confirm the sign-up with the code that was sent: the sign-in pages ask for it."
	case errors.Is(err, latchkey.ErrPasswordResetRequired):
		hint = "Set a new one on the sign-in pages."
	case errors.Is(err, latchkey.ErrDenied):
		text, hint = "You came back from the sign-in pages without signing in", ""
	case errors.Is(err, latchkey.ErrInvalidParameter):
		text, hint = malformed(text), ""
	}
	return &message{Kind: kindAlert, Text: sentence(text), Hint: hint, Field: fieldOf(err)}
}

// fieldOf is the input that an error is about.
func fieldOf(err error) string {
	e, ok := errors.AsType[*latchkey.Error](err)
	switch {
	case errors.Is(err, latchkey.ErrInvalidPassword):
		return "new_password"
	case errors.Is(err, latchkey.ErrCodeMismatch):
		return "code"
	case errors.Is(err, latchkey.ErrInvalidParameter) && ok && strings.Contains(e.Message, "'username'"):
		return "username"
	case errors.Is(err, latchkey.ErrInvalidParameter) && ok && strings.Contains(e.Message, "'password'"):
		return "new_password"
	case errors.Is(err, latchkey.ErrUserNotFound), ok && e.Message == "Incorrect username or password.":
		return "password"
	}
	return ""
}

// malformed says in a person's words what Cognito's model has against an input.
func malformed(text string) string {
	switch {
	case strings.Contains(text, "'password'") && strings.Contains(text, "greater than or equal"):
		return "that password is too short"
	case strings.Contains(text, "'password'"):
		return "the pool does not take that password: it begins or ends with a space, or is too long"
	case strings.Contains(text, "'username'"):
		return "that is no user name"
	}
	return text
}

// explain puts an error into words: what happened, and what to do about it.
func explain(err error) (text, hint string) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "the service took too long", "Try again."
	}
	e, ok := errors.AsType[*latchkey.Error](err)
	if !ok {
		return plain(err.Error()), ""
	}
	switch {
	case errors.Is(e.Kind, latchkey.ErrNetwork):
		return "the service cannot be reached", "Nothing was signed out. Is latchkey up still running?"
	case errors.Is(e.Kind, latchkey.ErrSignedOut):
		return "nobody is signed in", ""
	case errors.Is(e.Kind, latchkey.ErrSessionExpired):
		return "the service has ended the session" + because(e), "Sign in again."
	case errors.Is(e.Kind, latchkey.ErrNotFetched):
		return "not asked for yet", ""
	case e.Message != "":
		text = plain(e.Message)
	case e.Kind != nil:
		text = e.Kind.Error()
	case e.Err != nil:
		text = plain(e.Err.Error())
	}
	return text, sentence(e.Hint)
}

// because is what ended a session: the exception, and the service's words.
func because(e *latchkey.Error) string {
	why := strings.TrimSuffix(plain(e.Message), ".")
	switch {
	case e.Code != "" && why != "":
		return " (" + e.Code + ": " + why + ")"
	case e.Code != "" || why != "":
		return " (" + e.Code + why + ")"
	}
	return ""
}

// plain is a text on one line, without the full stop.
func plain(text string) string {
	return strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(text, "\n", "; ")), ".")
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}

// ago says how far back a time is, as the command writes it.
func ago(d time.Duration) string {
	if d >= 365*24*time.Hour {
		return "long ago"
	}
	return span(d) + " ago"
}

// span is a time in its two largest units, as the command writes it: "59m 30s".
func span(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, unit := range units[:len(units)-1] {
		if d < unit.size {
			continue
		}
		next := units[i+1]
		return fmt.Sprintf("%d%s %d%s", d/unit.size, unit.name, d%unit.size/next.size, next.name)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// told is an event in the page's list.
type told struct {
	Clock, At     string
	Title, Detail string
	Tone          string // good, bad, or empty
}

func tellOf(e latchkey.Event, zone *time.Location) told {
	t := told{Clock: e.At.In(zone).Format(clockLayout), At: e.At.UTC().Format(time.RFC3339)}
	set := func(title, detail, tone string) { t.Title, t.Detail, t.Tone = title, detail, tone }
	reason, _ := "", ""
	if e.Err != nil {
		reason, _ = explain(e.Err)
	}
	switch e.Kind {
	case latchkey.EventSignedIn:
		set("Signed in", "as "+e.Username, "good")
	case latchkey.EventRestored:
		set("Session found", "of "+e.Username, "good")
	case latchkey.EventRefreshed:
		set("Refreshed", "new tokens", "good")
		if reason != "" {
			set("Refreshed", "but not stored: "+reason, "bad")
		}
	case latchkey.EventRefreshFailed:
		set("Refresh failed", reason+"; it is tried again", "bad")
	case latchkey.EventSessionExpired:
		set("Session ended", "by the service: "+codeOf(e.Err), "bad")
	case latchkey.EventSignedOut:
		set("Signed out", signedOutHow(e.Cause), "")
	case latchkey.EventIdentityChanged:
		set("Identity", e.IdentityID, "")
	default:
		set(e.Kind.String(), "", "")
	}
	return t
}

// codeOf is the exception in an error.
func codeOf(err error) string {
	failed, _ := errors.AsType[*latchkey.Error](err)
	if failed == nil {
		return ""
	}
	return failed.Code
}

func signedOutHow(cause latchkey.Cause) string {
	switch cause {
	case latchkey.CauseGlobal:
		return "everywhere"
	case latchkey.CauseRemote:
		return "by another program"
	}
	return "in this browser"
}
