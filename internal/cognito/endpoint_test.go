package cognito

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestSubmit checks a request to the token endpoint: a form, with the client's secret in
// the Authorization header alone.
func TestSubmit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ secret, user, password string }{
		"public client":            {"", "", ""},
		"with a secret":            {"s", "the client", "s"},
		"with reserved characters": {"a:b/c +ü", "the client", "a:b/c +ü"},
	} {
		var got *http.Request
		var body string
		e := endpointOf(func(r *http.Request) (*http.Response, error) {
			data, err := io.ReadAll(r.Body)
			got, body = r, string(data)
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"access_token":"a"}`))}, err
		})
		e.Reached = func() { t.Errorf("%s: the token endpoint counts as reached", name) }
		var out struct {
			Token string `json:"access_token"`
		}
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"c&d"}}
		if _, err := e.Submit(t.Context(), "https://pages.example/oauth2/token", form, "the client", store.NewSecret(test.secret), &out); err != nil || out.Token != "a" {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
		user, password, ok := got.BasicAuth()
		user, userErr := url.QueryUnescape(user)
		password, passwordErr := url.QueryUnescape(password)
		if ok != (test.secret != "") || user != test.user || password != test.password || userErr != nil || passwordErr != nil {
			t.Errorf("%s: Authorization of %q and %q", name, user, password)
		}
		sent, err := url.ParseQuery(body)
		if diff := cmp.Diff(form, sent); err != nil || diff != "" || got.URL.String() != "https://pages.example/oauth2/token" {
			t.Errorf("%s: %s, %v (-want +got):\n%s", name, got.URL, err, diff)
		}
		if got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || got.Header.Get("X-Amz-Target") != "" || got.Header.Get("Accept") != "application/json" {
			t.Errorf("%s: %v", name, got.Header)
		}
	}
}

// TestOAuthErrors checks the token endpoint's errors, by name and status.
func TestOAuthErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		class  fault.Class
		retry  bool
	}{
		"grant":               {400, `{"error":"invalid_grant"}`, fault.Ended, false},
		"grant, 401":          {401, `{"error":"invalid_grant"}`, fault.Unknown, false},
		"client":              {401, `{"error":"invalid_client"}`, fault.Misconfigured, false},
		"client not allowed":  {400, `{"error":"unauthorized_client"}`, fault.Misconfigured, false},
		"grant type":          {400, `{"error":"unsupported_grant_type"}`, fault.Misconfigured, false},
		"scope":               {400, `{"error":"invalid_scope"}`, fault.Misconfigured, false},
		"request":             {400, `{"error":"invalid_request"}`, fault.BadRequest, false},
		"too many":            {400, `{"error":"slow_down"}`, fault.TooManyCalls, true},
		"down":                {400, `{"error":"temporarily_unavailable"}`, fault.ServerFailed, true},
		"failed":              {400, `{"error":"server_error"}`, fault.ServerFailed, true},
		"unknown":             {400, `{"error":"new_error"}`, fault.Unknown, false},
		"no error":            {400, `{}`, fault.Unknown, false},
		"no JSON":             {400, `nonsense`, fault.Unknown, false},
		"500":                 {500, `{"error":"invalid_grant"}`, fault.ServerFailed, true},
		"Cognito's exception": {400, `{"__type":"NotAuthorizedException"}`, fault.Unknown, false},
	} {
		var got request
		_, err := answering(test.status, test.body, &got).Submit(t.Context(), "https://pages.example/", nil, "c", store.Secret{}, nil)
		f := fault.Find(err)
		if f.Class != test.class || f.Retryable != test.retry || f.EndsSession != (test.class == fault.Ended) || f.Op != OpToken {
			t.Errorf("%s: %v (class %d), want class %d, retry %t", name, err, f.Class, test.class, test.retry)
		}
	}
	var got request
	_, err := answering(400, `{"error":"invalid_grant","error_description":"two\nlines"}`, &got).Submit(t.Context(), "https://p/", nil, "c", store.Secret{}, nil)
	if f := fault.Find(err); f.Code != "invalid_grant" || f.Message != "two lines" {
		t.Errorf("%+v", f)
	}
}

// TestCallErrorsHoldNoAddress checks that errors of a transport repeat neither the address
// nor what was sent, and that an answer is bounded.
func TestCallErrorsHoldNoAddress(t *testing.T) {
	t.Parallel()
	e := endpointOf(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") })
	e.URL = "https://pool.example/?key=S3CRET"
	_, err := e.Call(t.Context(), OpRefresh, map[string]string{"RefreshToken": "S3CRET"}, nil)
	if err == nil || strings.Contains(err.Error(), "S3CRET") || strings.Contains(err.Error(), "pool.example") || !errors.Is(err, fault.Network) {
		t.Errorf("%v", err)
	}
	e.URL = "https://pool.example/%zz?S3CRET"
	if _, err := e.Call(t.Context(), OpRefresh, struct{}{}, nil); err == nil || strings.Contains(err.Error(), "S3CRET") {
		t.Errorf("an address that cannot be parsed: %v", err)
	}
	for length, class := range map[int]fault.Class{maxAnswer: fault.Unknown, maxAnswer + 1: fault.Malformed} {
		var got request
		body := `{"a":"` + strings.Repeat("x", length-8) + `"}`
		_, err := answering(200, body, &got).Call(t.Context(), "GetUser", struct{}{}, &struct{}{})
		if f := fault.Find(err); f.Class != class || (err != nil) != errors.Is(err, errTooLong) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// TestCallRefusesWhatItCannotSend checks a request that cannot be encoded.
func TestCallRefusesWhatItCannotSend(t *testing.T) {
	t.Parallel()
	e := endpointOf(func(*http.Request) (*http.Response, error) { t.Error("it was sent"); return nil, io.EOF })
	if _, err := e.Call(t.Context(), "GetUser", map[string]any{"x": func() {}}, nil); !errors.Is(err, fault.InvalidParameter) {
		t.Errorf("%v", err)
	}
}
