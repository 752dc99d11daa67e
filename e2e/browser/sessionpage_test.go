package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

// comes waits until a condition holds on the page that is there, or on one that takes
// its place in the meantime.
func (tab *Tab) comes(condition string) {
	tab.t.Helper()
	tab.until(func(ctx context.Context) string {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if holds && err == nil {
			return ""
		}
		shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
		return fmt.Sprintf("%s: %t, %v\nthe page: %s", condition, holds, err, shown)
	})
}

// says is the condition that a part of the page has a text in it.
func says(selector, text string) string {
	return "document.querySelector('" + selector + "').innerText.includes('" + text + "')"
}

// turns waits for a layout of the session page, which may come by a page that is
// loaded anew.
func (tab *Tab) turns(layout string) {
	tab.t.Helper()
	tab.comes("document.querySelector('main." + layout + "').checkVisibility()")
}

// openSession is a browser at the session page.
func openSession(t *testing.T, base string, flags ...chromedp.ExecAllocatorOption) *Tab {
	t.Helper()
	tab := Open(t, flags...)
	tab.Go(base + "/")
	tab.shows("Nobody is signed in")
	return tab
}

const (
	demoButton  = `form[action="/session/demo"] button`
	signButton  = `form[action="/session/sign-in"] button`
	pagesButton = `form[action="/session/pages"] button`
	endButton   = "#do-sign-out"
)

// TestSessionPage is a newcomer's way: in by one press, refresh, out.
func TestSessionPage(t *testing.T) {
	up := local.Up()
	tab := openSession(t, up.Endpoint)
	tab.comes(says("#live", "Live"))
	if requests := tab.Requests(); len(requests) != 3 { // the page, its stylesheet, its stream
		t.Errorf("requests: %q", requests)
	}
	if page := Evaluate[string](tab, "document.documentElement.outerHTML"); strings.Contains(page, up.Password) {
		t.Error("the demo user's password stands in the page")
	}
	tab.Press(demoButton)
	tab.shows("Demo User", "demo@example.com", "ID token", "Access token", "AWS credentials", "USER_SRP_AUTH", "cognito:username", " left")
	tab.comes(says("#live", "Live"))
	tab.comes(says("#events", "Signed in"))
	left := Evaluate[string](tab, "document.querySelector('#id .left').innerText")
	tab.comes("document.querySelector('#id .left').innerText !== '" + left + "'") // it counts by itself
	tab.Requests()
	// The claims' new times come by the stream, the report by the form's own answer.
	issued := Evaluate[string](tab, "document.querySelector('#id table').innerText")
	Evaluate[string](tab, "document.querySelector('#id details:not(.claims) summary').click(); document.querySelector('#do-refresh').focus(); ''")
	run(tab, chromedp.Click(chromedp.CSS("#do-refresh")))
	tab.comes(says("#message", "Refreshed: new tokens"))
	tab.comes(says("#events", "Refreshed"))
	tab.comes("document.querySelector('#news').textContent.includes('Refreshed')") // for those who listen
	tab.comes("document.querySelector('#id table').innerText !== " + quoted(issued))
	if kept := Evaluate[bool](tab, "document.querySelector('#id details:not(.claims)').open && document.activeElement.id === 'do-refresh'"); !kept {
		t.Error("the refresh has closed what was open, or taken the focus")
	}
	if requests := strings.Join(tab.Requests(), "\n"); requests != "POST "+up.Endpoint+"/session/refresh" {
		t.Errorf("a refresh asks for %s", requests)
	}
	tab.Press(endButton)
	tab.shows("Nobody is signed in", "You are signed out.", "The refresh token is revoked.")
	tab.Fill("username", "demo")
	tab.Fill("password", "not it")
	tab.Press(signButton)
	tab.shows("Nobody is signed in", "Incorrect username or password.")
	tab.Fill("password", up.Password)
	tab.Type("\r")
	tab.shows("Demo User")
	tab.quiet()
}

// quoted is a text as a JavaScript literal.
func quoted(text string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'", "\n", "\\n", "\t", "\\t").Replace(text) + "'"
}

