package latchkey_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/latchkeytest"
)

// website is a web program with one user, such as a dashboard on his machine. One
// with many users has a client for each browser's session.
type website struct{ client *latchkey.Client }

func (s *website) routes(callback string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { s.signIn(w, r, callback) })
	mux.HandleFunc("GET /callback", s.callback)
	mux.HandleFunc("POST /sign-out", s.signOut)
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		user, err := s.client.CurrentUser(r.Context())
		if errors.Is(err, latchkey.ErrSignedOut) {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, "orders of %s", user.Username)
	})
	return mux
}

// signIn sends the browser to the sign-in pages. The flow waits in a cookie that no
// script and no other site can read.
func (s *website) signIn(w http.ResponseWriter, r *http.Request, callback string) {
	address, flow, err := s.client.AuthCodeURL(latchkey.RedirectTo(callback), latchkey.CustomState("/orders"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: "sign-in", Value: flow.Reveal(), Path: "/callback", Expires: flow.Expires(),
		HttpOnly: true, Secure: strings.HasPrefix(callback, "https:"), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// callback is where the browser comes back to. A flow is good once.
func (s *website) callback(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("sign-in")
	if err != nil {
		http.Error(w, "No sign-in was begun in this browser.", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "sign-in", Path: "/callback", MaxAge: -1})
	flow, err := latchkey.ParseRedirectFlow(cookie.Value)
	if err == nil {
		err = s.client.Exchange(r.Context(), flow, r.URL.String())
	}
	switch {
	case errors.Is(err, latchkey.ErrDenied):
		http.Error(w, "You did not sign in.", http.StatusForbidden)
	case errors.Is(err, latchkey.ErrFlow):
		http.Error(w, "This answer belongs to no sign-in of this browser. Start again.", http.StatusBadRequest)
	case err != nil:
		http.Error(w, "Signing in does not work at the moment.", http.StatusBadGateway)
	default:
		http.Redirect(w, r, flow.CustomState(), http.StatusSeeOther)
	}
}

// signOut takes the browser on to the logout page, so that the next sign-in asks for
// the password again.
func (s *website) signOut(w http.ResponseWriter, r *http.Request) {
	report, err := s.client.SignOut(r.Context())
	if err != nil {
		log.Print("not everything was done: ", err)
	}
	if report.LogoutURL == "" { // the session was not one of the pages
		report.LogoutURL = "/sign-in"
	}
	http.Redirect(w, r, report.LogoutURL, http.StatusSeeOther)
}

// A web program: it sends the browser to the sign-in pages, and takes it back.
func ExampleClient_AuthCodeURL() {
	end, site := startWebsite()
	defer end()
	fmt.Println(newVisitor().signIn(site + "/orders"))
	// Output: orders of ann
}

// Signing out of a web program ends the browser's session at the pages too.
func ExampleClient_SignOut_web() {
	end, site := startWebsite()
	defer end()
	ann := newVisitor()
	ann.signIn(site + "/orders")
	fmt.Println(ann.post(site + "/sign-out"))
	_, at := ann.get(site + "/orders")
	fmt.Println(strings.HasSuffix(at.Path, "/login"))
	// Output:
	// https://app.example.com/signed-out
	// true
}

// A command or desktop program: the browser opens, and comes back by itself.
func ExampleClient_SignInBrowser() {
	config, end := exampleService()
	defer end()
	config.OpenBrowser = func(_ context.Context, address string) error { // leave it out to open the real one
		newVisitor().signIn(address)
		return nil
	}
	client, err := latchkey.New(config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.SignInBrowser(ctx)
	switch {
	case errors.Is(err, latchkey.ErrDenied):
		fmt.Println("you canceled the sign-in")
	case errors.Is(err, latchkey.ErrBrowser):
		fmt.Println("no browser here: see PasteAnswer")
	case err != nil:
		log.Fatal(err)
	}
	user, err := client.CurrentUser(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Username, "signed in")
	// Output: ann signed in
}

// In a remote shell the person opens the address elsewhere, and pastes what his
// browser ended up at.
func ExamplePasteAnswer() {
	config, end := exampleService()
	defer end()
	client, err := latchkey.New(config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.SignInBrowser(ctx, latchkey.PasteAnswer(func(_ context.Context, address string) (string, error) {
		fmt.Println("Open the address, sign in, and paste the address that the browser ends up at:")
		return newVisitor().signIn(address), nil // in the place of reading a line
	}))
	if err != nil {
		log.Fatal(err)
	}
	report, err := client.SignOut(ctx) // the browser is on another machine
	fmt.Println("revoked:", report.Revoked, "opened:", report.HostedPage, "to open:", report.LogoutURL != "", err)
	// Output:
	// Open the address, sign in, and paste the address that the browser ends up at:
	// revoked: true opened: false to open: true <nil>
}

// Straight to an identity provider of the pool, without the sign-in page.
func ExampleThroughProvider() {
	client, err := latchkey.New(latchkey.Config{
		UserPoolID: "us-east-1_abc123DEF", ClientID: "3n4b5urk1ft4fl3mg5e62d9ado",
		OAuth: &latchkey.OAuthConfig{
			Domain: "example.auth.us-east-1.amazoncognito.com", RedirectSignIn: []string{"https://app.example.com/callback"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	address, flow, err := client.AuthCodeURL(latchkey.ThroughProvider("Google"))
	if err != nil {
		log.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Host, u.Path, u.Query().Get("identity_provider"), flow.Provider())
	// Output: example.auth.us-east-1.amazoncognito.com /oauth2/authorize Google Google
}

// exampleService is a real service with one user, for as long as an example runs.
func exampleService() (config latchkey.Config, end func()) {
	tb := new(exampleTB)
	srv := latchkeytest.NewServer(tb)
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password})
	return srv.Config(), tb.end
}

// startWebsite runs the website with a client of its own.
func startWebsite() (end func(), address string) {
	config, stop := exampleService()
	client, err := latchkey.New(config)
	if err != nil {
		log.Fatal(err)
	}
	var routes http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, r) }))
	routes = (&website{client}).routes(server.URL + "/callback")
	return func() {
		server.Close()
		_ = client.Close()
		stop()
	}, server.URL
}

// visitor is a person with a browser that keeps cookies, and stops where there is
// nothing to see: at addresses of this example alone.
type visitor struct{ browser http.Client }

func newVisitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	return &visitor{http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Host, ".example.com") || r.URL.Host == "127.0.0.1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// signIn goes to an address that leads to the login page, fills that in, and tells
// what is to be seen in the end: a page, or an address.
func (v *visitor) signIn(address string) string {
	_, login := v.get(address)
	return v.send(v.browser.PostForm(login.String(), url.Values{"username": {"ann"}, "password": {password}}))
}

func (v *visitor) post(address string) string { return v.send(v.browser.PostForm(address, nil)) }

func (v *visitor) send(answer *http.Response, err error) string {
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if to := answer.Header.Get("Location"); to != "" {
		return to
	}
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(page)
}

func (v *visitor) get(address string) (page string, at *url.URL) {
	answer, err := v.browser.Get(address)
	if err != nil {
		log.Fatal(err)
	}
	return v.send(answer, nil), answer.Request.URL
}

// exampleTB is what a latchkeytest server asks of a test, for examples.
type exampleTB struct {
	testing.TB // nil: nothing else is asked for
	cleanups   []func()
}

func (tb *exampleTB) Helper()                           {}
func (tb *exampleTB) Cleanup(f func())                  { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (tb *exampleTB) Fatal(args ...any)                 { log.Fatal(args...) }
func (tb *exampleTB) Errorf(format string, args ...any) { log.Printf(format, args...) }

func (tb *exampleTB) end() {
	for _, f := range slices.Backward(tb.cleanups) {
		f()
	}
}
