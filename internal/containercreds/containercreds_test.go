package containercreds_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/containercreds"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

var expiration = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func listen(t *testing.T, source containercreds.Source) *containercreds.Endpoint {
	t.Helper()
	e, err := containercreds.Listen(source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func good(context.Context) (containercreds.Credentials, error) {
	return containercreds.Credentials{
		AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret.New("the secret key"), SessionToken: secret.New("the session token"), Expiration: expiration,
	}, nil
}

// ask sends a request that change has made wrong.
func ask(t *testing.T, e *containercreds.Endpoint, change func(*http.Request)) (int, map[string]string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", e.Token.Reveal())
	if change != nil {
		change(request)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(body, &members); err != nil || response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v: %s, %v", err, body, response.Header)
	}
	return response.StatusCode, members
}

// TestServe checks the answer that the SDKs read.
func TestServe(t *testing.T) {
	t.Parallel()
	e := listen(t, good)
	if env := e.Environment(); !strings.HasPrefix(env[containercreds.URIVariable], "http://127.0.0.1:") || len(env[containercreds.TokenVariable]) < 40 {
		t.Errorf("environment %v", env)
	}
	status, got := ask(t, e, nil)
	want := map[string]string{"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "the secret key", "Token": "the session token", "Expiration": "2026-01-02T03:04:05Z"}
	if diff := cmp.Diff(want, got); diff != "" || status != http.StatusOK {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
}

// TestServeRefuses checks that a request must have the token, the host, the path and the
// method; no answer holds a key.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	e := listen(t, good)
	for name, test := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"no token":     {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "WrongToken"},
		"empty token":  {func(r *http.Request) { r.Header.Set("Authorization", "") }, 401, "WrongToken"},
		"other token":  {func(r *http.Request) { r.Header.Set("Authorization", e.Token.Reveal()+"x") }, 401, "WrongToken"},
		"two tokens":   {func(r *http.Request) { r.Header.Add("Authorization", "x") }, 401, "WrongToken"},
		"bearer":       {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+e.Token.Reveal()) }, 401, "WrongToken"},
		"another host": {func(r *http.Request) { r.Host = "evil.example" }, 403, "WrongHost"},
		"no port":      {func(r *http.Request) { r.Host = "127.0.0.1" }, 403, "WrongHost"},
		"path":         {func(r *http.Request) { r.URL.Path = "/" }, 404, "NotFound"},
		"method":       {func(r *http.Request) { r.Method = http.MethodPost }, 405, "WrongMethod"},
	} {
		if status, got := ask(t, e, test.change); status != test.status || got["code"] != test.code || got["SecretAccessKey"] != "" || got["message"] == "" {
			t.Errorf("%s: %d, %v", name, status, got)
		}
	}
}

// TestServeFails checks what a client may retry: not the end of the session.
func TestServeFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"over":    {&containercreds.Refusal{Code: "SignedOut", Err: errors.New("sign in")}, 400, "SignedOut"},
		"offline": {errors.New("no network"), 503, "Unavailable"},
	} {
		e := listen(t, func(context.Context) (containercreds.Credentials, error) {
			return containercreds.Credentials{}, test.err
		})
		if status, got := ask(t, e, nil); status != test.status || got["code"] != test.code || got["message"] != test.err.Error() {
			t.Errorf("%s: %d, %v", name, status, got)
		}
	}
}

// TestClose checks that nothing answers after Close.
func TestClose(t *testing.T) {
	t.Parallel()
	e := listen(t, good)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if response, err := http.Get(e.URL); err == nil {
		_ = response.Body.Close()
		t.Error("it still answers")
	}
}