// throughPages signs in by the sign-in pages and out of both; each way leads back to
// the session page at base.
func (tab *Tab) throughPages(base, password string) {
	tab.t.Helper()
	tab.Press(pagesButton)
	tab.shows("Sign in")
	tab.Fill("username", "demo")
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.shows("Demo User", "through the sign-in pages")
	if at := Evaluate[string](tab, "location.href"); at != base+"/" {
		tab.t.Errorf("the browser is at %s", at)
	}
	tab.Press(endButton)
	tab.shows("Nobody is signed in", "The sign-in pages have forgotten this browser.")
	if at := Evaluate[string](tab, "location.href"); at != base+"/" {
		tab.t.Errorf("after the sign-out the browser is at %s", at)
	}
}

// TestSessionPageRedirect: by the sign-in pages and back, and out of both.
func TestSessionPageRedirect(t *testing.T) {
	up := local.Up()
	tab := openSession(t, up.Endpoint)
	tab.throughPages(up.Endpoint, up.Password)
	tab.Press(pagesButton)
	tab.shows("Sign in") // and asks for the password again
	tab.quiet()
}

// TestSessionPageEverywhere: a session that another browser ends is over here, by
// itself, and the page says why.
func TestSessionPageEverywhere(t *testing.T) {
	up := local.Up()
	first, second := openSession(t, up.Endpoint), openSession(t, up.Endpoint)
	for _, tab := range []*Tab{first, second} {
		tab.Press(demoButton)
		tab.shows("Demo User")
		tab.comes(says("#live", "Live"))
	}
	first.Press("#do-sign-out-everywhere")
	first.shows("Nobody is signed in", "The service has ended all sessions of demo")
	second.turns("out")
	second.shows("Nobody is signed in", "The service has ended the session", "Session ended")
	first.quiet()
	second.quiet()
}

// TestSessionPageGuest: credentials without a sign-in, when they are asked for.
func TestSessionPageGuest(t *testing.T) {
	tab := openSession(t, local.Up().Endpoint)
	tab.comes(says("#live", "Live"))
	run(tab, chromedp.Click(chromedp.CSS("#do-guest")))
	tab.comes(says("#message", "credentials as a guest"))
	tab.comes(says("#aws", "ASIA"))
	tab.Press(demoButton)
	tab.shows("Demo User")
	tab.quiet()
}

// TestSessionPageSecure: both ways in over https too.
func TestSessionPageSecure(t *testing.T) {
	up := local.Up()
	tab := openSession(t, up.HTTPSEndpoint, chromedp.Flag("ignore-certificate-errors", true))
	tab.Press(demoButton)
	tab.shows("Demo User")
	tab.Press(endButton)
	tab.shows("Nobody is signed in", "You are signed out.")
	tab.throughPages(up.HTTPSEndpoint, up.Password)
	tab.quiet()
}

// TestSessionPageRestart: a tab that is open while the service stops says so, and
// comes back by itself when it is there again, signed out.
func TestSessionPageRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	address := local.FixedAddress(t)
	first, err := local.Start(dir, "--listen", address)
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceValue(first.Stop)
	t.Cleanup(func() { _ = stop() })
	up := first.Ready
	tab := openSession(t, up.Endpoint)
	tab.Press(demoButton)
	tab.shows("Demo User")
	tab.comes(says("#live", "Live"))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	tab.comes(says("#live", "Connecting again"))
	Evaluate[string](tab, "document.querySelector('#do-refresh').click(); ''")
	tab.comes(says("#message", "Is latchkey up still running?"))
	second, err := local.Start(dir, "--listen", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	})
	tab.turns("out")
	tab.shows("Nobody is signed in", "latchkey up was started anew")
	tab.Press(demoButton)
	tab.shows("Demo User")
}

// TestSessionPageWithoutScript: forms and pages are enough.
func TestSessionPageWithoutScript(t *testing.T) {
	up := local.Up()
	tab := Open(t)
	tab.withoutScript()
	tab.Go(up.Endpoint + "/")
	tab.Fill("username", "demo")
	tab.Fill("password", up.Password)
	tab.Press(signButton)
	tab.shows("Demo User", "left")
	tab.Press("#do-refresh")
	tab.shows("Demo User", "Refreshed: new tokens")
	tab.Press("#do-sign-out-everywhere")
	tab.shows("Nobody is signed in", "The service has ended all sessions of demo")
}

