package sigv4auth_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

var otherKey = append([]byte{1}, key[1:]...)

// refused is a fault, the kind that a program sees and the answer that a caller
// sees.
type refused struct {
	request func(*testing.T) *http.Request
	change  func(*sigv4auth.Config)
	kind    error
	status  int
	code    string
}

func checkRefused(t *testing.T, tests map[string]refused) {
	t.Helper()
	for name, test := range tests {
		if test.change == nil {
			test.change = func(*sigv4auth.Config) {}
		}
		r := test.request(t)
		caller, err := newAuth(t, test.change).Verify(r)
		refusal, ok := errors.AsType[*sigv4auth.Error](err)
		if !ok || !errors.Is(err, test.kind) || refusal.Status != test.status || refusal.Code != test.code || caller.IdentityID != "" {
			t.Errorf("%s: %+v, %v", name, caller, err)
			continue
		}
		if token := r.Header.Get("X-Amz-Security-Token"); token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error tells the token", name)
		}
	}
}

// signed is a good request with one change.
func signed(change func(*http.Request)) func(*testing.T) *http.Request {
	return func(t *testing.T) *http.Request {
		r := sign(request("POST", "/notes", note), note, mint(t, claims()))
		change(r)
		return r
	}
}

func unchanged(*http.Request) {}

// signedAt is a good request of another moment.
func signedAt(off time.Duration) func(*testing.T) *http.Request {
	return func(t *testing.T) *http.Request {
		r := request("POST", "/notes", note)
		sigv4.Sign(r, []byte(note), mint(t, claims()), region, service, now.Add(off))
		return r
	}
}

func payload(method, body, payload string) func(*testing.T) *http.Request {
	return func(t *testing.T) *http.Request { return forPayload(mint(t, claims()), method, body, payload) }
}

func presigned(method, body, payload string, life time.Duration) func(*testing.T) *http.Request {
	return func(t *testing.T) *http.Request {
		return presign(request(method, "/notes", body), payload, service, life, mint(t, claims()))
	}
}

