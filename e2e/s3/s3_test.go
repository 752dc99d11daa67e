package s3

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/cognitocreds"
	"github.com/latchkey-auth/latchkey/e2e/internal/awscreds"
	"github.com/latchkey-auth/latchkey/internal/testlength"
)

// TestMinIO runs everything against one MinIO, which is slow to start.
func TestMinIO(t *testing.T) {
	w := newWorld(t)
	t.Run("signed in", func(t *testing.T) { signedIn(t, w) })
	t.Run("guest", func(t *testing.T) { guest(t, w) })
	t.Run("renewed while it runs", func(t *testing.T) { renewed(t, w) })
	if testlength.Long() { // the long form
		t.Run("outlived", func(t *testing.T) { outlived(t, w) })
	}
	t.Run("AWS CLI", func(t *testing.T) { commandLine(t, w) })
	t.Run("role that MinIO does not know", func(t *testing.T) { unknownRole(t, w) })
	t.Run("MinIO is down", func(t *testing.T) { w.stop(); down(t, w) })
}

func signIn(t *testing.T, w world) *awscreds.Provider {
	t.Helper()
	provider, err := awscreds.SignedIn(t.Context(), w.up)
	check(t, err)
	t.Cleanup(func() { check(t, provider.Close()) })
	return provider
}

func newS3(w world, provider aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{
		Region: w.up.Region, BaseEndpoint: &w.endpoint, UsePathStyle: true, Credentials: provider,
	})
}

// signedIn puts, lists and gets an object.
func signedIn(t *testing.T, w world) {
	client, ctx := newS3(w, signIn(t, w)), t.Context()
	bucket, key, text := aws.String("photos"), aws.String("2026/ä b+c.txt"), "hello, MinIO"
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	check(t, err)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(text)})
	check(t, err)
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("2026/")})
	check(t, err)
	if len(listed.Contents) != 1 || aws.ToString(listed.Contents[0].Key) != *key {
		t.Errorf("listed %+v", listed.Contents)
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	check(t, err)
	defer got.Body.Close()
	if body, err := io.ReadAll(got.Body); err != nil || string(body) != text {
		t.Errorf("got %q, %v", body, err)
	}
	link, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	check(t, err)
	response, err := http.Get(link.URL)
	check(t, err)
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != text {
		t.Errorf("the presigned URL gives %q, %v", body, err)
	}
}

// guest: the pool has no role for guests, so it gives them no credentials, and
// MinIO takes none but its own.
func guest(t *testing.T, w world) {
	guest, err := awscreds.Guest(w.up)
	check(t, err)
	t.Cleanup(func() { check(t, guest.Close()) })
	_, err = newS3(w, guest).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	wantException(t, err, "InvalidIdentityPoolConfigurationException")
	response, err := http.Get(w.endpoint + "/photos/")
	check(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("without credentials MinIO answers %s", response.Status)
	}
	made, err := signIn(t, w).Retrieve(t.Context())
	check(t, err)
	made.SessionToken = made.SessionToken[:len(made.SessionToken)-8] + "AAAAAAAA"
	_, err = newS3(w, aws.CredentialsProviderFunc(static(made))).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err == nil {
		t.Error("MinIO takes a session token that was changed")
	}
}

// renewed: MinIO gives no less than 15 minutes, which only the long form waits for, see
// outlived. The program has its credentials renewed every second instead (ForceRefresh),
// while it works with them. That the client does so by itself when they expire is shown
// in e2e/signed too, with credentials of three seconds.
func renewed(t *testing.T, w world) {
	provider := signIn(t, w)
	first, err := provider.Retrieve(t.Context())
	check(t, err)
	if life := time.Until(first.Expires); life < 14*time.Minute {
		t.Errorf("credentials last %v", life)
	}
	client, seen := newS3(w, provider), map[string]bool{}
	for range 3 {
		_, err := provider.Client.FetchCredentials(t.Context(), latchkey.ForceRefresh())
		check(t, err)
		now, err := provider.Retrieve(t.Context())
		check(t, err)
		seen[now.AccessKeyID] = true
		for end := time.Now().Add(time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
			_, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
			check(t, err)
		}
	}
	if seen[first.AccessKeyID] || len(seen) != 3 {
		t.Errorf("%d sets of credentials after three renewals", len(seen))
	}
	_, err = newS3(w, aws.CredentialsProviderFunc(static(first))).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Errorf("the first credentials, which have not expired: %v", err)
	}
}

// outlived is a program that works for longer than MinIO's credentials last, which are
// of the shortest kind it gives. It takes a quarter of an hour (make torture).
func outlived(t *testing.T, w world) {
	provider := signIn(t, w)
	first, err := provider.Retrieve(t.Context())
	check(t, err)
	client, seen, calls := newS3(w, provider), map[string]bool{}, 0
	if life := time.Until(first.Expires); life > 15*time.Minute {
		t.Fatalf("credentials last %v", life)
	}
	for time.Now().Before(first.Expires.Add(30 * time.Second)) {
		_, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
		check(t, err)
		now, err := provider.Retrieve(t.Context())
		check(t, err)
		seen[now.AccessKeyID], calls = true, calls+1
		<-time.After(2 * time.Second)
	}
	if len(seen) < 2 {
		t.Errorf("%d sets of credentials", len(seen))
	}
	_, err = newS3(w, aws.CredentialsProviderFunc(static(first))).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err == nil {
		t.Error("MinIO takes the first credentials after their end")
	}
	t.Logf("%d calls with %d sets of credentials, none refused; the first, afterwards: %v", calls, len(seen), err)
}

// unknownRole comes late: it changes the pool.
func unknownRole(t *testing.T, w world) {
	_, err := awscreds.Identities(w.up).SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: &w.up.IdentityPoolID, Roles: map[string]string{"authenticated": "arn:minio:iam:::role/" + strings.Repeat("A", 27)},
	})
	check(t, err)
	_, err = signIn(t, w).Retrieve(t.Context())
	wantException(t, err, "InvalidIdentityPoolConfigurationException")
}

func wantException(t *testing.T, err error, code string) {
	t.Helper()
	if refusal, ok := errors.AsType[*latchkey.Error](err); !ok || refusal.Code != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// down: what may be better in a moment is no refusal, after which clients would
// throw sessions away.
func down(t *testing.T, w world) {
	_, err := signIn(t, w).Retrieve(t.Context())
	wantException(t, err, "ExternalServiceException")
	if cognitocreds.NeedsSignIn(err) {
		t.Errorf("the user is asked to sign in: %v", err)
	}
}
