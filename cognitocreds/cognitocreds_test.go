package cognitocreds_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/cognitocreds"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/server/plug"
)

const password = "Correct-Horse-9"

func signedIn(t testing.TB) *latchkey.Client {
	t.Helper()
	srv := latchkeytest.NewServer(t)
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password})
	client := open(t, srv.Config())
	if step, err := client.SignIn(t.Context(), latchkey.Password("ann", password)); err != nil || !step.Done() {
		t.Fatalf("SignIn: %v, %v", step, err)
	}
	return client
}

func open(t testing.TB, cfg latchkey.Config) *latchkey.Client {
	t.Helper()
	client, err := latchkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestRetrieve: what the SDK is given is what the session has, with its own
// expiration, and follows a forced renewal and a sign-out at once.
func TestRetrieve(t *testing.T) {
	t.Parallel()
	client := signedIn(t)
	provider := cognitocreds.New(client, cognitocreds.AccountID("123456789012"))
	var _ aws.CredentialsProvider = provider
	got, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := client.FetchCredentials(t.Context())
	if err != nil || got.AccessKeyID != want.AccessKeyID || got.SecretAccessKey != want.SecretAccessKey.Reveal() ||
		got.SessionToken != want.SessionToken.Reveal() || !got.Expires.Equal(want.Expiration) {
		t.Errorf("Retrieve = %s until %v, want %s until %v, %v", got.AccessKeyID, got.Expires, want.AccessKeyID, want.Expiration, err)
	}
	if !got.CanExpire || got.Expired() || !got.HasKeys() || got.Source != cognitocreds.Source || got.AccountID != "123456789012" {
		t.Errorf("Retrieve: %v, %v, %q, %q", got.CanExpire, got.Expired(), got.Source, got.AccountID)
	}
	cached := aws.NewCredentialsCache(provider)
	if same, err := cached.Retrieve(t.Context()); err != nil || same.AccessKeyID != got.AccessKeyID {
		t.Errorf("through a cache: %s, %v", same.AccessKeyID, err)
	}
	if _, err := client.FetchSession(t.Context(), latchkey.ForceRefresh()); err != nil {
		t.Fatal(err)
	}
	if now, err := provider.Retrieve(t.Context()); err != nil || now.AccessKeyID == got.AccessKeyID {
		t.Errorf("after a renewal: %s, %v", now.AccessKeyID, err)
	}
}

// TestErrors tells sign-in-needed from network.
func TestErrors(t *testing.T) {
	t.Parallel()
	offline := &http.Client{Transport: failing{}}
	tests := map[string]struct {
		config func(*latchkey.Config)
		kind   error
		signIn bool
	}{
		"guests off":       {func(c *latchkey.Config) { c.AllowGuests = false }, latchkey.ErrGuestsDisabled, true},
		"network":          {func(c *latchkey.Config) { c.HTTPClient = offline }, latchkey.ErrNetwork, false},
		"no identity pool": {func(c *latchkey.Config) { c.IdentityPoolID = "" }, latchkey.ErrNoIdentityPool, false},
	}
	srv := latchkeytest.NewServer(t)
	for name, tt := range tests {
		cfg := srv.Config()
		tt.config(&cfg)
		got, err := cognitocreds.New(open(t, cfg)).Retrieve(t.Context())
		if !errors.Is(err, tt.kind) || cognitocreds.NeedsSignIn(err) != tt.signIn || got.HasKeys() {
			t.Errorf("%s: %v", name, err)
		}
	}
	client := signedIn(t)
	provider := cognitocreds.New(client)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := provider.Retrieve(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Retrieve(t.Context()); !errors.Is(err, latchkey.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// guestless is a broker that has a role for users and none for guests.
type guestless struct{}

func (guestless) Credentials(_ context.Context, g plug.Grant) (plug.Credentials, error) {
	if !g.Authenticated {
		return plug.Credentials{}, plug.ErrRole
	}
	return plug.Credentials{
		AccessKeyID: "ASIA0000000000000000", SecretAccessKey: plug.NewSecret("key"), SessionToken: plug.NewSecret("token"), Expiration: time.Now().Add(g.Life),
	}, nil
}

// TestSignedOutNeedsSignIn checks that after SignOut a new sign-in is said to help: with
// guests off in the client, refused by the pool, or without a role.
func TestSignedOutNeedsSignIn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options []latchkeytest.Option
		guests  bool
		config  bool // the cause is the pool's configuration
	}{
		"guests off":            {nil, false, false},
		"refused by the pool":   {[]latchkeytest.Option{latchkeytest.GuestsOff()}, true, false},
		"no role for guests":    {[]latchkeytest.Option{latchkeytest.Broker(guestless{})}, true, true},
		"no role, nobody asked": {[]latchkeytest.Option{latchkeytest.Broker(guestless{})}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := latchkeytest.NewServer(t, test.options...)
			srv.AddUser(latchkeytest.User{Username: "ann", Password: password})
			cfg := srv.Config()
			cfg.AllowGuests = test.guests
			client := open(t, cfg)
			if step, err := client.SignIn(t.Context(), latchkey.Password("ann", password)); err != nil || !step.Done() {
				t.Fatalf("SignIn: %v, %v", step, err)
			}
			provider := cognitocreds.New(client)
			if _, err := provider.Retrieve(t.Context()); err != nil {
				t.Fatalf("signed in: %v", err)
			}
			if _, err := client.SignOut(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := provider.Retrieve(t.Context())
			if !cognitocreds.NeedsSignIn(err) || !errors.Is(err, latchkey.ErrGuestsDisabled) || errors.Is(err, latchkey.ErrConfig) != test.config {
				t.Errorf("signed out: %v", err)
			}
		})
	}
}

// TestRoleOfUserRefused checks that a user without a role is not asked to sign in again,
// which would not help.
func TestRoleOfUserRefused(t *testing.T) {
	t.Parallel()
	srv := latchkeytest.NewServer(t, latchkeytest.Broker(roleless{}))
	srv.AddUser(latchkeytest.User{Username: "ann", Password: password})
	client := open(t, srv.Config())
	if step, err := client.SignIn(t.Context(), latchkey.Password("ann", password)); err != nil || !step.Done() {
		t.Fatalf("SignIn: %v, %v", step, err)
	}
	_, err := cognitocreds.New(client).Retrieve(t.Context())
	if cognitocreds.NeedsSignIn(err) || !errors.Is(err, latchkey.ErrConfig) {
		t.Errorf("Retrieve: %v", err)
	}
}

// roleless is a broker that refuses every role.
type roleless struct{}

func (roleless) Credentials(context.Context, plug.Grant) (plug.Credentials, error) {
	return plug.Credentials{}, plug.ErrRole
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

// TestNoAllocation: credentials that are fresh cost no allocation.
func TestNoAllocation(t *testing.T) {
	client := signedIn(t)
	provider, ctx := cognitocreds.New(client), t.Context()
	if _, err := provider.Retrieve(ctx); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = provider.Retrieve(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = client.FetchSession(ctx) }); n != 0 {
		t.Errorf("FetchSession: %v allocations", n)
	}
}

func BenchmarkRetrieve(b *testing.B) {
	client := signedIn(b)
	provider, ctx := cognitocreds.New(client), b.Context()
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	}))
	for name, source := range map[string]aws.CredentialsProvider{"latchkey": provider, "CredentialsCache": cache} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.Retrieve(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestSigns: the SDK's signer takes the credentials, session token and all.
func TestSigns(t *testing.T) {
	t.Parallel()
	provider := cognitocreds.New(signedIn(t))
	keys, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/items", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, request, emptyHash, "execute-api", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if request.Header.Get("X-Amz-Security-Token") != keys.SessionToken || request.Header.Get("Authorization") == "" {
		t.Error("the request is not signed with the session token")
	}
}

// emptyHash is the SHA-256 of no bytes.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