// TestSignaturesRefused: how, when and for what a request is signed.
func TestSignaturesRefused(t *testing.T) {
	t.Parallel()
	checkRefused(t, map[string]refused{
		"not signed":        {func(*testing.T) *http.Request { return request("GET", "/", "") }, nil, sigv4auth.ErrMissing, 403, "MissingAuthenticationTokenException"},
		"bearer token":      {signed(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"signed both ways":  {signed(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=00" }), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"type not signed":   {signed(func(r *http.Request) { stripSigned(r, "content-type;") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"host not signed":   {signed(func(r *http.Request) { stripSigned(r, "host;") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"token not signed":  {signed(func(r *http.Request) { stripSigned(r, ";x-amz-security-token") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"x-amz not signed":  {signed(func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"too old":           {signedAt(-5*time.Minute - time.Second), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"too early":         {signedAt(5*time.Minute + time.Second), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"less skew":         {signedAt(-2 * time.Second), func(c *sigv4auth.Config) { c.Skew = time.Second }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"other region":      {signed(unchanged), func(c *sigv4auth.Config) { c.Regions = []string{"eu-west-1"} }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"other service":     {signed(unchanged), func(c *sigv4auth.Config) { c.Services = []string{"notes"} }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"region of another": {signed(func(r *http.Request) { replaceAuth(r, "/us-east-1/", "/eu-west-1/") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"other host":        {signed(unchanged), func(c *sigv4auth.Config) { c.Hosts = []string{"other.example.com"} }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"host changed":      {signed(func(r *http.Request) { r.Host = "other.example.com" }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
	})
}

// TestCredentialsRefused: who signed.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	checkRefused(t, map[string]refused{
		"no token": {func(t *testing.T) *http.Request {
			c := mint(t, claims())
			c.SessionToken = ""
			return sign(request("GET", "/", ""), "", c)
		}, nil, sigv4auth.ErrCredentials, 403, "UnrecognizedClientException"},
		"token of another": {func(t *testing.T) *http.Request {
			c := mint(t, claims())
			c.SessionToken = mint(t, claims()).SessionToken
			return sign(request("GET", "/", ""), "", c)
		}, nil, sigv4auth.ErrCredentials, 403, "UnrecognizedClientException"},
		"another key": {func(t *testing.T) *http.Request {
			return sign(request("GET", "/", ""), "", mintWith(t, otherKey, claims()))
		}, nil, sigv4auth.ErrCredentials, 403, "UnrecognizedClientException"},
		"another secret": {func(t *testing.T) *http.Request {
			c := mint(t, claims())
			c.SecretAccessKey = secret.New("guess")
			return sign(request("GET", "/", ""), "", c)
		}, nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"expired": {func(t *testing.T) *http.Request {
			c := claims()
			c.Expires = now
			return sign(request("GET", "/", ""), "", mint(t, c))
		}, nil, sigv4auth.ErrExpired, 403, "ExpiredTokenException"},
		"expired, no key": {func(t *testing.T) *http.Request {
			c := claims()
			c.Expires = now
			return sign(request("GET", "/", ""), "", mintWith(t, otherKey, c))
		}, nil, sigv4auth.ErrCredentials, 403, "UnrecognizedClientException"},
		"guest":      {func(t *testing.T) *http.Request { return sign(request("GET", "/", ""), "", mint(t, guest())) }, nil, sigv4auth.ErrForbidden, 403, "AccessDeniedException"},
		"other pool": {signed(unchanged), func(c *sigv4auth.Config) { c.Pools = []string{"us-east-1:other"} }, sigv4auth.ErrForbidden, 403, "AccessDeniedException"},
		"guest with a bad signature": {func(t *testing.T) *http.Request {
			r := sign(request("GET", "/", ""), "", mint(t, guest()))
			r.URL.Path = "/x"
			return r
		}, nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
	})
}

// TestBodiesRefused: what the signature says of the body, and the body.
func TestBodiesRefused(t *testing.T) {
	t.Parallel()
	checkRefused(t, map[string]refused{
		"body changed": {signed(func(r *http.Request) { setBody(r, note+" ") }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"body gone":    {signed(func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"body and hash": {func(t *testing.T) *http.Request {
			r := sign(hashed("POST", note, hashOf(note)), note, mint(t, claims()))
			setBody(r, "other")
			return r
		}, nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"hash of another":   {payload("POST", note, hashOf("other")), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"hash in capitals":  {payload("POST", note, strings.ToUpper(hashOf(note))), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"no hash":           {payload("POST", note, "none"), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"streaming":         {payload("PUT", note, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"trailer":           {payload("PUT", note, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), nil, sigv4auth.ErrMalformed, 400, "IncompleteSignatureException"},
		"unsigned":          {payload("PUT", note, sigv4.UnsignedPayload), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"unsigned GET body": {payload("GET", note, sigv4.UnsignedPayload), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"unsigned DELETE":   {payload("DELETE", "", sigv4.UnsignedPayload), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"large":             {signed(unchanged), func(c *sigv4auth.Config) { c.MaxBody = int64(len(note)) - 1 }, sigv4auth.ErrTooLarge, 413, "RequestEntityTooLargeException"},
		"large, unknown":    {signed(func(r *http.Request) { r.ContentLength = -1 }), func(c *sigv4auth.Config) { c.MaxBody = int64(len(note)) - 1 }, sigv4auth.ErrTooLarge, 413, "RequestEntityTooLargeException"},
		"body breaks off":   {signed(func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)) }), nil, sigv4auth.ErrMalformed, 400, "SerializationException"},
	})
}

// TestPresignedRefused: URLs.
func TestPresignedRefused(t *testing.T) {
	t.Parallel()
	checkRefused(t, map[string]refused{
		"presigned, unsigned body": {presigned("PUT", note, sigv4.UnsignedPayload, time.Minute), nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"presigned, body added": {func(t *testing.T) *http.Request {
			r := presigned("GET", "", sigv4.UnsignedPayload, time.Minute)(t)
			setBody(r, "x")
			return r
		}, nil, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"presigned, off":                 {presigned("GET", "", empty, time.Minute), func(c *sigv4auth.Config) { c.MaxPresignedLife = -1 }, sigv4auth.ErrForbidden, 403, "AccessDeniedException"},
		"presigned, too long":            {presigned("GET", "", empty, time.Hour), func(c *sigv4auth.Config) { c.MaxPresignedLife = time.Minute }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"presigned, over":                {presigned("GET", "", empty, time.Minute), func(c *sigv4auth.Config) { c.Now = func() time.Time { return now.Add(time.Minute + time.Second) } }, sigv4auth.ErrSignature, 403, "InvalidSignatureException"},
		"presigned past the credentials": {presigned("GET", "", empty, 24*time.Hour), func(c *sigv4auth.Config) { c.Now = func() time.Time { return now.Add(time.Hour) } }, sigv4auth.ErrExpired, 403, "ExpiredTokenException"},
	})
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

func stripSigned(r *http.Request, part string) { replaceAuth(r, part, "") }

func replaceAuth(r *http.Request, old, new string) {
	before := r.Header.Get("Authorization")
	after := strings.Replace(before, old, new, 1)
	if before == after {
		panic("changes nothing: " + old)
	}
	r.Header.Set("Authorization", after)
}

// TestAnswers: what a caller sees, byte by byte where it matters.
func TestAnswers(t *testing.T) {
	t.Parallel()
	reached := false
	handler := newAuth(t).Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	stale := claims()
	stale.Expires = now.Add(-time.Second)
	for name, test := range map[string]struct {
		request *http.Request
		message string
		ask     bool
	}{
		"missing":   {request("GET", "/", ""), "Request is missing Authentication Token", true},
		"expired":   {sign(request("GET", "/", ""), "", mint(t, stale)), "The security token included in the request is expired", true},
		"forged":    {sign(request("GET", "/", ""), "", sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: secret.New("x")}), "The security token included in the request is invalid.", true},
		"signature": {sign(request("GET", "/", ""), "other", mint(t, claims())), "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.", false},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, test.request)
		var body map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %s: %v", name, w.Body, err)
		}
		h := w.Header()
		if body["message"] != test.message || body["__type"] != h.Get("X-Amzn-Errortype") || len(body) != 2 ||
			h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || (h.Get("WWW-Authenticate") != "") != test.ask {
			t.Errorf("%s: %d %v %s", name, w.Code, h, w.Body)
		}
	}
	if reached {
		t.Error("a refused request reached the handler")
	}
}

// TestUnprovenBodiesAreNotRead: whoever declares the hash of the body has to
// prove himself before a byte of it is read.
func TestUnprovenBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	r := sign(hashed("POST", note, hashOf(note)), "", mint(t, claims()))
	authorization, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	r.Header.Set("Authorization", authorization+"Signature="+strings.Repeat("0", 64))
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("the body was read")))
	if _, err := newAuth(t).Verify(r); !errors.Is(err, sigv4auth.ErrSignature) {
		t.Error(err)
	}
}
