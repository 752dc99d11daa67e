package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"pgregory.net/rapid"
)

const (
	keyID  = "LKIAEXAMPLE"
	body   = `{"UserPoolId":"us-east-1_abc"}`
	target = "AWSCognitoIdentityProviderService.DescribeUserPool"
)

var (
	secretKey = secret.New("0123456789abcdefghijABCDEFGHIJ")
	signedAt  = time.Date(2026, 11, 20, 14, 10, 0, 0, time.UTC)
)

func verifierAt(now time.Time) *sigv4.Verifier {
	return &sigv4.Verifier{
		Lookup:   func(id string) (secret.String, bool) { return secretKey, id == keyID },
		Services: []string{"cognito-idp", "cognito-identity"},
		Now:      func() time.Time { return now },
	}
}

func newRequest(t interface{ Fatal(...any) }, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:9229/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	return r
}

func signedRequest(t interface{ Fatal(...any) }) *http.Request {
	r := newRequest(t, body)
	sigv4.Sign(r, []byte(body), credentials(), "us-east-1", "cognito-idp", signedAt)
	return r
}

func credentials() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey}
}

// TestSignThenVerifyOverHTTP sends a signed request through a real server.
func TestSignThenVerifyOverHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err == nil {
			var identity sigv4.Identity
			if identity, err = verifierAt(signedAt.Add(time.Minute)).Verify(r, sent); err == nil {
				fmt.Fprintln(w, identity.AccessKeyID, identity.Region, identity.Service, identity.SignedAt, identity.SessionToken.Reveal())
				return
			}
		}
		http.Error(w, err.Error(), http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	r, err := http.NewRequest(http.MethodPost, server.URL+"/a%20b/c/?z=1&a=&a=%20x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	c := credentials()
	c.SessionToken = "session/token+="
	sigv4.Sign(r, []byte(body), c, "eu-central-1", "cognito-identity", signedAt)
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	want := "LKIAEXAMPLE eu-central-1 cognito-identity 2026-11-20 14:10:00 +0000 UTC session/token+=\n"
	if err != nil || string(answer) != want {
		t.Errorf("%s, %v; want %s", answer, err, want)
	}
}

// TestMutationsAreRefused changes one part of a valid request at a time.
func TestMutationsAreRefused(t *testing.T) {
	t.Parallel()
	setAuth := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			before := r.Header.Get("Authorization")
			after := strings.Replace(before, old, new, 1)
			if before == after {
				panic("mutation changes nothing: " + old)
			}
			r.Header.Set("Authorization", after)
		}
	}
	for name, c := range map[string]struct {
		mutate func(*http.Request)
		want   error
	}{
		"nothing":                  {func(*http.Request) {}, nil},
		"no header":                {func(r *http.Request) { r.Header.Del("Authorization") }, sigv4.ErrMissing},
		"empty header":             {func(r *http.Request) { r.Header.Set("Authorization", "") }, sigv4.ErrMissing},
		"presigned form":           {func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "X-Amz-Signature=00" }, sigv4.ErrMissing},
		"bearer":                   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, sigv4.ErrIncomplete},
		"two headers":              {func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, sigv4.ErrIncomplete},
		"huge header":              {func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+strings.Repeat("a", 5000)) }, sigv4.ErrIncomplete},
		"other algorithm":          {setAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), sigv4.ErrIncomplete},
		"no credential":            {setAuth("Credential=", "Credentia="), sigv4.ErrIncomplete},
		"no signature":             {setAuth(", Signature=", ", Signatur="), sigv4.ErrIncomplete},
		"a fourth part":            {setAuth(", Signature=", ", X=1, Signature="), sigv4.ErrIncomplete},
		"part twice":               {setAuth(", Signature=", ", SignedHeaders=host, Signature="), sigv4.ErrIncomplete},
		"scope of four":            {setAuth("/aws4_request", ""), sigv4.ErrIncomplete},
		"scope of six":             {setAuth("/aws4_request", "/aws4_request/x"), sigv4.ErrIncomplete},
		"other terminator":         {setAuth("/aws4_request", "/aws3_request"), sigv4.ErrIncomplete},
		"empty region":             {setAuth("/us-east-1/", "//"), sigv4.ErrIncomplete},
		"short signature":          {setAuth("Signature=", "Signature=ab"), sigv4.ErrIncomplete},
		"signature is not hex":     {func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:200]+"zz") }, sigv4.ErrIncomplete},
		"capital header name":      {setAuth("content-type", "Content-Type"), sigv4.ErrIncomplete},
		"headers out of order":     {setAuth("content-type;host", "host;content-type"), sigv4.ErrIncomplete},
		"header named twice":       {setAuth("content-type;host", "content-type;host;host"), sigv4.ErrIncomplete},
		"empty header name":        {setAuth("content-type;", ";content-type;"), sigv4.ErrIncomplete},
		"bad date":                 {func(r *http.Request) { r.Header.Set("X-Amz-Date", "Fri, 20 Nov 2026 14:10:00 GMT") }, sigv4.ErrIncomplete},
		"host not signed":          {setAuth(";host", ""), sigv4.ErrSignature},
		"date not signed":          {setAuth(";x-amz-date", ""), sigv4.ErrSignature},
		"target not signed":        {setAuth(";x-amz-target", ""), sigv4.ErrSignature},
		"content type not signed":  {setAuth("content-type;", ""), sigv4.ErrSignature},
		"new header not signed":    {func(r *http.Request) { r.Header.Set("X-Amz-User-Agent", "x") }, sigv4.ErrSignature},
		"target added twice":       {func(r *http.Request) { r.Header.Add("X-Amz-Target", "x") }, sigv4.ErrSignature},
		"no date":                  {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, sigv4.ErrIncomplete},
		"other key":                {setAuth(keyID, "LKIAOTHER"), sigv4.ErrUnknownKey},
		"other day in the scope":   {setAuth("20261120", "20261119"), sigv4.ErrSignature},
		"other region":             {setAuth("us-east-1", "us-east-2"), sigv4.ErrSignature},
		"other accepted service":   {setAuth("cognito-idp", "cognito-identity"), sigv4.ErrSignature},
		"other service":            {setAuth("cognito-idp", "s3"), sigv4.ErrSignature},
		"other method":             {func(r *http.Request) { r.Method = http.MethodPut }, sigv4.ErrSignature},
		"other path":               {func(r *http.Request) { r.URL.Path = "/x" }, sigv4.ErrSignature},
		"query":                    {func(r *http.Request) { r.URL.RawQuery = "a=b" }, sigv4.ErrSignature},
		"long query":               {func(r *http.Request) { r.URL.RawQuery = strings.Repeat("a", 9000) }, sigv4.ErrSignature},
		"other host":               {func(r *http.Request) { r.Host = "evil.example" }, sigv4.ErrSignature},
		"other target":             {func(r *http.Request) { r.Header.Set("X-Amz-Target", target+"Client") }, sigv4.ErrSignature},
		"other content type":       {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, sigv4.ErrSignature},
		"later date":               {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261120T141001Z") }, sigv4.ErrSignature},
		"signature of another day": {setAuth("Signature=", "Signature="+strings.Repeat("0", 64)+"#"), sigv4.ErrIncomplete},
	} {
		r := signedRequest(t)
		c.mutate(r)
		identity, err := verifierAt(signedAt).Verify(r, []byte(body))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && identity != (sigv4.Identity{}) {
			t.Errorf("%s: refused, but names %+v", name, identity)
		}
		if err != nil && strings.Contains(err.Error(), secretKey.Reveal()) {
			t.Errorf("%s: the error tells the key", name)
		}
	}
}

