package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/jwt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyServer is an issuer's key endpoint over real HTTP, with its handler changeable.
type keyServer struct {
	url     string
	fetches atomic.Int32
	answer  atomic.Pointer[http.HandlerFunc]
}

func newKeyServer(t testing.TB, answer http.HandlerFunc) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.answer.Store(&answer)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// newPipedServer is a key endpoint over real HTTP through pipes, whatever the address,
// for a synctest bubble: what it takes to send an answer is no time there.
func newPipedServer(t *testing.T, answer http.HandlerFunc) (*keyServer, http.RoundTripper) {
	t.Helper()
	s := &keyServer{url: "http://127.0.0.1/keys"}
	s.answer.Store(&answer)
	ends := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		(*s.answer.Load())(w, r)
	})}
	go func() { _ = server.Serve(ends) }() // ends with Close
	transport := &http.Transport{DialContext: ends.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
	return s, transport
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	far    chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.far <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.far:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (s *keyServer) set(answer http.HandlerFunc) { s.answer.Store(&answer) }

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func goodDocument() string { return jwks(jwkOf(keyID, &signingKey().PublicKey, "")) }

func newRemote(t testing.TB, url string, opts ...func(*jwt.RemoteOptions)) *jwt.RemoteKeys {
	t.Helper()
	keys, err := jwt.NewRemoteKeys(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestRemoteDefault: a verifier without Keys finds them under its issuer.
func TestRemoteDefault(t *testing.T) {
	t.Parallel()
	var path atomic.Value
	s := newKeyServer(t, func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.Method + " " + r.URL.Path)
		_, _ = io.WriteString(w, goodDocument())
	})
	v := newVerifier(t, func(c *jwt.Config) { c.Keys, c.Issuer = nil, s.url+"/pool" })
	raw := sign(accessClaims().with("iss", s.url+"/pool").json())
	for range 3 {
		if _, err := v.VerifyAccess(context.Background(), raw); err != nil {
			t.Fatal(err)
		}
	}
	if got := path.Load(); got != "GET /pool/.well-known/jwks.json" || s.fetches.Load() != 1 {
		t.Errorf("%d fetches, last %v", s.fetches.Load(), got)
	}
}

// TestRemoteBadAnswers: none of these gives keys, all of these are "unavailable", and
// the next two seconds ask nobody again. No redirect is followed: every address leads
// to the one server, which counts.
func TestRemoteBadAnswers(t *testing.T) {
	t.Parallel()
	const elsewhere = "http://127.0.0.2/keys"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, goodDocument())
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"HTML":     text("<!DOCTYPE html><title>Sign in to the Wi-Fi</title>"),
		"empty":    text(""),
		"500":      status(500),
		"404":      status(404),
		"204":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"206":      status(206),
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) },
		"redirect with keys": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere)
			status(307)(w, r)
		},
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 << 10 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
					return
				}
			}
			_, _ = io.WriteString(w, goodDocument())
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, goodDocument())
		},
		"duplicate kids": text(jwks(jwkOf(keyID, &signingKey().PublicKey, ""), jwkOf(keyID, &otherKey().PublicKey, ""))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, transport := newPipedServer(t, answer)
				var reported atomic.Value
				keys := newRemote(t, s.url, func(o *jwt.RemoteOptions) {
					o.OnError = func(err error) { reported.Store(err) }
					o.HTTPClient = &http.Client{Transport: transport}
				})
				key, err := keys.Key(context.Background(), keyID)
				if key != nil || !errors.Is(err, jwt.ErrKeysUnavailable) || errors.Is(err, jwt.ErrUnknownKey) {
					t.Errorf("Key = %v, %v", key, err)
				}
				if reported.Load() == nil {
					t.Error("OnError was not called")
				}
				if _, err := keys.Key(context.Background(), keyID); !errors.Is(err, jwt.ErrKeysUnavailable) || s.fetches.Load() != 1 {
					t.Errorf("second call: %v, %d fetches", err, s.fetches.Load())
				}
				// Good answers again: an explicit refresh does not wait for the pause to end.
				s.set(text(goodDocument()))
				if err := keys.Refresh(context.Background()); err != nil {
					t.Error(err)
				}
				if _, err := keys.Key(context.Background(), keyID); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRemoteServerDown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(text(goodDocument()))
	url := server.URL
	keys := newRemote(t, url)
	if err := keys.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if err := keys.Refresh(context.Background()); !errors.Is(err, jwt.ErrKeysUnavailable) {
		t.Errorf("Refresh = %v", err)
	}
	if _, err := keys.Key(context.Background(), keyID); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if _, err := keys.Key(context.Background(), "other"); !errors.Is(err, jwt.ErrKeysUnavailable) {
		t.Errorf("an unknown key while the issuer is down: %v", err)
	}
}

