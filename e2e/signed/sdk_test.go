package signed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/latchkey-auth/latchkey/e2e/internal/awscreds"
	"github.com/latchkey-auth/latchkey/e2e/internal/local"
	"github.com/latchkey-auth/latchkey/sigv4auth"
)

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// TestSDKSigner: what aws-sdk-go-v2's signer signs, in the header and in the URL.
func TestSDKSigner(t *testing.T) {
	t.Parallel()
	up := local.Up()
	server := serve(t, up)
	credentials, identity := signIn(t, up)
	for _, test := range []struct{ method, target, body string }{
		{"GET", "/", ""}, {"HEAD", "/notes", ""}, {"GET", "/notes/a%20b/%C3%A4?x=1&a=%20+&z=%2F&a=", ""},
		{"POST", "/notes", `{"text":"ä"}`}, {"PUT", "/notes/1?tag=a&tag=b", strings.Repeat("x", 100_000)}, {"DELETE", "/notes/1~_.-", ""},
	} {
		for _, declared := range []bool{false, true} {
			r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL+test.target, strings.NewReader(test.body))
			check(t, err)
			r.Header.Set("X-Amz-Meta-Nonce", unique())
			if test.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			if declared {
				r.Header.Set("X-Amz-Content-Sha256", hashOf(test.body))
			}
			check(t, v4.NewSigner().SignHTTP(t.Context(), credentials, r, hashOf(test.body), service, region, time.Now()))
			if test.method == "HEAD" {
				response, err := http.DefaultClient.Do(r)
				check(t, err)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("HEAD: %s", response.Status)
				}
				continue
			}
			got, _ := send(t, r, http.StatusOK)
			wantCaller(t, got, up, identity)
			if got.Body != test.body || got.Method != test.method {
				t.Errorf("%s %s: %d bytes arrived", test.method, test.target, len(got.Body))
			}
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/notes/a%20b?x=1&X-Amz-Expires=60", nil)
	check(t, err)
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, r, hashOf(""), service, region, time.Now())
	check(t, err)
	r, err = http.NewRequestWithContext(t.Context(), "GET", signed, nil)
	check(t, err)
	got, _ := send(t, r, http.StatusOK)
	wantCaller(t, got, up, identity)
	if !got.Caller.Presigned {
		t.Error("a presigned URL does not count as one")
	}
	r.URL.RawQuery += "&x=2"
	if _, code := send(t, r, http.StatusForbidden); code != "InvalidSignatureException" {
		t.Errorf("a presigned URL with one more parameter: %s", code)
	}
}

// TestSDKS3 has the SDK's S3 client call the API: paths signed as they are,
// payload hashes, presigned URLs.
func TestSDKS3(t *testing.T) {
	t.Parallel()
	up := local.Up()
	server := serve(t, up)
	credentials, identity := signIn(t, up)
	options := s3.Options{
		Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials:                aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	}
	client := s3.New(options)
	got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("notes"), Key: aws.String("a//b/../c d+ä$")})
	check(t, err)
	body, err := io.ReadAll(got.Body)
	check(t, err)
	seen := read(t, body)
	wantCaller(t, seen, up, identity)
	if seen.Path != "/notes/a//b/../c%20d%2B%C3%A4%24" {
		t.Errorf("the path arrived as %s", seen.Path)
	}
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("notes"), Key: aws.String("k"), Body: strings.NewReader("hello")})
	check(t, err)
	link, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("notes"), Key: aws.String("a b")})
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), link.Method, link.URL, nil)
	check(t, err)
	seen, _ = send(t, r, http.StatusOK)
	wantCaller(t, seen, up, identity)
}