// clipboard reads what was copied, once it begins with that.
func (tab *Tab) clipboard(prefix string) string {
	tab.t.Helper()
	var text string
	tab.until(func(ctx context.Context) (problem string) {
		var err error
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
		if err != nil || !strings.HasPrefix(text, prefix) {
			return fmt.Sprintf("the clipboard has %.20q, want %q and more; %v", text, prefix, err)
		}
		return ""
	})
	return text
}

// TestSessionPageCopies presses each kind of copy button; tokens are not on the page.
func TestSessionPageCopies(t *testing.T) {
	up := local.Up()
	tab := openSession(t, up.Endpoint)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		call(tab, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
	}
	tab.Press(demoButton)
	tab.shows("Demo User", "custom:plan", "free")
	if page := Evaluate[string](tab, "document.documentElement.outerHTML"); strings.Contains(page, "eyJ") {
		t.Error("a token stands in the page")
	}
	copied := make(map[string]string)
	for what, prefix := range map[string]string{"access": "eyJ", "id": "eyJ", "curl": "curl -s '" + up.Endpoint + "/'"} {
		run(tab, chromedp.Evaluate[any]("navigator.clipboard.writeText('')", chromedp.EvalAwaitPromise))
		run(tab, chromedp.Click(chromedp.CSS(`[data-token="`+what+`"]`)))
		copied[what] = tab.clipboard(prefix)
	}
	if copied["access"] == copied["id"] || !strings.Contains(copied["curl"], copied["access"]) {
		t.Error("the buttons copy the same token, or curl another one")
	}
	run(tab, chromedp.Click(chromedp.CSS(`[aria-label="Copy the app client id"]`)))
	tab.clipboard(up.ClientID)
	tab.comes(`document.querySelector('[aria-label="Copy the app client id"]').dataset.done === 'yes'`)
	tab.quiet()
}

// TestSessionPageShortTokens chooses tokens of five minutes, and signs in both ways.
func TestSessionPageShortTokens(t *testing.T) {
	up := local.Up()
	tab := openSession(t, up.Endpoint)
	tab.Press(`[name="tokens"][value="short"]`)
	tab.comes(`document.querySelector('[value="short"]').getAttribute('aria-pressed') === 'true'`)
	tab.Press(demoButton)
	tab.shows("Demo User", "4m 5", "here every few minutes", "From the identity pool.")
	tab.Press(endButton)
	tab.shows("Nobody is signed in", "You are signed out.")
	tab.throughPages(up.Endpoint, up.Password)
	tab.Press(`[name="tokens"][value="usual"]`)
	tab.comes(`document.querySelector('[value="usual"]').getAttribute('aria-pressed') === 'true'`)
	tab.quiet()
}

// TestSessionPageGallery sees the page signed out and signed in, and with errors.
func TestSessionPageGallery(t *testing.T) {
	tab := openSession(t, local.Up().Endpoint)
	tab.comes(says("#live", "Live"))
	tab.look("session-signed-out")
	tab.Press(demoButton)
	tab.shows("Demo User")
	tab.comes(says("#live", "Live"))
	Evaluate[string](tab, "document.querySelector('#do-refresh').click(); ''")
	tab.comes(says("#events", "Refreshed"))
	tab.comes(says("#message", "Refreshed: new tokens")) // the page is not left before the answer
	tab.Go(local.Up().Endpoint + "/")                    // without the report, and what is new is not lit up any more
	tab.comes(says("#live", "Live"))
	tab.look("session-signed-in")
	tab.Press(endButton)
	tab.shows("Nobody is signed in")
	tab.Fill("username", "demo")
	tab.Fill("password", "not it")
	tab.Press(signButton)
	tab.shows("Nobody is signed in", "Incorrect username or password.")
	tab.look("session-wrong-password")
	up := local.Up()
	_, err := adminOf(up).AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &up.UserPoolID, Username: aws.String("gallery"), TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress,
	})
	if err != nil {
		t.Fatal(err)
	}
	tab.Fill("username", "gallery")
	tab.Fill("password", password)
	tab.Press(signButton)
	tab.shows("Choose a new password", "At least 8 characters")
	tab.Fill("new_password", "long but plain")
	tab.Press(`form[action="/session/answer"] button`)
	tab.shows("Choose a new password", "must have uppercase characters")
	tab.look("session-new-password")
	tab.quiet()
}
