package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestRegistered(t *testing.T) {
	t.Parallel()
	list := []string{"https://a.example/x", "http://127.0.0.1:8080/x", "http://[::1]/x?y=1", "http://localhost:3000/"}
	for uri, want := range map[string]bool{
		"https://a.example/x": true, "https://a.example:443/x": false, "http://127.0.0.1/x": true, "http://127.0.0.1:9/x": true, "http://127.0.0.1:65536/x": false,
		"http://127.0.0.1:00080/x": false, "http://[::1]:1/x?y=1": true, "http://[::1]:1/x?y=2": false, "http://[::1]:1/x": false, "http://localhost:3001/": false,
		"http://127.0.0.1:1\n/x": false, "http://127.0.0.1:1/x\n": false, "": false,
	} {
		if got := registered(list, uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

func TestDomainOf(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"acme.localhost": "acme", "acme.localhost:80": "acme", "A.example:443": "a.example", "a.example.": "a.example",
		"localhost": "", "127.0.0.1:80": "", "[::1]:80": "", "::1": "", "x.y.localhost": "", "acme": "", "": "", ".localhost": "",
		"b\xfc.example": "", "a b.example": "", "a.example\x00": "", "'--.localhost": "", "*.example": "", "xn--bcher-kva.example": "xn--bcher-kva.example",
	} {
		if got := domainOf(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

// one is a client and nothing else: what reading requests needs.
type one struct{ Client }

func (o *one) OAuthClient(_ context.Context, id string) (*Client, error) {
	if id != o.ID {
		return nil, wire.ClientNotFound("x")
	}
	return &o.Client, nil
}

func (*one) PoolOfDomain(context.Context, string) (string, error) { return "", nil }

// reader is a Provider that has clients only; change edits its Config.
func reader(t testing.TB, change ...func(*Config)) *Provider {
	box, err := seal.New(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Clients: &one{Client{
			ID: "c1", PoolID: "p", Enabled: true, Flows: []string{"code", "implicit"}, Scopes: []string{"openid", "email", "api/read"},
			CallbackURLs: []string{"https://a.example/x", "http://127.0.0.1/x"}, LogoutURLs: []string{"https://a.example/bye"},
		}},
		Box: box, PublicURL: "https://s.example", IssuerURL: func(pool string) string { return "https://s.example/" + pool },
	}
	for _, edit := range change {
		edit(&config)
	}
	return New(config)
}

// FuzzAuthorize: whatever the query, a browser goes to the login page, to a
// registered place, or nowhere; and a request that was read reads the same again.
func FuzzAuthorize(f *testing.F) {
	good := "client_id=c1&redirect_uri=https%3A%2F%2Fa.example%2Fx&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
	for _, query := range []string{
		"", good, good + "&scope=openid+email&state=%00&nonce=n&prompt=login&max_age=5&lang=de&login_hint=ann", good + "&scope=x", good + "&client_id=c2",
		strings.Replace(good, "https%3A%2F%2Fa.example", "http://127.0.0.1:8080", 1), strings.Replace(good, "a.example", "a.example@evil.example", 1),
		"client_id=c1&redirect_uri=https://a.example/x&response_type=token&state=%ff", "%zz", "a;b",
	} {
		f.Add(query)
	}
	p := reader(f)
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/p/oauth2/authorize", RawQuery: query}, Header: http.Header{}}
		r.SetPathValue("pool", "p")
		w := httptest.NewRecorder()
		p.Authorize(w, r)
		to := w.Header().Get("Location")
		switch {
		case w.Code == http.StatusBadRequest && to == "":
		case w.Code != http.StatusFound:
			t.Fatalf("status %d to %q", w.Code, to)
		case strings.HasPrefix(to, "/p/login?"):
			values, err := url.ParseQuery(strings.TrimPrefix(to, "/p/login?"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := p.ReadRequest(t.Context(), "p", values)
			if err != nil || again.Query().Encode() != values.Encode() {
				t.Fatalf("%q reads as %v, %v", to, again, err)
			}
		default:
			u, err := url.Parse(to)
			if err != nil || u.User != nil || u.Path != "/x" || u.Host != "a.example" && u.Hostname() != "127.0.0.1" {
				t.Fatalf("redirect to %q", to)
			}
		}
	})
}

// FuzzToken: whatever the form, the answer is an OAuth error and never a panic.
func FuzzToken(f *testing.F) {
	for _, body := range []string{
		"", "grant_type=authorization_code&client_id=c1&code=x&redirect_uri=https://a.example/x&code_verifier=x", "grant_type=client_credentials&client_id=c1&scope=api/read",
		"client_id=c1&client_id=c1", "client_id=c1&client_secret=x", "%zz", "a;b", "grant_type=x&client_id=c1",
	} {
		f.Add(body, "")
		f.Add(body, "Basic YzE6")
	}
	p := reader(f)
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/p/oauth2/token", strings.NewReader(body))
		r.SetPathValue("pool", "p")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if strings.Contains(body, "refresh_token") {
			return // there is no issuer here
		}
		w := httptest.NewRecorder()
		p.Token(w, r)
		var answer errorAnswer
		if w.Code < 400 || w.Code > 401 || wire.Unmarshal(w.Body.Bytes(), &answer) != nil || answer.Error == "" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
