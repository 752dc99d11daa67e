package latchkey_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store"
)

// person is somebody with a browser that keeps cookies and stops at redirects.
type person struct {
	t      *testing.T
	client *http.Client
}

func newPerson(t *testing.T) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t, &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask sends a request and returns where the answer leads, and its page.
func (p *person) ask(ctx context.Context, method, address string, form url.Values) (status int, location, page string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Error(err)
		return 0, "", ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Errorf("%s: %v", method, err)
		return 0, "", ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Error(err)
	}
	if to, err := answer.Location(); err == nil {
		location = to.String()
	}
	return answer.StatusCode, location, string(body)
}

// signIn goes from the authorization request over the login form to where the
// service leads back.
func (p *person) signIn(ctx context.Context, address string) (callback string) {
	p.t.Helper()
	_, form, page := p.ask(ctx, http.MethodGet, address, nil)
	if u, err := url.Parse(form); err != nil || !strings.HasSuffix(u.Path, "/login") {
		p.t.Errorf("the login page is %q: %s", form, page)
	}
	status, callback, page := p.ask(ctx, http.MethodPost, form, url.Values{"username": {"ann"}, "password": {password}})
	if status != http.StatusSeeOther {
		p.t.Errorf("the login form: %d %s", status, page)
	}
	return callback
}

// opener is a Config.OpenBrowser that has the person sign in and come back.
func (p *person) opener(page chan<- string) func(context.Context, string) error {
	return func(ctx context.Context, address string) error {
		_, _, text := p.ask(ctx, http.MethodGet, p.signIn(ctx, address), nil)
		page <- text
		return nil
	}
}