func TestBodyIsChecked(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(body))
	for name, c := range map[string]struct {
		declared, body string
		ok             bool
	}{
		"none declared":     {"", body, true},
		"declared":          {hex.EncodeToString(sum[:]), body, true},
		"declared, other":   {hex.EncodeToString(sum[:]), body + " ", false},
		"none, other":       {"", body + " ", false},
		"none, empty":       {"", "", false},
		"unsigned payload":  {"UNSIGNED-PAYLOAD", body, false},
		"declared in caps":  {strings.ToUpper(hex.EncodeToString(sum[:])), body, false},
		"hash of nothing":   {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", body, false},
		"streaming payload": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body, false},
	} {
		r := newRequest(t, body)
		if c.declared != "" {
			r.Header.Set("X-Amz-Content-Sha256", c.declared)
		}
		sigv4.Sign(r, []byte(body), credentials(), "us-east-1", "cognito-idp", signedAt)
		_, err := verifierAt(signedAt).Verify(r, []byte(c.body))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, sigv4.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skew, off time.Duration
		ok        bool
	}{
		{0, 5 * time.Minute, true}, {0, 5*time.Minute + time.Second, false},
		{0, -5 * time.Minute, true}, {0, -5*time.Minute - time.Second, false},
		{time.Second, time.Second, true}, {time.Second, 2 * time.Second, false},
		{time.Hour, 15 * time.Minute, true}, {time.Hour, 15*time.Minute + time.Second, false}, // never more than AWS allows
		{0, 365 * 24 * time.Hour, false}, {0, -365 * 24 * time.Hour, false},
	} {
		v := verifierAt(signedAt.Add(c.off))
		v.Skew = c.skew
		_, err := v.Verify(signedRequest(t), []byte(body))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, sigv4.ErrExpired) {
			t.Errorf("skew %s, off by %s: %v", c.skew, c.off, err)
		}
	}
}

