package openid

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/jwt"
)

const testIssuer = "https://idp.example.com"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeIssuer answers requests for a configuration and keys without a network, so that
// a synctest bubble can move its clock.
type fakeIssuer struct {
	delay     atomic.Int64 // nanoseconds before each answer
	down      atomic.Bool
	keysDown  atomic.Bool
	discovery atomic.Int32 // requests for the configuration
	keys      atomic.Int32 // requests for the keys
}

func (f *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, down := `{"keys":[]}`, f.keysDown.Load()
	if strings.HasSuffix(r.URL.Path, "openid-configuration") {
		f.discovery.Add(1)
		body, down = `{"issuer":"`+testIssuer+`","jwks_uri":"`+testIssuer+`/keys"}`, f.down.Load()
	} else {
		f.keys.Add(1)
	}
	select {
	case <-time.After(time.Duration(f.delay.Load())):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if down {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// inTime runs f in a bubble with an issuer that can be made slow or unreachable.
func inTime(t *testing.T, f func(t *testing.T, issuer *fakeIssuer, remotes *Remotes)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer, remotes := &fakeIssuer{}, NewRemotes(Reach{}, nil, nil)
		remotes.client = &http.Client{Transport: issuer}
		f(t, issuer, remotes)
	})
}

// ask reads the configuration and reports how long that took.
func ask(t *testing.T, remotes *Remotes) (time.Duration, error) {
	t.Helper()
	start := time.Now()
	found, err := remotes.Metadata(t.Context(), testIssuer)
	if err == nil && found.Issuer != testIssuer {
		t.Errorf("configuration %+v", found)
	}
	return time.Since(start), err
}

// TestStaleConfigurationServesDuringRefresh: sign-ins do not wait for an issuer that
// hangs, for 24 hours.
func TestStaleConfigurationServesDuringRefresh(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *fakeIssuer, remotes *Remotes) {
		if _, err := ask(t, remotes); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		issuer.delay.Store(int64(5 * time.Second))
		issuer.down.Store(true)
		for time.Since(start) < 24*time.Hour-time.Minute {
			if took, err := ask(t, remotes); err != nil || took > 0 {
				t.Fatalf("after %v: %v, took %v", time.Since(start), err, took)
			}
			time.Sleep(3 * time.Second)
		}
		// An attempt takes 5 s and the pause after it 30 s.
		if n := issuer.discovery.Load(); n < 2000 || n > 1+23*3600/35+1 {
			t.Errorf("%d requests in a day", n)
		}
		time.Sleep(time.Minute)
		if _, err := ask(t, remotes); err == nil {
			t.Error("the configuration still serves after 24 hours")
		}
		issuer.delay.Store(0)
		issuer.down.Store(false)
		time.Sleep(30 * time.Second)
		if _, err := ask(t, remotes); err != nil {
			t.Errorf("the issuer is back: %v", err)
		}
	})
}

// TestOneRefreshAtATime: a hundred sign-ins with an old configuration start one
// request, whose answer serves from then on.
func TestOneRefreshAtATime(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *fakeIssuer, remotes *Remotes) {
		_, _ = ask(t, remotes)
		time.Sleep(time.Hour)
		issuer.delay.Store(int64(4 * time.Second))
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				if took, err := ask(t, remotes); err != nil || took > 0 {
					t.Errorf("%v, took %v", err, took)
				}
			})
		}
		calls.Wait()
		time.Sleep(5 * time.Second)
		_, _ = ask(t, remotes)
		if n := issuer.discovery.Load(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

// TestFirstConfigurationIsShared: concurrent first sign-ins wait for one request, each
// for as long as its own context allows.
func TestFirstConfigurationIsShared(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *fakeIssuer, remotes *Remotes) {
		issuer.delay.Store(int64(4 * time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := remotes.Metadata(ctx, testIssuer); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient caller: %v", err)
			}
		})
		for range 10 {
			calls.Go(func() {
				if took, err := ask(t, remotes); err != nil || took != 4*time.Second {
					t.Errorf("%v, took %v", err, took)
				}
			})
		}
		calls.Wait()
		if n := issuer.discovery.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestFailedDiscoveryPauses: a failure is the answer for 30 seconds.
func TestFailedDiscoveryPauses(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *fakeIssuer, remotes *Remotes) {
		issuer.down.Store(true)
		issuer.delay.Store(int64(5 * time.Second))
		if took, err := ask(t, remotes); err == nil || took != 5*time.Second {
			t.Errorf("first: %v, took %v", err, took)
		}
		for range 29 {
			time.Sleep(time.Second)
			if took, err := ask(t, remotes); err == nil || took > 0 {
				t.Errorf("again: %v, took %v", err, took)
			}
		}
		if n := issuer.discovery.Load(); n != 1 {
			t.Errorf("%d requests within 30 s", n)
		}
		issuer.down.Store(false)
		time.Sleep(time.Second)
		if _, err := ask(t, remotes); err != nil || issuer.discovery.Load() != 2 {
			t.Errorf("after 30 s: %v, %d requests", err, issuer.discovery.Load())
		}
	})
}

// TestFailedKeysPause: unknown key ids cause one request in 30 seconds while the
// issuer's key endpoint hangs.
func TestFailedKeysPause(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *fakeIssuer, remotes *Remotes) {
		_, _ = ask(t, remotes)
		issuer.keysDown.Store(true)
		issuer.delay.Store(int64(5 * time.Second))
		verifier, err := remotes.Verifier(t.Context(), testIssuer, []string{"app"})
		if err != nil {
			t.Fatal(err)
		}
		raw := "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AAAA" // of the key "k"
		wants := func(wait time.Duration) {
			t.Helper()
			start := time.Now()
			_, err := verifier.VerifyID(t.Context(), raw)
			if took := time.Since(start); !errors.Is(err, jwt.ErrKeysUnavailable) || took != wait {
				t.Errorf("%v, took %v", err, took)
			}
		}
		wants(5 * time.Second)
		for range 29 {
			time.Sleep(time.Second)
			wants(0)
		}
		if n := issuer.keys.Load(); n != 1 {
			t.Errorf("%d requests for keys within 30 s", n)
		}
		time.Sleep(time.Second)
		wants(5 * time.Second)
	})
}
