package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// broken are Users whose storage fails.
type broken struct{}

func (broken) StillGood(_ context.Context, user User, _ string) (User, bool, error) {
	return user, true, nil
}

func (broken) EndBrowser(context.Context, string, time.Time) error {
	return errors.New("the disk is full of 'secrets'")
}

func (broken) Hint(context.Context, string, string) (string, string, error) {
	return "", "", errors.New("the disk is full of 'secrets'")
}

func (broken) UserInfo(context.Context, string, wire.Sensitive) (string, []wire.AttributeType, error) {
	return "", nil, errors.New("the disk is full of 'secrets'")
}

// TestSessionThatCannotBeEnded: nothing is said to be done that was not, neither to
// a person who signs out nor to a client whose person signs in anew.
func TestSessionThatCannotBeEnded(t *testing.T) {
	t.Parallel()
	var noted []string
	p := reader(t, func(c *Config) {
		c.Users = broken{}
		c.Note = func(_ context.Context, code string) { noted = append(noted, code) }
	})
	user := User{PoolID: "p", Sub: "s", Username: "ann", AuthTime: time.Now()}
	begun := httptest.NewRecorder()
	if err := p.begin(begun, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/p/login", nil), user); err != nil {
		t.Fatal(err)
	}
	ask := func(method, address string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), method, address, nil)
		r.SetPathValue("pool", "p")
		for _, cookie := range begun.Result().Cookies() {
			r.AddCookie(cookie)
		}
		return r
	}
	out := httptest.NewRecorder()
	p.Logout(out, ask(http.MethodGet, "/p/logout?client_id=c1&logout_uri=https://a.example/bye"))
	if out.Code != http.StatusServiceUnavailable || len(out.Result().Cookies()) != 0 || out.Header().Get("Location") != "" || strings.Contains(out.Body.String(), "secrets") {
		t.Errorf("logout: %d %v %s", out.Code, out.Header(), out.Body)
	}
	query, _ := url.ParseQuery("client_id=c1&redirect_uri=https://a.example/x&response_type=token&state=s")
	request, err := p.ReadRequest(t.Context(), "p", query)
	if err != nil {
		t.Fatal(err)
	}
	out = httptest.NewRecorder()
	p.Finish(out, ask(http.MethodPost, "/p/login"), request, user)
	if to := out.Header().Get("Location"); !strings.HasPrefix(to, "https://a.example/x#error=server_error") || len(out.Result().Cookies()) != 0 || strings.Contains(to, "secrets") {
		t.Errorf("sign-in: %d to %q, %v", out.Code, to, out.Result().Cookies())
	}
	if strings.Join(noted, " ") != "server_error server_error" {
		t.Errorf("noted %q", noted)
	}
}

// TestPlainPages are what a Provider shows that was given no pages.
func TestPlainPages(t *testing.T) {
	t.Parallel()
	p := reader(t)
	for query, want := range map[string]string{
		"client_id=c1": "200 You are signed out.\n", "client_id=c2": "400 invalid_client: the client does not exist\n",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/p/logout?"+query, nil)
		r.SetPathValue("pool", "p")
		out := httptest.NewRecorder()
		p.Logout(out, r)
		if got := out.Result().Status[:4] + out.Body.String(); got != want || out.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q %v", query, got, out.Header())
		}
	}
}
