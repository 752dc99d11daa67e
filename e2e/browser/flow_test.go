package browser

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSignUpToSignIn is what a new person does: sign up, type the code from the
// outbox, mistype the password, forget it, set another, and be signed in.
func TestSignUpToSignIn(t *testing.T) {
	s := newSite(t)
	tab := Open(t)
	tab.Go(s.address("/oauth2/authorize"))
	tab.shows("Sign in", "to continue to Example Notes")
	if requests := tab.Requests(); len(requests) != 3 { // authorize, the page, its stylesheet
		t.Errorf("requests: %q", requests)
	}
	tab.Press("ul.ways a")
	tab.shows("Create your account")
	tab.Fill("username", "ann")
	tab.Fill("attribute.email", "ann@example.com")
	tab.Fill("attribute.given_name", "Ann")
	tab.Fill("new_password", "correct-horse-9")
	tab.Press(".submit")
	tab.shows("Create your account", "The password needs an upper-case letter")
	tab.Fill("new_password", password)
	tab.Press(".submit")
	tab.shows("Confirm your account", "a***@e***")
	tab.Fill("code", newestCode(t))
	tab.Press(".submit")
	tab.shows("Sign in", "Your account is confirmed.")
	tab.Fill("password", "not it")
	tab.Press(".submit")
	tab.shows("Sign in", "Incorrect user name or password.")
	tab.Press(".aside a")
	tab.shows("Forgot your password?")
	tab.Fill("username", "ann@example.com")
	tab.Press(".submit")
	tab.shows("Set a new password", "a***@e***")
	tab.Fill("code", newestCode(t))
	tab.Fill("new_password", "Another-Horse-9")
	tab.Press(".submit")
	tab.shows("Sign in", "Your new password is set.")
	tab.Fill("password", "Another-Horse-9")
	tab.Press(".submit")
	tab.arrived(s)
	tab.quiet()
	// The browser is signed in by now.
	tab.Go(s.address("/oauth2/authorize"))
	tab.arrived(s)
	tab.quiet()
}

func TestNewPasswordStep(t *testing.T) {
	s := newSite(t)
	s.invite("ann")
	tab := Open(t)
	tab.Go(s.address("/login", "lang", "de"))
	tab.shows("Anmelden")
	tab.Type("ann\t" + password + "\r") // the cursor is in the first field
	tab.shows("Neues Passwort wählen", "Vorname")
	tab.Fill("new_password", "Another-Horse-9")
	tab.Fill("attribute.given_name", "Ann")
	tab.Press(".submit")
	tab.arrived(s)
	tab.quiet()
}

// TestPeek: the button shows the password, and it is hidden again when it goes out.
func TestPeek(t *testing.T) {
	s := newSite(t)
	tab := Open(t)
	tab.Go(s.address("/login"))
	tab.Fill("password", "some-password")
	kind := func() string { return Evaluate[string](tab, "document.querySelector('#password').type") }
	pressed := func() string {
		return Evaluate[string](tab, "const b = document.querySelector('.peek'); b.click(); b.getAttribute('aria-pressed')")
	}
	if kind() != "password" || pressed() != "true" || kind() != "text" {
		t.Errorf("the password is not shown")
	}
	if got := Evaluate[string](tab, "const f = document.forms[0]; f.onsubmit(new Event('x')); document.querySelector('#password').type"); got != "password" {
		t.Errorf("it goes out as %s", got)
	}
	tab.quiet()
}

// TestWithoutScript: everything works where scripts do not run.
func TestWithoutScript(t *testing.T) {
	s := newSite(t)
	s.invite("ann")
	tab := Open(t)
	tab.withoutScript()
	tab.Go(s.address("/login"))
	tab.Fill("username", "ann")
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.shows("Choose a new password")
	tab.Fill("new_password", "Another-Horse-9")
	tab.Fill("attribute.given_name", "Ann")
	tab.Press(".submit")
	tab.arrived(s)
}

// TestNotInAFrame: nobody shows these pages inside of their own.
func TestNotInAFrame(t *testing.T) {
	s := newSite(t)
	frame := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><link rel=icon href=data:,><h1>Frame</h1><iframe src="%s"></iframe>`, html.EscapeString(s.address("/login")))
	}))
	defer frame.Close()
	tab := Open(t)
	tab.Go(frame.URL)
	// The frame's refusal and the page around it come from two processes.
	said := ""
	tab.until(func(context.Context) string {
		if said += strings.Join(tab.Errors(), "\n"); strings.Contains(said, "frame-ancestors") {
			return ""
		}
		return "the page was framed: " + said
	})
}
