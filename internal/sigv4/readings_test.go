package sigv4

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// signedFor is a request for a target, signed at suiteTime.
func signedFor(t *testing.T, service, target string) *http.Request {
	t.Helper()
	u, err := url.Parse("http://notes.example.com" + target)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: "GET", URL: u, Host: u.Host, Header: http.Header{}}
	Sign(r, nil, Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: suiteKey}, "us-east-1", service, suiteTime)
	return r
}

// sentAs is the signed request with another target on the wire.
func sentAs(t *testing.T, signed *http.Request, target string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatalf("net/http refuses the target itself: %v", err)
	}
	r := signed.Clone(t.Context())
	r.URL = u
	return r
}

// TestRewrittenRequestsAreRefused sends a signed request in another form that verifies by
// the canonical request alone, but that a handler reads differently.
func TestRewrittenRequestsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ signed, sent, service string }{
		"plus":                     {"/?name=a%2Bb", "/?name=a+b", "notes"},
		"plus in a name":           {"/?a%2Bb=1", "/?a+b=1", "notes"},
		"semicolon":                {"/?a=x%3By", "/?a=x;y", "notes"},
		"malformed escape":         {"/?a=10%25zz", "/?a=10%zz", "notes"},
		"cut escape":               {"/?a=10%25", "/?a=10%", "notes"},
		"order of repeated values": {"/?id=1&id=2", "/?id=2&id=1", "notes"},
		"repeated, one escaped":    {"/?id=1&id=2", "/?i%64=2&id=1", "notes"},
		"repeated and empty":       {"/?id=&id=2", "/?id=2&id", "notes"},
		"dot segments":             {"/notes/public", "/notes/private/../public", "notes"},
		"escaped dot segments":     {"/notes/%2e%2e/public", "/notes/%2e%2e/public", "notes"},
		"one dot":                  {"/notes/public", "/notes/./public", "notes"},
		"empty segment":            {"/a/b", "/a//b", "notes"},
		"empty first segment":      {"/a/b", "//a/b", "notes"},
		"empty last segment":       {"/a/", "/a//", "notes"},
		"two slashes":              {"/", "//", "notes"},
		"S3, plus":                 {"/?name=a%2Bb", "/?name=a+b", "s3"},
		"dots by escaped slash":    {"/notes/a%2F..%2Fb", "/notes/a%2F..%2Fb", "notes"},
		"dots by backslash":        {"/notes/..%5Cb", "/notes/..%5Cb", "notes"},
		"hidden slash":             {"/notes/a/x%22y", "/notes/a%2Fx\"y", "notes"},
		"S3, hidden slash":         {"/notes/a/x%22y", "/notes/a%2Fx\"y", "s3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sentAs(t, signedFor(t, c.service, c.signed), c.sent)
			s, err := Read(r, false)
			if !errors.Is(err, ErrSignature) || s != nil {
				t.Errorf("sent as %s: %v, want ErrSignature", c.sent, err)
			}
		})
	}
}

// TestPlainRequestsAreRead is the other side: what signers send.
func TestPlainRequestsAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ target, service string }{
		"root":              {"/", "notes"},
		"no path":           {"", "notes"},
		"escapes":           {"/a%20b/%C3%A4?name=a%2Bb&x=%20y&z=10%25zz", "notes"},
		"closing slash":     {"/a/b/?x", "notes"},
		"repeated, sorted":  {"/?id=1&id=10&id=2", "notes"},
		"dots in names":     {"/a..b/.well-known/...?x=..", "notes"},
		"escaped slash":     {"/a%2Fb", "notes"},
		"escaped backslash": {"/a%5C..b", "notes"},
		"S3, unescaped bar": {"/bucket/a|b%20c", "s3"},
		"S3, dot segments":  {"/bucket/a/../b//c", "s3"},
		"S3, plus in a key": {"/bucket/a+b", "s3"},
		"empty pairs":       {"/?a=1&&b=2&", "notes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signedFor(t, c.service, c.target)
			s, err := Read(r, false)
			if err != nil || s.Matches(r, hashOf(nil), suiteKey) != nil {
				t.Errorf("%s: %v", c.target, err)
			}
		})
	}
}

func TestBlankRunsAreRefused(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{"a b": true, "a b c": true, "a  b": false, "a\tb": false, "a \tb": false, "a\t\tb": false, "": true, "ab": true} {
		r := signedFor(t, "notes", "/")
		r.Header.Set("X-Amz-Meta", value)
		Sign(r, nil, Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: suiteKey}, "us-east-1", "notes", suiteTime)
		if _, err := Read(r, false); (err == nil) != good {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// TestOneReading: of all ways to write a query, those that verify decode to what was
// signed.
func TestOneReading(t *testing.T) {
	t.Parallel()
	value := rapid.StringMatching(`[ab+;%&= /.2~]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		values := url.Values{}
		for range rapid.IntRange(1, 3).Draw(rt, "n") {
			values.Add(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name"), value.Draw(rt, "value"))
		}
		for _, list := range values {
			slices.SortFunc(list, func(a, b string) int { return strings.Compare(encode(a, false), encode(b, false)) })
		}
		signed := signedFor(t, "notes", "/?"+strings.ReplaceAll(values.Encode(), "+", "%20"))
		r := signed.Clone(t.Context())
		r.URL.RawQuery = rewritten(rt, signed.URL.RawQuery)
		s, err := Read(r, false)
		if err != nil || s.Matches(r, hashOf(nil), suiteKey) != nil {
			return
		}
		if diff := cmp.Diff(values, r.URL.Query()); diff != "" {
			rt.Fatalf("%s verifies: %s", r.URL.RawQuery, diff)
		}
	})
}

// rewritten writes a query in another way: escapes taken back, pairs moved.
func rewritten(t *rapid.T, query string) string {
	pairs := rapid.Permutation(strings.Split(query, "&")).Draw(t, "order")
	for i, pair := range pairs {
		for _, escape := range []string{"%2B", "%3B", "%25", "%3D", "%26", "%20", "%2F", "%7E"} {
			if rapid.Bool().Draw(t, "plain") {
				plain, _ := url.PathUnescape(escape)
				pair = strings.ReplaceAll(pair, escape, plain)
			}
		}
		pairs[i] = pair
	}
	return strings.Join(pairs, "&")
}
