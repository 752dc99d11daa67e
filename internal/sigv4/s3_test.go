package sigv4

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// The key pair, the moment and the host of the examples in Amazon S3's API
// reference ("Authenticating Requests").
const (
	s3Host  = "examplebucket.s3.amazonaws.com"
	s3Scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
	s3Empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var (
	s3Key  = secret.New("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	s3Time = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

func s3Request(t testing.TB, method, target string, header http.Header) *http.Request {
	t.Helper()
	u, err := url.Parse("https://" + s3Host + target)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: method, URL: u, Host: s3Host, Header: http.Header{}}
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// TestS3HeaderExamples verifies the requests that the reference prints, with the
// signatures that it prints.
func TestS3HeaderExamples(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, target, payload, signed, signature string
		header                                     http.Header
	}{
		"GET object": {
			"GET", "/test.txt", s3Empty, "host;range;x-amz-content-sha256;x-amz-date",
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
			http.Header{"Range": {"bytes=0-9"}},
		},
		"PUT object": {
			"PUT", "/test$file.text", hashOf([]byte("Welcome to Amazon S3.")), "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}},
		},
		"GET bucket lifecycle": {
			"GET", "/?lifecycle", s3Empty, "host;x-amz-content-sha256;x-amz-date",
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", nil,
		},
		"list objects": {
			"GET", "/?max-keys=2&prefix=J", s3Empty, "host;x-amz-content-sha256;x-amz-date",
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", nil,
		},
	} {
		r := s3Request(t, c.method, c.target, c.header)
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("X-Amz-Content-Sha256", c.payload)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s3Scope+",SignedHeaders="+c.signed+",Signature="+c.signature)
		s, err := Read(r, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Matches(r, s.DeclaredPayload, s3Key); err != nil || s.Presigned {
			t.Errorf("%s: %v; canonical request\n%s", name, err, form{"s3", s.signed, c.payload, false}.canonical(r))
		}
		if err := s.Matches(r, s.DeclaredPayload, secret.New("another")); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: with another key: %v", name, err)
		}
	}
}

const s3Presigned = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
	"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

// TestS3PresignedExample verifies the URL of the reference, and makes it.
func TestS3PresignedExample(t *testing.T) {
	t.Parallel()
	r := s3Request(t, "GET", s3Presigned, nil)
	s, err := Read(r, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Matches(r, UnsignedPayload, s3Key); err != nil || !s.Presigned || s.Life != 24*time.Hour || !s.SignedAt.Equal(s3Time) {
		t.Errorf("%+v, %v", s, err)
	}
	made := s3Request(t, "GET", "/test.txt", nil)
	Presign(made, UnsignedPayload, Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: s3Key}, "us-east-1", "s3", s3Time, 24*time.Hour)
	if got := made.URL.RequestURI(); got != s3Presigned {
		t.Errorf("presigned\n%s, want\n%s", got, s3Presigned)
	}
}

// TestS3Paths: the path is signed as it is, and nothing else passes for it.
func TestS3Paths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":             "/",
		"/":            "/",
		"/a//b/../c/.": "/a//b/../c/.",
		"/a%2Fb":       "/a%2Fb",
		"/a b+c$":      "/a%20b%2Bc%24",
		"/%7e/%C3%a4":  "/~/%C3%A4",
	} {
		u := &url.URL{Path: path}
		if unescaped, err := url.PathUnescape(path); err == nil {
			u = &url.URL{Path: unescaped, RawPath: path}
		}
		if got := canonicalS3Path(u); got != want {
			t.Errorf("%q is signed as %q, want %q", path, got, want)
		}
	}
}

func TestPresignedTime(t *testing.T) {
	t.Parallel()
	s, err := Read(s3Request(t, "GET", s3Presigned, nil), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{
		{-DefaultSkew, true}, {-DefaultSkew - time.Second, false}, // a clock that is behind
		{0, true}, {24 * time.Hour, true}, {24*time.Hour + time.Second, false}, // no skew past the end
	} {
		if err := s.Fresh(s3Time.Add(c.after), DefaultSkew); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrExpired) {
			t.Errorf("%v after signing: %v", c.after, err)
		}
	}
}

