package loopback

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// listen begins to listen at a callback URL on a free port.
func listen(t *testing.T, uri string) *Listener {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// fetch is the page at an address, as a browser asks for it.
func fetch(t *testing.T, address string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(address)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(body)
}

// TestListenerTakesOneAnswer checks a sign-in by real requests: what is not the answer is
// not found, the answer arrives once, and its page waits for the outcome.
func TestListenerTakesOneAnswer(t *testing.T) {
	t.Parallel()
	for signedIn, title := range map[bool]string{true: "You are signed in", false: "You are not signed in"} {
		l := listen(t, "http://127.0.0.1/callback")
		l.Serve(secret.New("the-state"))
		for _, other := range []string{"", "?code=c", "?code=c&state=other", "?state=the-state&state=the-state", "?state=the-state%"} {
			if status, body := fetch(t, l.URI+other); status != http.StatusNotFound || strings.Contains(body, "signed in") {
				t.Errorf("%q: %d %s", other, status, body)
			}
		}
		if status, _ := fetch(t, strings.Replace(l.URI, "/callback", "/other", 1)+"?state=the-state"); status != http.StatusNotFound {
			t.Errorf("another path: %d", status)
		}
		type page struct {
			status int
			body   string
		}
		shown := make(chan page, 1)
		go func() {
			status, body := fetch(t, l.URI+"?code=c&state=the-state")
			shown <- page{status, body}
		}()
		if query := <-l.Arrived; query != "code=c&state=the-state" {
			t.Errorf("arrived: %q", query)
		}
		if status, _ := fetch(t, l.URI+"?code=d&state=the-state"); status != http.StatusNotFound {
			t.Errorf("a second answer: %d", status)
		}
		l.Finish(signedIn)
		if got := <-shown; got.status != http.StatusOK || !strings.Contains(got.body, "<h1>"+title+"</h1>") {
			t.Errorf("signed in %t: %+v", signedIn, got)
		}
		if len(l.Arrived) != 0 || len(l.Failed) != 0 {
			t.Errorf("%d more answers, %d failures", len(l.Arrived), len(l.Failed))
		}
		l.Close()
		l.Close()
	}
}

// TestListenerIsForItsHost checks requests that reach the listener by another name or
// method: a page of another origin could send them.
func TestListenerIsForItsHost(t *testing.T) {
	t.Parallel()
	l := listen(t, "http://127.0.0.1/callback")
	l.Serve(secret.New("the-state"))
	var answers atomic.Int32
	go func() {
		for range l.Arrived {
			answers.Add(1)
			l.outcome <- false
		}
	}()
	defer close(l.Arrived)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, change := range map[string]func(*http.Request){
		"another host": func(r *http.Request) { r.Host = "evil.example" },
		"another port": func(r *http.Request) { r.Host = "127.0.0.1:1" },
		"POST":         func(r *http.Request) { r.Method = http.MethodPost },
		"HEAD":         func(r *http.Request) { r.Method = http.MethodHead },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.URI+"?code=c&state=the-state", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != http.StatusNotFound || answers.Load() != 0 {
			t.Errorf("%s: %d, %d answers", name, response.StatusCode, answers.Load())
		}
	}
}

// TestListenerAddresses checks the callback URL of each form of address, by what answers
// there.
func TestListenerAddresses(t *testing.T) {
	t.Parallel()
	for uri, path := range map[string]string{
		"http://127.0.0.1": "", "http://127.0.0.1/": "/", "http://localhost/in": "/in", "http://127.0.0.1/a%20b": "/a%20b",
	} {
		l := listen(t, uri)
		l.Serve(secret.New("s"))
		got, err := url.Parse(l.URI)
		if err != nil || got.Port() == "" || got.Port() == "0" || got.EscapedPath() != path {
			t.Fatalf("%s: %s, %v", uri, l.URI, err)
		}
		go func() { <-l.Arrived; l.Finish(true) }()
		if status, _ := fetch(t, l.URI+"?state=s&code=c"); status != http.StatusOK {
			t.Errorf("%s: %d", l.URI, status)
		}
	}
}

// TestListenRefuses checks ports that cannot be listened on.
func TestListenRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, host := range map[string]string{"taken": taken.Addr().String(), "too high": "127.0.0.1:65536"} {
		l, err := Listen(&url.URL{Scheme: "http", Host: host, Path: "/in"})
		if l != nil || !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestListenerFails checks that the end of the listener by other means is reported.
func TestListenerFails(t *testing.T) {
	t.Parallel()
	l := listen(t, "http://127.0.0.1/in")
	l.Serve(secret.New("s"))
	_ = l.listeners[0].Close()
	if err := <-l.Failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestCloseIsNoFailure checks that the end of the listener by Close is not reported, once
// its goroutines have ended. It looks at all goroutines and cannot run beside other tests.
func TestCloseIsNoFailure(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l := listen(t, "http://127.0.0.1/in")
	l.Serve(secret.New("s"))
	l.Close()
	goleak.VerifyNone(t, before)
	if len(l.Failed) != 0 {
		t.Errorf("Close is reported as %v", <-l.Failed)
	}
}

// TestBrowserThatLeaves checks a browser that closes the connection before the sign-in has
// ended: the listener holds nothing for it.
func TestBrowserThatLeaves(t *testing.T) {
	t.Parallel()
	l := listen(t, "http://127.0.0.1/in")
	l.Serve(secret.New("s"))
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URI+"?code=c&state=s", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		ended <- err
	}()
	<-l.Arrived
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the browser: %v", err)
	}
	if err := l.server.Shutdown(t.Context()); err != nil { // it waits for requests in progress
		t.Errorf("Shutdown: %v", err)
	}
}

// TestBrowseTriesEach checks the commands of $BROWSER in turn, and the errors of all.
func TestBrowseTriesEach(t *testing.T) {
	for variable, works := range map[string]bool{"false:true": true, "no-such-browser:false": false, "true:false": true} {
		t.Setenv("BROWSER", variable)
		err := Browse(t.Context(), "https://x.example/?code=S3CRET")
		if (err == nil) != works || err != nil && (strings.Contains(err.Error(), "S3CRET") || !strings.Contains(err.Error(), "no-such-browser") || !strings.Contains(err.Error(), "false")) {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