// TestSDKUploadsOverTLS: over TLS the SDK does not sign what it uploads. The API
// says why it refuses, and takes the whole ones where it is told to.
func TestSDKUploadsOverTLS(t *testing.T) {
	t.Parallel()
	up := local.Up()
	credentials, _ := signIn(t, up)
	for name, test := range map[string]struct {
		sums  aws.RequestChecksumCalculation
		allow bool
		want  string
	}{
		"whole":                  {aws.RequestChecksumCalculationWhenRequired, false, "UNSIGNED-PAYLOAD 403 UNSIGNED-PAYLOAD is not accepted here"},
		"whole, allowed":         {aws.RequestChecksumCalculationWhenRequired, true, "UNSIGNED-PAYLOAD 200"},
		"in chunks, the default": {aws.RequestChecksumCalculationWhenSupported, true, "STREAMING-UNSIGNED-PAYLOAD-TRAILER 400 Streaming signatures (aws-chunked) are not accepted here"},
	} {
		var said string
		handler := api(t, up, func(c *sigv4auth.Config) { c.AllowUnsignedPayload = test.allow })
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, r)
			var refusal struct{ Message string }
			_ = json.Unmarshal(recorder.Body.Bytes(), &refusal)
			said = fmt.Sprint(r.Header.Get("X-Amz-Content-Sha256"), " ", recorder.Code, " ", refusal.Message)
			w.WriteHeader(recorder.Code)
		}))
		_, err := s3.New(s3.Options{
			Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1, HTTPClient: server.Client(),
			RequestChecksumCalculation: test.sums,
			Credentials:                aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
		}).PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("notes"), Key: aws.String("k"), Body: strings.NewReader("hello"),
		})
		server.Close()
		if !strings.HasPrefix(said, test.want) || (err == nil) != strings.Contains(test.want, " 200") {
			t.Errorf("%s: %v, after %s", name, err, said)
		}
	}
}

// TestGuests: a guest's credentials are good, where guests are let in.
func TestGuests(t *testing.T) {
	t.Parallel()
	up := local.Up()
	guest, err := awscreds.Guest(up)
	check(t, err)
	t.Cleanup(func() { check(t, guest.Close()) })
	credentials, err := guest.Retrieve(t.Context())
	check(t, err)
	get := func(url string, status int) (echo, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		check(t, err)
		check(t, v4.NewSigner().SignHTTP(t.Context(), credentials, r, hashOf(""), service, region, time.Now()))
		return send(t, r, status)
	}
	if _, code := get(serve(t, up).URL, http.StatusForbidden); code != "AccessDeniedException" {
		t.Errorf("a guest where none are let in: %s", code)
	}
	identity, err := guest.IdentityID(t.Context())
	check(t, err)
	seen, _ := get(serve(t, up, func(c *sigv4auth.Config) { c.AllowGuests = true }).URL, http.StatusOK)
	if seen.Caller.IdentityID != identity || seen.Caller.Authenticated || seen.Caller.RoleARN != "arn:aws:iam::000000000000:role/latchkey-guest" {
		t.Errorf("the API saw %+v", seen.Caller)
	}
}

// TestExpiry: credentials that last three seconds end, for real, in the middle of
// a program, which does not notice: the client renews them before.
func TestExpiry(t *testing.T) {
	t.Parallel()
	const life = 3 * time.Second
	process, err := local.Start(filepath.Join(t.TempDir(), "data"), "--credential-life", life.String())
	check(t, err)
	t.Cleanup(func() { check(t, process.Stop()) })
	up := process.Ready
	server := serve(t, up)
	provider, err := awscreds.SignedIn(t.Context(), up)
	check(t, err)
	t.Cleanup(func() { check(t, provider.Close()) })
	client := s3.New(s3.Options{Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1, Credentials: provider})
	get := func(client *s3.Client) error {
		_, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		return err
	}
	first, err := provider.Retrieve(t.Context())
	check(t, err)
	work := func() (string, error) {
		if err := get(client); err != nil {
			return "", err
		}
		now, err := provider.Retrieve(t.Context())
		return now.AccessKeyID, err
	}
	ids := map[string]bool{}
	for end := time.Now().Add(2 * time.Minute); len(ids) < 3 || time.Now().Before(first.Expires); <-time.After(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d sets of credentials in 2 min, want at least 3", len(ids))
		}
		start := time.Now()
		id, err := work()
		if took := time.Since(start); late(err, life, took) {
			t.Logf("too slow to tell, after %v: %v", took, err)
			continue
		}
		check(t, err)
		ids[id] = true
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	check(t, err)
	check(t, v4.NewSigner().SignHTTP(t.Context(), first, r, hashOf(""), service, region, time.Now()))
	if _, code := send(t, r, http.StatusForbidden); code != "ExpiredTokenException" {
		t.Errorf("the first credentials: %s", code)
	}
	stale := s3.New(s3.Options{Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return first, nil })})
	if refusal, ok := errors.AsType[smithy.APIError](get(stale)); !ok || refusal.ErrorFault() == smithy.FaultServer {
		t.Errorf("the SDK reads %v", refusal)
	}
}

// late reports whether a call failed because the machine took so long over it that its
// credentials ended on the way: the client hands none out whose last twentieth of life
// has begun, so that any refusal before that has gone by is its own fault.
func late(err error, life, took time.Duration) bool {
	refusal, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && refusal.HTTPStatusCode() == http.StatusForbidden && took >= life/20 || err != nil && took >= life
}