// TestRemoteSingleFlight: callers that come together share one fetch; one that gives
// up does not end it for the others.
func TestRemoteSingleFlight(t *testing.T) {
	t.Parallel()
	release, arrived := make(chan struct{}), make(chan struct{})
	s := newKeyServer(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, goodDocument())
	})
	keys := newRemote(t, s.url)
	impatient, cancel := context.WithCancelCause(context.Background())
	first := make(chan error, 1)
	go func() {
		_, err := keys.Key(impatient, keyID)
		first <- err
	}()
	<-arrived
	gone := errors.New("the client has gone")
	cancel(gone)
	if err := <-first; !errors.Is(err, gone) || !errors.Is(err, jwt.ErrKeysUnavailable) {
		t.Errorf("the caller that gave up: %v", err)
	}
	var waiting sync.WaitGroup
	for i := range 50 {
		waiting.Go(func() {
			id := keyID
			if i%2 == 1 {
				id = fmt.Sprint("unknown-", i)
			}
			_, err := keys.Key(context.Background(), id)
			if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, jwt.ErrUnknownKey) {
				t.Errorf("kid %s: %v", id, err)
			}
		})
	}
	close(release)
	waiting.Wait()
	if n := s.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// TestRemoteKnownKeysDoNotWait: while a fetch for an unknown key hangs, and while a
// thousand unknown keys come in, known ones are answered.
func TestRemoteKnownKeysDoNotWait(t *testing.T) {
	t.Parallel()
	s := newKeyServer(t, text(goodDocument()))
	keys := newRemote(t, s.url)
	if err := keys.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	release, arrived := make(chan struct{}), make(chan struct{})
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, goodDocument())
	})
	refreshed := make(chan error, 1)
	go func() { refreshed <- keys.Refresh(context.Background()) }()
	<-arrived
	var flood sync.WaitGroup
	for i := range 1000 {
		flood.Go(func() { _, _ = keys.Key(context.Background(), fmt.Sprint(i)) })
	}
	// Nothing releases the fetch before these have answered.
	for range 1000 {
		if _, err := keys.Key(context.Background(), keyID); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	flood.Wait()
	if err := <-refreshed; err != nil || s.fetches.Load() != 2 {
		t.Errorf("%v, %d fetches", err, s.fetches.Load())
	}
}

func TestRemoteURL(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://idp.example.com/.well-known/jwks.json": true, "http://127.0.0.1:9229/k": true, "http://127.9.9.9/k": true, "http://[::1]:1/k": true,
		"http://localhost:9229/k": true, "HTTPS://idp.example.com": true, "https://idp.example.com/?x=1": true,
		"": false, "/k": false, "idp.example.com": false, "http://idp.example.com/k": false, "http://localhost.example.com/k": false, "http://10.0.0.1/k": false,
		"http://127.0.0.1.example.com/k": false, "http://0.0.0.0/k": false, "ftp://127.0.0.1/k": false, "file:///etc/passwd": false, "https:///k": false,
		"https://u:p@idp.example.com/k": false, "http://localhost@idp.example.com/k": false, "https://idp.example.com/#f": false, "https://%zz": false, "https://idp\n": false,
	} {
		if _, err := jwt.NewRemoteKeys(url); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted: %v", url, err, ok)
		}
	}
}

// TestRemoteClient: a caller's client serves with its transport but not with its
// cookies or redirect rule, and is not changed.
func TestRemoteClient(t *testing.T) {
	t.Parallel()
	s := newKeyServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			_, _ = io.WriteString(w, goodDocument())
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	keys := newRemote(t, s.url, func(o *jwt.RemoteOptions) { o.HTTPClient = client })
	if _, err := keys.Key(context.Background(), keyID); !errors.Is(err, jwt.ErrKeysUnavailable) {
		t.Errorf("a redirect was followed: %v", err)
	}
	if client.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

// TestRemoteInsecureHTTP: an http URL of another machine needs the option, and gives
// keys with it.
func TestRemoteInsecureHTTP(t *testing.T) {
	t.Parallel()
	const url = "http://keys.example.com/jwks.json"
	_, transport := newPipedServer(t, text(goodDocument()))
	if _, err := jwt.NewRemoteKeys(url); err == nil {
		t.Error("accepted without the option")
	}
	allow := func(o *jwt.RemoteOptions) {
		o.InsecureHTTP = true
		o.HTTPClient = &http.Client{Transport: transport}
	}
	keys, err := jwt.NewRemoteKeys(url, allow)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := keys.Key(t.Context(), keyID); err != nil || key == nil {
		t.Error(err)
	}
	for _, bad := range []string{"ftp://keys.example.com/", "http://u:p@keys.example.com/", "http:///keys"} {
		if _, err := jwt.NewRemoteKeys(bad, allow); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}
