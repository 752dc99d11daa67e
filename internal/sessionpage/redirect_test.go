package sessionpage

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// visitPages follows the button to the sign-in pages and signs in there; the browser
// ends up at the page again.
func (b *browser) visitPages(username, password string) (at *url.URL, page string) {
	b.w.t.Helper()
	status, at, text := b.do(b.request(http.MethodPost, "/session/pages"))
	if status != http.StatusOK || !strings.HasSuffix(at.Path, "/login") {
		return at, text // the pages know this browser
	}
	_, at, text = b.do(b.request(http.MethodPost, at.String(), "username", username, "password", password))
	return at, text
}

// TestSignInPages: there and back, the session afterwards, and its end with the
// browser's session at the pages.
func TestSignInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/")
	before := b.cookie()
	at, page := b.visitPages("demo", password)
	if at.Path != "/" || at.RawQuery != "" {
		t.Fatalf("the browser is at %s: %s", at.Path, page)
	}
	w.wants(page, "Signed in", "through the sign-in pages", "openid")
	b.sees("<strong>Signed in</strong> as demo")
	if b.cookie() == before {
		t.Error("the cookie after the sign-in is the one from before")
	}
	w.wants(b.post("/session/refresh"), "Refreshed: new tokens")
	page = b.post("/session/sign-out") // by way of the logout page, and back
	w.wants(page, "You are signed out.", "The sign-in pages have forgotten this browser.", "The refresh token is revoked.")
	if at, _ := b.visitPages("demo", "not it"); !strings.HasSuffix(at.Path, "/login") {
		t.Errorf("after the sign-out the pages let the browser in: %s", at.Path)
	}
}

// TestCallback: an answer is good for the browser that asked, once.
func TestCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	b.get("/")
	other.get("/")
	var last string
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			last = r.URL.RequestURI()
			return errStop
		}
		return nil
	}
	_, at, _ := b.do(b.request(http.MethodPost, "/session/pages"))
	r := b.request(http.MethodPost, at.String(), "username", "demo", "password", password)
	if answer, err := b.client.Do(r); !errors.Is(err, errStop) {
		t.Fatalf("%v %v", answer, err)
	}
	b.client.CheckRedirect = nil
	if !strings.HasPrefix(last, "/callback?") {
		t.Fatal("the pages did not lead back")
	}
	w.wants(other.get(last), "this browser did not ask for it", "Nobody is signed in")
	stranger := w.browser()
	if status, _, page := stranger.do(stranger.request(http.MethodGet, last)); status != http.StatusForbidden || !strings.Contains(page, "has begun no sign-in here") {
		t.Errorf("%d %s", status, page)
	}
	w.wants(b.get(last), "through the sign-in pages")
	w.wants(b.get(last), "was used already", "Signed in")
	for query, want := range map[string]string{
		"":                                       "neither code nor error",
		"code=x&state=y":                         "belongs to another sign-in",
		"error=access_denied&state=y":            "belongs to another sign-in",
		"code=<script>alert(1)</script>&state=y": "belongs to another sign-in",
	} {
		person := w.browser()
		person.get("/")
		person.do(person.request(http.MethodPost, "/session/pages"))
		page := person.get("/callback?" + query)
		w.wants(page, want, `role="alert"`)
		w.never(page, "<script>alert")
	}
}

var errStop = errors.New("that far")

// TestDenied: somebody who comes back without signing in is told so, and may try again.
func TestDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/")
	state := ""
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if given := r.URL.Query().Get("state"); given != "" {
			state = given
		}
		return nil
	}
	b.do(b.request(http.MethodPost, "/session/pages"))
	w.wants(b.get("/callback?error=access_denied&state="+url.QueryEscape(state)), "without signing in", "Use the sign-in pages")
}
