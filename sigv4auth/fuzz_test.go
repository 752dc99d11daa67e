package sigv4auth_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// FuzzHeader feeds headers, bodies and tokens of any kind. The one request that
// is signed passes; nothing else may, and nothing may panic.
func FuzzHeader(f *testing.F) {
	auth, c := newAuth(f), mint(f, claims())
	good := sign(hashed("GET", "", empty), "", c)
	signature := good.Header.Get("Authorization")
	f.Add(signature[1:], "20261120T141000Z", c.SessionToken, empty, []byte(nil))
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "", "", "UNSIGNED-PAYLOAD", []byte("{}"))
	f.Fuzz(func(t *testing.T, authorization, date, token, hash string, body []byte) {
		r := request("GET", "/notes", string(body))
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Security-Token", token)
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if caller, err := auth.Verify(r); err == nil && authorization != signature {
			t.Fatalf("%q passed as %+v", authorization, caller)
		}
	})
}

// FuzzQuery does the same with presigned URLs.
func FuzzQuery(f *testing.F) {
	auth, c := newAuth(f), mint(f, claims())
	good := presign(request("GET", "/notes", ""), empty, service, time.Minute, c).URL.Query().Get("X-Amz-Signature")
	query := presign(request("GET", "/notes", ""), empty, service, time.Minute, c).URL.RawQuery
	f.Add("/notes", query+"&a=b", "")
	f.Add("/notes", query[1:], "")
	f.Add("//..", "X-Amz-Algorithm=&X-Amz-Algorithm=&%zz=&;", "UNSIGNED-PAYLOAD")
	f.Fuzz(func(t *testing.T, path, query, hash string) {
		r := request("GET", "/", "")
		r.URL = &url.URL{Path: path, RawQuery: query}
		if hash != "" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		r.Body = http.NoBody
		if caller, err := auth.Verify(r); err == nil && r.URL.Query().Get("X-Amz-Signature") != good {
			t.Fatalf("%q passed as %+v", query, caller)
		}
	})
}