// TestPresignedIsChecked changes one part of a good URL at a time.
func TestPresignedIsChecked(t *testing.T) {
	t.Parallel()
	change := func(old, new string) string {
		changed := strings.Replace(s3Presigned, old, new, 1)
		if changed == s3Presigned {
			t.Fatalf("%s changes nothing", old)
		}
		return changed
	}
	for name, c := range map[string]struct {
		target string
		header http.Header
		want   error
	}{
		"nothing":             {s3Presigned, nil, nil},
		"a header beside it":  {s3Presigned, http.Header{"Accept": {"*/*"}}, nil},
		"order":               {change("?X-Amz-Algorithm=AWS4-HMAC-SHA256&", "?") + "&X-Amz-Algorithm=AWS4-HMAC-SHA256", nil, nil},
		"encoded names":       {change("X-Amz-Signature", "X-%41mz-Signature"), nil, nil},
		"signed twice":        {s3Presigned, http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=x"}}, ErrIncomplete},
		"unsigned x-amz":      {s3Presigned, http.Header{"X-Amz-Acl": {"public-read"}}, ErrSignature},
		"unsigned type":       {s3Presigned, http.Header{"Content-Type": {"text/html"}}, ErrSignature},
		"no algorithm":        {change("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""), nil, ErrIncomplete},
		"other algorithm":     {change("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), nil, ErrIncomplete},
		"no credential":       {change("X-Amz-Credential=", "X="), nil, ErrIncomplete},
		"scope of four":       {change("%2Faws4_request", ""), nil, ErrIncomplete},
		"no date":             {change("X-Amz-Date=20130524T000000Z", "a=b"), nil, ErrIncomplete},
		"bad date":            {change("20130524T000000Z", "2013"), nil, ErrIncomplete},
		"other day":           {change("Date=20130524", "Date=20130525"), nil, ErrSignature},
		"later":               {change("T000000Z", "T000001Z"), nil, ErrSignature},
		"no life":             {change("X-Amz-Expires=86400&", ""), nil, ErrIncomplete},
		"life of nothing":     {change("=86400", "=0"), nil, ErrIncomplete},
		"life with a sign":    {change("=86400", "=%2B86400"), nil, ErrIncomplete},
		"life over a week":    {change("=86400", "=604801"), nil, ErrIncomplete},
		"life that overflows": {change("=86400", "=99999999999999999999"), nil, ErrIncomplete},
		"longer life":         {change("=86400", "=604800"), nil, ErrSignature},
		"host not signed":     {change("SignedHeaders=host", "SignedHeaders=range"), nil, ErrSignature},
		"no signed headers":   {change("&X-Amz-SignedHeaders=host", ""), nil, ErrIncomplete},
		"no signature":        {change("&X-Amz-Signature=", "&Y="), nil, ErrIncomplete},
		"short signature":     {change("Signature=ae", "Signature="), nil, ErrIncomplete},
		"other signature":     {change("Signature=ae", "Signature=be"), nil, ErrSignature},
		"twice":               {s3Presigned + "&X-Amz-Expires=86400", nil, ErrIncomplete},
		"signature twice":     {s3Presigned + "&X-Amz-Signature=" + strings.Repeat("0", 64), nil, ErrIncomplete},
		"one more parameter":  {s3Presigned + "&versionId=1", nil, ErrSignature},
		"a token added":       {s3Presigned + "&X-Amz-Security-Token=t", nil, ErrSignature},
		"other path":          {change("/test.txt", "/test.txt/"), nil, ErrSignature},
		"long":                {s3Presigned + "&" + strings.Repeat("a", maxPresignedQuery), nil, ErrSignature},
		"none of it":          {"/test.txt?X-Amz-Date=20130524T000000Z&X-Amz-Security-Token=x", nil, ErrMissing},
	} {
		r := s3Request(t, "GET", c.target, c.header)
		s, err := Read(r, false)
		if err != nil && s != nil {
			t.Errorf("%s: refused, but answers %+v", name, s)
		}
		if err == nil {
			err = s.Matches(r, UnsignedPayload, s3Key)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestHeaderFormSignsEveryParameter: only a presigned URL leaves its signature
// out, however the parameter is spelled.
func TestHeaderFormSignsEveryParameter(t *testing.T) {
	t.Parallel()
	for _, added := range []string{"X-Amz-Signature=00", "X-%41mz-Signature=00", "X-Amz-Date=x"} {
		r := s3Request(t, "GET", "/", nil)
		Sign(r, nil, Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: suiteKey}, "us-east-1", "service", suiteTime)
		r.URL.RawQuery = added
		v := &Verifier{Lookup: suiteLookup, Services: []string{"service"}, Now: func() time.Time { return suiteTime }}
		if _, err := v.Verify(r, nil); !errors.Is(err, ErrSignature) {
			t.Errorf("%s added: %v", added, err)
		}
		if s, err := Read(r, false); err == nil && s.Matches(r, s3Empty, suiteKey) == nil {
			t.Errorf("%s added: it matches", added)
		}
	}
}

// FuzzRead feeds queries: none may match, because the fuzzer does not know the
// key, and none may panic.
func FuzzRead(f *testing.F) {
	f.Add("/test.txt", s3Presigned[len("/test.txt?"):]+"&a=b", "")
	f.Add("/", "X-Amz-Signature=00&&=&%zz", "bytes=0-9")
	f.Fuzz(func(t *testing.T, path, query, accept string) {
		r := &http.Request{Method: "GET", URL: &url.URL{Path: path, RawQuery: query}, Host: s3Host, Header: http.Header{"Accept": {accept}}}
		if r.URL.RequestURI() == s3Presigned {
			return
		}
		s, err := Read(r, false)
		if err != nil {
			return
		}
		if s.Life <= 0 || s.Life > MaxPresignedLife {
			t.Fatalf("a life of %v", s.Life)
		}
		if s.Matches(r, UnsignedPayload, secret.New("not in the corpus")) == nil {
			t.Fatalf("%s matches", query)
		}
	})
}