// TestRedirectSession goes through a session's life after a redirect: it refreshes
// and is revoked like one from a password.
func TestRedirectSession(t *testing.T) {
	t.Parallel()
	_, client := service(t)
	events := make(chan latchkey.Event, 8)
	stop, err := client.Subscribe(func(e latchkey.Event) { events <- e })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	const carried = "where I was: ünï\x00code \xff & more"
	address, flow, err := client.AuthCodeURL(latchkey.CustomState(carried), latchkey.LoginHint("ann"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := latchkey.ParseRedirectFlow(flow.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	ann := newPerson(t)
	callback := ann.signIn(t.Context(), address)
	if strings.Contains(callback, "where") || !strings.HasPrefix(callback, latchkeytest.CallbackURL+"?") {
		t.Errorf("callback %s", callback)
	}
	if err := client.Exchange(t.Context(), kept, callback); err != nil || kept.CustomState() != carried {
		t.Fatalf("Exchange: %v, custom state %q", err, kept.CustomState())
	}
	if e := <-events; e.Kind != latchkey.EventSignedIn || e.Username != "ann" {
		t.Errorf("event %+v", e)
	}
	first, err := tokens(t, client)
	if err != nil || first.Access.Username() != "ann" || first.ID.Email() != "ann@example.com" {
		t.Fatalf("tokens %v, %v", first, err)
	}
	if user, err := client.CurrentUser(t.Context()); err != nil || user.Username != "ann" || user.LoginID != "" || user.AuthFlow != "" {
		t.Errorf("CurrentUser %+v, %v", user, err)
	}
	second, err := tokens(t, client, latchkey.ForceRefresh())
	if err != nil || second.Access.ID() == first.Access.ID() || second.Access.OriginID() != first.Access.OriginID() {
		t.Errorf("refreshed %v, %v", second, err)
	}
	if attributes, err := account.Of(client).Attributes(t.Context()); err != nil || attributes["email"] != "ann@example.com" {
		t.Errorf("attributes %v, %v", attributes, err)
	}
	report, err := client.SignOut(t.Context())
	if err != nil || !report.Local || !report.Revoked || report.HostedPage || report.LogoutURL == "" {
		t.Fatalf("SignOut %+v, %v", report, err)
	}
	// The browser is signed in until it has gone there.
	again, _, _ := client.AuthCodeURL()
	if _, to, _ := ann.ask(t.Context(), http.MethodGet, again, nil); !strings.HasPrefix(to, latchkeytest.CallbackURL) {
		t.Errorf("before the logout: %s", to)
	}
	if _, to, page := ann.ask(t.Context(), http.MethodGet, report.LogoutURL, nil); to != latchkeytest.SignedOutURL {
		t.Errorf("the logout leads to %q: %s", to, page)
	}
	if _, to, _ := ann.ask(t.Context(), http.MethodGet, again, nil); !strings.Contains(to, "/login?") {
		t.Errorf("after the logout: %s", to)
	}
}

// TestSignInBrowser: on both loopback addresses, on free ports and given ones.
func TestSignInBrowser(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := taken.Addr().(*net.TCPAddr).Port
	_ = taken.Close()
	for name, options := range map[string][]latchkey.RedirectOption{
		"free port":  nil,
		"given port": {latchkey.RedirectTo(fmt.Sprintf("http://127.0.0.1:%d/callback", free))},
		"IPv6":       {latchkey.RedirectTo("http://[::1]/callback")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if probe, err := net.Listen("tcp", "[::1]:0"); err == nil {
				_ = probe.Close()
			} else if name == "IPv6" {
				t.Skip("this machine has no IPv6 loopback address")
			}
			srv, _ := service(t)
			ann, page := newPerson(t), make(chan string, 1)
			config := srv.Config()
			config.OpenBrowser = ann.opener(page)
			client := open(t, config)
			if err := client.SignInBrowser(t.Context(), options...); err != nil {
				t.Fatal(err)
			}
			if text := <-page; !strings.Contains(text, "You can close this window") || strings.Contains(text, "<script") {
				t.Errorf("page %s", text)
			}
			if _, err := tokens(t, client, latchkey.ForceRefresh()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSignOutOpensLogout: a session of this machine's browser ends there too, or the
// report says that it did not and the next sign-out tries again.
func TestSignOutOpensLogout(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	ann, page := newPerson(t), make(chan string, 1)
	broken, opened := false, ""
	config := srv.Config()
	config.OpenBrowser = func(ctx context.Context, address string) error {
		if broken {
			return errors.New("no display")
		}
		if strings.Contains(address, "/logout?") {
			_, opened, _ = ann.ask(ctx, http.MethodGet, address, nil)
			return nil
		}
		return ann.opener(page)(ctx, address)
	}
	client := open(t, config)
	if err := client.SignInBrowser(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-page
	broken = true
	report, err := client.SignOut(t.Context())
	if !errors.Is(err, latchkey.ErrBrowser) || !report.Local || !report.Revoked || report.HostedPage || !strings.Contains(report.LogoutURL, "/logout?") {
		t.Fatalf("without a browser: %+v, %v", report, err)
	}
	report, err = client.SignOut(t.Context(), latchkey.KeepBrowser())
	if err != nil || report.HostedPage || report.LogoutURL == "" {
		t.Errorf("keeping the browser: %+v, %v", report, err)
	}
	broken = false
	report, err = client.SignOut(t.Context())
	if err != nil || !report.HostedPage || opened != latchkeytest.SignedOutURL {
		t.Errorf("once more: %+v, %v, opened %q", report, err, opened)
	}
	if report, err = client.SignOut(t.Context()); err != nil || report.HostedPage || report.LogoutURL != "" {
		t.Errorf("nothing is left: %+v, %v", report, err)
	}
}

// TestPastedAnswer: the remote shell, with a slip of the hand first.
func TestPastedAnswer(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	ann, asked := newPerson(t), 0
	config := srv.Config()
	config.OpenBrowser = func(context.Context, string) error { return errors.New("nothing is opened here") }
	client := open(t, config)
	err := client.SignInBrowser(t.Context(), latchkey.PasteAnswer(func(ctx context.Context, address string) (string, error) {
		if asked++; asked == 1 {
			return "what?", nil
		}
		return "  " + ann.signIn(ctx, address) + "\n", nil
	}))
	if err != nil || asked != 2 {
		t.Fatalf("%v after %d", err, asked)
	}
	report, err := client.SignOut(t.Context())
	if err != nil || report.LogoutURL == "" || report.HostedPage {
		t.Errorf("SignOut %+v, %v", report, err)
	}
}

// TestBrowserCancelled: by the person, by the context, and by what cannot be opened.
func TestBrowserCancelled(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	noBrowser := errors.New("no display")
	for name, tt := range map[string]struct {
		open func(ctx context.Context, cancel context.CancelFunc, p *person, address string) error
		want error
	}{
		"refused": {func(ctx context.Context, _ context.CancelFunc, p *person, address string) error {
			u, _ := url.Parse(address)
			q := u.Query()
			_, _, page := p.ask(ctx, http.MethodGet, q.Get("redirect_uri")+"?"+url.Values{
				"error": {"access_denied"}, "error_description": {"User cancelled"}, "state": {q.Get("state")},
			}.Encode(), nil)
			if !strings.Contains(page, "not signed in") {
				p.t.Errorf("page %s", page)
			}
			return nil
		}, latchkey.ErrDenied},
		"context": {func(_ context.Context, cancel context.CancelFunc, _ *person, _ string) error {
			cancel()
			return nil
		}, context.Canceled},
		"no browser": {func(context.Context, context.CancelFunc, *person, string) error { return noBrowser }, latchkey.ErrBrowser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			config, p := srv.Config(), newPerson(t)
			opened := make(chan struct{})
			config.OpenBrowser = func(ctx context.Context, address string) error {
				defer close(opened)
				return tt.open(ctx, cancel, p, address)
			}
			client := open(t, config)
			if err := client.SignInBrowser(ctx); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			<-opened
			if _, err := client.CurrentUser(t.Context()); !errors.Is(err, latchkey.ErrSignedOut) {
				t.Errorf("CurrentUser: %v", err)
			}
		})
	}
}

// TestLoopbackAnswersOnce: whatever is not the answer is not there, and neither is a
// second answer.
func TestLoopbackAnswersOnce(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	config, p, read := srv.Config(), newPerson(t), make(chan struct{})
	var redirect string
	config.OpenBrowser = func(ctx context.Context, address string) error {
		u, _ := url.Parse(address)
		redirect = u.Query().Get("redirect_uri")
		state := url.Values{"state": {u.Query().Get("state")}}.Encode()
		base := strings.TrimSuffix(redirect, "/callback")
		for _, request := range []struct{ method, address, host string }{
			{"GET", base + "/", ""}, {"GET", base + "/favicon.ico", ""}, {"GET", redirect, ""}, {"GET", redirect + "?code=x", ""},
			{"GET", redirect + "?code=x&state=of-another", ""}, {"POST", redirect + "?code=x&" + state, ""},
			{"GET", redirect + "?code=x&" + state + "&" + state, ""}, {"GET", base + "/callback/?code=x&" + state, ""},
			{"GET", redirect + "?code=x&" + state, "evil.example"}, {"GET", redirect + "?code=x&" + state, "localhost"},
		} {
			r, err := http.NewRequestWithContext(ctx, request.method, request.address, nil)
			if err != nil {
				return err
			}
			r.Host = request.host
			answer, err := p.client.Do(r)
			if err != nil {
				return err
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("%+v: %d", request, answer.StatusCode)
			}
			if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("policy %q", policy)
			}
		}
		callback := p.signIn(ctx, address)
		_, _, page := p.ask(ctx, http.MethodGet, callback, nil)
		if !strings.Contains(page, "You are signed in") {
			t.Errorf("page %s", page)
		}
		close(read)
		return nil
	}
	client := open(t, config)
	if err := client.SignInBrowser(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-read
	u, _ := url.Parse(redirect)
	if conn, err := net.DialTimeout("tcp", u.Host, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the listener is still there")
	}
}

// TestPortTaken: the error names the address, and no browser is opened.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := srv.Config()
	config.OpenBrowser = func(context.Context, string) error { t.Error("opened"); return nil }
	client := open(t, config)
	err = client.SignInBrowser(t.Context(), latchkey.RedirectTo("http://"+taken.Addr().String()+"/callback"))
	if !errors.Is(err, latchkey.ErrConfig) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("%v", err)
	}
}

// TestPortTakenOnIPv6: "localhost" is two addresses to a browser. Where somebody else
// has the second, the answer could go to him.
func TestPortTakenOnIPv6(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback address")
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	srv, _ := service(t)
	config := srv.Config()
	config.OAuth.RedirectSignIn = []string{fmt.Sprintf("http://localhost:%d/callback", port)}
	config.OpenBrowser = func(context.Context, string) error { t.Error("opened"); return nil }
	client := open(t, config)
	if err := client.SignInBrowser(t.Context()); !errors.Is(err, latchkey.ErrConfig) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("%v", err)
	}
	if again, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		t.Errorf("the first address is still listened at: %v", err)
	} else {
		_ = again.Close()
	}
}

// TestLogoutPageUnknown: a session of the pages whose logout page the configuration
// does not tell is over here and at the service, and the report says what is not.
func TestLogoutPageUnknown(t *testing.T) {
	t.Parallel()
	srv, _ := service(t)
	config := srv.Config()
	config.Store = store.NewMemory()
	first := open(t, config)
	address, flow, err := first.AuthCodeURL()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Exchange(t.Context(), flow, newPerson(t).signIn(t.Context(), address)); err != nil {
		t.Fatal(err)
	}
	config.OAuth, config.OAuthBaseURL = nil, ""
	report, err := open(t, config).SignOut(t.Context())
	if !errors.Is(err, latchkey.ErrConfig) || !errors.Is(report.Err(), latchkey.ErrConfig) || report.HostedPage || report.LogoutURL != "" {
		t.Errorf("%+v, %v", report, err)
	}
	if !report.Local || !report.Revoked {
		t.Errorf("the rest was not done: %+v", report)
	}
}
