package sigv4auth_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

// TestRequireOverHTTP sends signed requests through a real server: the handler
// sees who calls, and the body that was signed.
func TestRequireOverHTTP(t *testing.T) {
	t.Parallel()
	type seen struct {
		Caller sigv4auth.Caller
		Body   string
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := sigv4auth.FromContext(r.Context())
		body, err := io.ReadAll(r.Body)
		if !ok || err != nil {
			http.Error(w, "no caller", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(seen{caller, string(body)})
	})
	server := httptest.NewServer(newAuth(t).Require(handler))
	t.Cleanup(server.Close)
	c := mint(t, claims())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/notes/a%20b/c?z=1&a=%20x", strings.NewReader(note))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := server.Client().Do(sign(r, note, c))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got seen
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", response.Status, err)
	}
	want := seen{Body: note, Caller: sigv4auth.Caller{
		PoolID: pool, IdentityID: identity, RoleARN: role, Authenticated: true,
		Provider: "accounts.google.com", Subject: "42", Tags: map[string]string{"team": "blue"},
		AccessKeyID: c.AccessKeyID, Region: region, Service: service, SignedAt: now, Expires: now.Add(time.Hour),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if response.Header.Get("Vary") != "Authorization" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", response.Header)
	}
}

func TestFromContextWithoutRequire(t *testing.T) {
	t.Parallel()
	if caller, ok := sigv4auth.FromContext(t.Context()); ok {
		t.Errorf("%+v", caller)
	}
}

// TestAccepted lists what passes that is not the plain case.
func TestAccepted(t *testing.T) {
	t.Parallel()
	unsigned := func(c *sigv4auth.Config) { c.AllowUnsignedPayload = true }
	for name, test := range map[string]struct {
		request func(sigv4.Credentials) *http.Request
		claims  func() tempkey.Claims
		change  func(*sigv4auth.Config)
	}{
		"no body":   {request: func(c sigv4.Credentials) *http.Request { return sign(request("GET", "/", ""), "", c) }},
		"hash sent": {request: func(c sigv4.Credentials) *http.Request { return sign(hashed("POST", note, hashOf(note)), note, c) }},
		"guest where allowed": {
			request: func(c sigv4.Credentials) *http.Request { return sign(request("GET", "/", ""), "", c) },
			claims:  guest, change: func(c *sigv4auth.Config) { c.AllowGuests = true },
		},
		"the pool that is named": {
			request: func(c sigv4.Credentials) *http.Request { return sign(request("GET", "/", ""), "", c) },
			change:  func(c *sigv4auth.Config) { c.Pools = []string{"us-east-1:other", pool} },
		},
		"the host that is named": {
			request: func(c sigv4.Credentials) *http.Request { return sign(request("GET", "/", ""), "", c) },
			change:  func(c *sigv4auth.Config) { c.Hosts = []string{"API.example.com"} },
		},
		"presigned": {request: func(c sigv4.Credentials) *http.Request {
			return presign(request("GET", "/a", ""), empty, service, time.Minute, c)
		}},
		"presigned, S3": {request: func(c sigv4.Credentials) *http.Request {
			return presign(request("GET", "/a//b", ""), sigv4.UnsignedPayload, "s3", time.Minute, c)
		}},
		"presigned, unsigned HEAD": {request: func(c sigv4.Credentials) *http.Request {
			return presign(request("HEAD", "/a", ""), sigv4.UnsignedPayload, service, time.Minute, c)
		}},
		"presigned with its body": {request: func(c sigv4.Credentials) *http.Request {
			return presign(request("PUT", "/a", note), hashOf(note), service, time.Minute, c)
		}},
		"presigned with any body": {change: unsigned, request: func(c sigv4.Credentials) *http.Request {
			return presign(request("PUT", "/a", note), sigv4.UnsignedPayload, "s3", time.Minute, c)
		}},
		"presigned, both ways known": {change: unsigned, request: func(c sigv4.Credentials) *http.Request {
			return presign(request("PUT", "/a", note), hashOf(note), service, time.Minute, c)
		}},
		"presigned, with a hash in the query": {request: func(c sigv4.Credentials) *http.Request {
			return presign(request("PUT", "/a?X-Amz-Content-Sha256="+hashOf(note), note), hashOf(note), service, time.Minute, c)
		}},
		"unsigned payload": {change: unsigned, request: func(c sigv4.Credentials) *http.Request { return forPayload(c, "PUT", note, sigv4.UnsignedPayload) }},
		"unsigned GET":     {request: func(c sigv4.Credentials) *http.Request { return forPayload(c, "GET", "", sigv4.UnsignedPayload) }},
	} {
		if test.change == nil {
			test.change = func(*sigv4auth.Config) {}
		}
		if test.claims == nil {
			test.claims = claims
		}
		r := test.request(mint(t, test.claims()))
		caller, err := newAuth(t, test.change).Verify(r)
		if err != nil || caller.IdentityID != identity || caller.Presigned != strings.HasPrefix(name, "presigned") {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func hashed(method, body, hash string) *http.Request {
	r := request(method, "/notes", body)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	return r
}

// forPayload signs a request for what its header says of the body.
func forPayload(c sigv4.Credentials, method, body, payload string) *http.Request {
	r := hashed(method, body, payload)
	sigv4.SignPayload(r, payload, c, region, service, now)
	return r
}

// TestBodyStays: a body that was read to be hashed is there for the handler; one
// that is not signed is not read at all.
func TestBodyStays(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, func(c *sigv4auth.Config) { c.AllowUnsignedPayload, c.MaxBody = true, 4 })
	c := mint(t, claims())
	r := forPayload(c, "PUT", note, sigv4.UnsignedPayload)
	if _, err := auth.Verify(r); err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != note {
		t.Errorf("unsigned body %q, %v", body, err)
	}
	r = sign(request("PUT", "/", "1234"), "1234", c)
	if _, err := auth.Verify(r); err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != "1234" {
		t.Errorf("signed body %q, %v", body, err)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	second := append([]byte{9}, key[1:]...)
	both := func(c *sigv4auth.Config) { c.Keys = [][]byte{second, key} }
	only := func(c *sigv4auth.Config) { c.Keys = [][]byte{second} }
	old, fresh := mint(t, claims()), mintWith(t, second, claims())
	for name, test := range map[string]struct {
		change func(*sigv4auth.Config)
		with   sigv4.Credentials
		want   error
	}{
		"old beside new": {both, old, nil}, "new beside old": {both, fresh, nil},
		"new alone": {only, fresh, nil}, "old is gone": {only, old, sigv4auth.ErrCredentials},
	} {
		if _, err := newAuth(t, test.change).Verify(sign(request("GET", "/", ""), "", test.with)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sigv4auth.Config){
		"no key":         func(c *sigv4auth.Config) { c.Keys = nil },
		"short key":      func(c *sigv4auth.Config) { c.Keys = [][]byte{key[:31]} },
		"no region":      func(c *sigv4auth.Config) { c.Regions = nil },
		"empty region":   func(c *sigv4auth.Config) { c.Regions = []string{""} },
		"no service":     func(c *sigv4auth.Config) { c.Services = nil },
		"negative skew":  func(c *sigv4auth.Config) { c.Skew = -1 },
		"too much skew":  func(c *sigv4auth.Config) { c.Skew = 16 * time.Minute },
		"negative body":  func(c *sigv4auth.Config) { c.MaxBody = -1 },
		"presigned life": func(c *sigv4auth.Config) { c.MaxPresignedLife = 8 * 24 * time.Hour },
	} {
		c := config()
		change(&c)
		if _, err := sigv4auth.New(c); err == nil || !strings.HasPrefix(err.Error(), "sigv4auth: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
