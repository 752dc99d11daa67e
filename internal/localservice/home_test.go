package localservice

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// sign is a Home that says that it is one.
type sign struct{ closed atomic.Int32 }

func (*sign) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") }

func (s *sign) Close() error {
	s.closed.Add(1)
	return nil
}

// TestHome: the page is at the root for names of this machine, on both listeners;
// the API, other paths and other names stay the server's.
func TestHome(t *testing.T) {
	t.Parallel()
	home := new(sign)
	o := options(t.TempDir())
	told := Ready{}
	o.Home = func(r HomeConfig) (Home, error) {
		told = r.Ready
		return home, nil
	}
	ready, stop := start(t, o)
	for _, test := range []struct {
		method, path, host string
		home               bool
		status             int
	}{
		{"GET", "/", "", true, 200}, {"HEAD", "/", "", true, 200}, {"GET", "/callback?code=x", "", true, 200},
		{"GET", "/session/events", "", true, 200}, {"POST", "/session/refresh", "", true, 200},
		{"GET", "/", "localhost:1", true, 200}, {"GET", "/", "[::1]:1", true, 200}, {"GET", "/", "127.0.0.1", true, 200},
		{"GET", "/", "latchkey.localhost", false, 404}, {"GET", "/", "evil.example", false, 404},
		{"GET", "/session/events", "evil.example", false, 404}, {"GET", "/", "127.0.0.1.evil.example", false, 404},
		{"POST", "/", "", false, 400}, {"GET", "/healthz", "", false, 200}, {"GET", "/outbox", "", false, 200}, {"OPTIONS", "/", "", false, 204},
	} {
		for _, base := range []string{ready.Endpoint, ready.HTTPSEndpoint} {
			r, err := http.NewRequestWithContext(t.Context(), test.method, base+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.host != "" {
				r.Host = test.host
			}
			client := trusting(t, ready.CAFile)
			if test.host != "" { // the certificate's names are not what is asked about
				client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.status || test.method != "HEAD" && (string(body) == "home") != test.home {
				t.Errorf("%s %s at %q of %s: %d %s", test.method, test.path, test.host, base, answer.StatusCode, body)
			}
		}
	}
	stop()
	if told != ready || home.closed.Load() != 1 {
		t.Errorf("the page was told %+v, and closed %d times", told, home.closed.Load())
	}
}

// TestHomeFails: a page that cannot be made is why the service does not run.
func TestHomeFails(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	o.Home = func(HomeConfig) (Home, error) { return nil, errors.New("no chalk") }
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "no chalk") {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestAddresses: a browser may come back over https to where the service is now,
// and what somebody has changed of the client stays.
func TestAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := func(change func(*wire.UserPoolClientSettings)) (Ready, wire.UserPoolClientSettings) {
		s, err := Open(context.Background(), options(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		out, err := perform[wire.DescribeUserPoolClientResponse](t.Context(), s.server, "DescribeUserPoolClient", &wire.DescribeUserPoolClientRequest{UserPoolId: s.ready.UserPoolID, ClientId: s.ready.ClientID})
		if err != nil {
			t.Fatal(err)
		}
		now := out.UserPoolClient.UserPoolClientSettings
		if change != nil {
			changed := now
			change(&changed)
			if err := s.server.Call(t.Context(), "UpdateUserPoolClient", &wire.UpdateUserPoolClientRequest{
				UserPoolId: s.ready.UserPoolID, ClientId: s.ready.ClientID, UserPoolClientSettings: changed,
			}, nil); err != nil {
				t.Fatal(err)
			}
		}
		return s.ready, now
	}
	ready, now := settings(func(s *wire.UserPoolClientSettings) {
		s.CallbackURLs = []string{"https://app.example/back"}
		s.RefreshTokenValidity = new(int32(7))
	})
	if !slices.Contains(now.CallbackURLs, ready.HTTPSEndpoint+"/callback") || !slices.Contains(now.LogoutURLs, ready.HTTPSEndpoint+"/") {
		t.Errorf("a new client has %q", now.CallbackURLs)
	}
	ready, now = settings(func(s *wire.UserPoolClientSettings) { s.AllowedOAuthFlowsUserPoolClient = new(false) })
	if want := []string{"https://app.example/back", ready.HTTPSEndpoint + "/callback"}; !slices.Equal(now.CallbackURLs, want) {
		t.Errorf("a client that was changed has %q, want %q", now.CallbackURLs, want)
	}
	if *now.RefreshTokenValidity != 7 || now.ExplicitAuthFlows == nil {
		t.Errorf("its settings are now %+v", now)
	}
	ready, now = settings(nil)
	if slices.Contains(now.CallbackURLs, ready.HTTPSEndpoint+"/callback") {
		t.Error("a client without browser sign-in got an address")
	}
}
