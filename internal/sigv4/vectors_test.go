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

// The key pair and the moment of AWS's published test suite.
var (
	suiteKey  = secret.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	suiteTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

func suiteLookup(id string) (secret.String, bool) { return suiteKey, id == "AKIDEXAMPLE" }

// TestPublishedVectors verifies requests of AWS's Signature Version 4 test suite
// and of the IAM User Guide, with the signatures that AWS printed.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, target, service, body string
		header                        http.Header
		signed, signature             string
	}{
		"get-vanilla": {
			method: "GET", target: "/", signed: "host;x-amz-date",
			signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"get-vanilla-empty-query-key": {
			method: "GET", target: "/?Param1=value1", signed: "host;x-amz-date",
			signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
		},
		"get-vanilla-query-order-key-case": {
			method: "GET", target: "/?Param2=value2&Param1=value1", signed: "host;x-amz-date",
			signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"get-vanilla-query-unreserved": {
			method: "GET", target: "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
			signed:    "host;x-amz-date",
			signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
		},
		"get-header-value-trim": {
			method: "GET", target: "/", signed: "host;my-header1;my-header2;x-amz-date",
			header:    http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}},
			signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		"normalize-path, get-relative": {
			method: "GET", target: "/example/..", signed: "host;x-amz-date",
			signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"normalize-path, get-slash": {
			method: "GET", target: "//", signed: "host;x-amz-date",
			signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"post-vanilla": {
			method: "POST", target: "/", signed: "host;x-amz-date",
			signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		"post-header-key-sort": {
			method: "POST", target: "/", signed: "host;my-header1;x-amz-date",
			header:    http.Header{"My-Header1": {"value1"}},
			signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
		},
		"post-x-www-form-urlencoded": {
			method: "POST", target: "/", body: "Param1=value1", signed: "content-type;host;x-amz-date",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		"IAM User Guide, ListUsers": {
			method: "GET", target: "/?Action=ListUsers&Version=2010-05-08", service: "iam", signed: "content-type;host;x-amz-date",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
			signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
	} {
		host, service := "example.amazonaws.com", "service"
		if c.service != "" {
			host, service = c.service+".amazonaws.com", c.service
		}
		target, err := url.Parse("https://" + host + c.target)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: c.method, URL: target, Host: host, Header: http.Header{"X-Amz-Date": {"20150830T123600Z"}}}
		for name, values := range c.header {
			r.Header[name] = values
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"+service+"/aws4_request, SignedHeaders="+c.signed+", Signature="+c.signature)
		v := &Verifier{Lookup: suiteLookup, Services: []string{"service", "iam"}, Now: func() time.Time { return suiteTime }}
		identity, err := v.Verify(r, []byte(c.body))
		if strings.Contains(name, "normalize-path") {
			// The arithmetic holds, and the request is refused: its path can be read in two ways.
			s := &Signature{}
			if readErr := s.readHeader(r); readErr != nil || s.Matches(r, hashOf(nil), suiteKey) != nil || !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v, %v", name, readErr, err)
			}
			continue
		}
		if err != nil || identity.AccessKeyID != "AKIDEXAMPLE" || identity.Region != "us-east-1" || identity.Service != service || !identity.SignedAt.Equal(suiteTime) {
			t.Errorf("%s: %+v, %v; canonical request\n%s", name, identity, err, form{service, strings.Split(c.signed, ";"), hashOf([]byte(c.body)), false}.canonical(r))
		}
		if c.header == nil || c.header["My-Header1"] == nil { // Sign covers what AWS demands, not every header
			Sign(r, []byte(c.body), Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: suiteKey}, "us-east-1", service, suiteTime)
			if !strings.HasSuffix(r.Header.Get("Authorization"), "Signature="+c.signature) {
				t.Errorf("%s: Sign gives %s", name, r.Header.Get("Authorization"))
			}
		}
	}
}

func TestCanonicalPathAndQuery(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/":                   "/ ",
		"":                    "/ ",
		"//a/./b/../c/":       "/a/c/ ",
		"/a%20b":              "/a%2520b ", // encoded once more than it was sent
		"/a*b":                "/a%2Ab ",
		"/?b=2&a=1&a=0":       "/ a=0&a=1&b=2",
		"/?a":                 "/ a=",
		"/?a=%7E%2f+x&&":      "/ a=~%2F%2Bx",
		"/?a=%zz":             "/ a=%25zz",
		"/?%61=b&A=c&a-b=d":   "/ A=c&a=b&a-b=d",
		"/?a=b%3Dc&a=b=d":     "/ a=b%3Dc&a=b%3Dd",
		"/?q=%E1%88%B4&r=ab1": "/ q=%E1%88%B4&r=ab1",
	} {
		u, err := url.Parse("http://h" + target)
		if err != nil {
			t.Fatal(err)
		}
		if got := canonicalPath(u) + " " + canonicalQuery(u.RawQuery, false); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}