func TestEmptySecretVerifiesNothing(t *testing.T) {
	t.Parallel()
	r := newRequest(t, body)
	sigv4.Sign(r, []byte(body), sigv4.Credentials{AccessKeyID: keyID}, "us-east-1", "cognito-idp", signedAt)
	v := verifierAt(signedAt)
	v.Lookup = func(string) (secret.String, bool) { return secret.String{}, true }
	if _, err := v.Verify(r, []byte(body)); !errors.Is(err, sigv4.ErrUnknownKey) {
		t.Error(err)
	}
}

func TestSigningTwiceReplaces(t *testing.T) {
	t.Parallel()
	r := newRequest(t, body)
	c := credentials()
	c.SessionToken = "old"
	sigv4.Sign(r, []byte("other"), c, "us-east-1", "cognito-idp", signedAt.Add(-time.Hour))
	sigv4.Sign(r, []byte(body), credentials(), "us-east-1", "cognito-idp", signedAt)
	identity, err := verifierAt(signedAt).Verify(r, []byte(body))
	if err != nil || !identity.SessionToken.IsZero() {
		t.Errorf("%+v, %v", identity, err)
	}
}

// TestSignVerifies signs anything and expects it to verify, and to fail when
// one byte of the body or the signature changes.
func TestSignVerifies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body")
		r := newRequest(t, "")
		r.URL.Path = "/" + strings.Trim(strings.ReplaceAll(rapid.String().Draw(t, "path"), "/", ""), ".")
		values := url.Values{}
		for range rapid.IntRange(0, 4).Draw(t, "parameters") {
			values.Add(rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "name"), rapid.String().Draw(t, "value"))
		}
		for _, list := range values {
			slices.SortFunc(list, func(a, b string) int { return strings.Compare(escaped(a), escaped(b)) })
		}
		r.URL.RawQuery = strings.ReplaceAll(values.Encode(), "+", "%20")
		r.Header.Set("Content-Type", rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "content type"))
		r.Header.Set("X-Amz-Meta", rapid.StringMatching(`([!-~]+ )*[!-~]*`).Draw(t, "meta"))
		at := signedAt.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "seconds")) * time.Second)
		sigv4.Sign(r, sent, credentials(), "us-east-1", "cognito-idp", at)
		if _, err := verifierAt(at).Verify(r, sent); err != nil {
			t.Fatal(err)
		}
		changed := bytes.Clone(sent)
		changed[rapid.IntRange(0, len(sent)-1).Draw(t, "index")] ^= 1
		if _, err := verifierAt(at).Verify(r, changed); !errors.Is(err, sigv4.ErrSignature) {
			t.Fatalf("changed body: %v", err)
		}
		a := r.Header.Get("Authorization")
		digit := len(a) - 1 - rapid.IntRange(0, 63).Draw(t, "digit")
		other := byte('0')
		if a[digit] == '0' {
			other = '1'
		}
		r.Header.Set("Authorization", a[:digit]+string(other)+a[digit+1:])
		if _, err := verifierAt(at).Verify(r, sent); !errors.Is(err, sigv4.ErrSignature) {
			t.Fatalf("changed signature: %v", err)
		}
	})
}

// FuzzVerify feeds headers of any kind: none may verify, because the fuzzer
// does not know the key, and none may panic.
func FuzzVerify(f *testing.F) {
	good := signedRequest(f)
	f.Add(good.Header.Get("Authorization"), "20261120T141000Z", "/", "a=b", []byte(body+" "))
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "", "//..", "%zz&=&", []byte(nil))
	f.Add("AWS4-HMAC-SHA256 ,,,", "20261120T141000Z", "", "", []byte("{}"))
	f.Fuzz(func(t *testing.T, authorization, date, path, query string, sent []byte) {
		r := newRequest(t, "")
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Del("Content-Type")
		if _, err := verifierAt(signedAt).Verify(r, sent); err == nil {
			t.Fatalf("verified %q", authorization)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r, v := signedRequest(b), verifierAt(signedAt)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, []byte(body)); err != nil {
			b.Fatal(err)
		}
	}
}

// escaped is a query's value as it is signed.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }
