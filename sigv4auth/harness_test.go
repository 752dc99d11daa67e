package sigv4auth_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

const (
	pool     = "us-east-1:0f3c9f0e-1111-4222-8333-444455556666"
	identity = "us-east-1:7d9c4a52-1111-4222-8333-444455556666"
	role     = "arn:aws:iam::000000000000:role/app"
	region   = "us-east-1"
	service  = "execute-api"
	note     = `{"text":"buy milk"}`
	empty    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var (
	key = bytes.Repeat([]byte{7}, tempkey.KeySize)
	now = time.Date(2026, 11, 20, 14, 10, 0, 0, time.UTC)
)

// fatal is what the helpers need of a test.
type fatal interface {
	Helper()
	Fatal(...any)
}

func config() sigv4auth.Config {
	return sigv4auth.Config{
		Keys: [][]byte{key}, Regions: []string{region, "eu-west-1"}, Services: []string{service, "s3"},
		Now: func() time.Time { return now },
	}
}

func newAuth(t fatal, changes ...func(*sigv4auth.Config)) *sigv4auth.Auth {
	t.Helper()
	c := config()
	for _, change := range changes {
		change(&c)
	}
	auth, err := sigv4auth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func claims() tempkey.Claims {
	return tempkey.Claims{
		PoolID: pool, IdentityID: identity, RoleARN: role, Authenticated: true,
		Provider: "accounts.google.com", Subject: "42", Tags: map[string]string{"team": "blue"},
		Issued: now.Add(-time.Minute), Expires: now.Add(time.Hour),
	}
}

func guest() tempkey.Claims {
	c := claims()
	c.Authenticated, c.Provider, c.Subject, c.Tags = false, "", "", nil
	return c
}

// mint makes credentials under the test's key.
func mint(t fatal, c tempkey.Claims) sigv4.Credentials { return mintWith(t, key, c) }

func mintWith(t fatal, key []byte, c tempkey.Claims) sigv4.Credentials {
	t.Helper()
	codec, err := tempkey.New(key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := codec.Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	return sigv4.Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.Secret, SessionToken: made.SessionToken.Reveal()}
}

// request is one as a server receives it, not signed.
func request(method, target, body string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "https://api.example.com"+target, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func sign(r *http.Request, body string, c sigv4.Credentials) *http.Request {
	sigv4.Sign(r, []byte(body), c, region, service, now)
	return r
}

func presign(r *http.Request, payload, service string, life time.Duration, c sigv4.Credentials) *http.Request {
	sigv4.Presign(r, payload, c, region, service, now, life)
	return r
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
