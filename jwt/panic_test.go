package jwt_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// roundTripFunc is an HTTP transport that a test supplies.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// panicBody is the body of an answer whose reader panics.
type panicBody struct{ io.ReadCloser }

func (panicBody) Read([]byte) (int, error) { panic(errBroken) }
func (panicBody) Close() error             { return nil }

var errBroken = errors.New("broken on purpose")

// brokenTransports are transports that end the goroutine which uses them.
func brokenTransports(media string) map[string]roundTripFunc {
	return map[string]roundTripFunc{
		"RoundTrip panics": func(*http.Request) (*http.Response, error) { panic(errBroken) },
		"the body panics": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {media}}, Body: panicBody{}, Request: r}, nil
		},
	}
}

// wantPanic checks that an error carries the panic with its stack.
func wantPanic(t *testing.T, what string, err error) {
	t.Helper()
	failed, ok := errors.AsType[*jwt.PanicError](err)
	if !ok || !errors.Is(err, errBroken) || !strings.Contains(string(failed.Stack), "panic_test.go") || strings.Contains(err.Error(), "panic_test.go") {
		t.Errorf("%s: %v", what, err)
	}
}

// TestRemoteKeysPanic: a transport that panics fails the fetch for all who wait, and
// the next fetch works.
func TestRemoteKeysPanic(t *testing.T) {
	t.Parallel()
	for name, broken := range brokenTransports("application/json") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issuer := &memoryIssuer{doc: goodDocument()}
				transport := broken
				var reported error
				keys := newRemote(t, "https://idp.example.com/jwks", func(o *jwt.RemoteOptions) {
					o.HTTPClient = &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) { return transport(r) })}
					o.OnError = func(err error) { reported = err }
				})
				var callers sync.WaitGroup
				for range 10 {
					callers.Go(func() {
						_, err := keys.Key(t.Context(), keyID)
						if !errors.Is(err, jwt.ErrKeysUnavailable) {
							t.Errorf("Key: %v", err)
						}
						wantPanic(t, "Key", err)
					})
				}
				callers.Wait()
				wantPanic(t, "OnError", reported)
				wantPanic(t, "Refresh", keys.Refresh(t.Context()))
				transport = issuer.RoundTrip
				if err := keys.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				expect(t, keys, keyID, nil, 0)
				transport = broken
				time.Sleep(6 * time.Minute)
				expect(t, keys, keyID, nil, 0) // the refresh behind this call panics
				synctest.Wait()
				expect(t, keys, keyID, nil, 0)
			})
		})
	}
}

// TestRemoteKeysGoexit: a transport that ends the goroutine leaves no caller waiting.
func TestRemoteKeysGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reported error
		keys := newRemote(t, "https://idp.example.com/jwks", func(o *jwt.RemoteOptions) {
			o.HTTPClient = &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })}
			o.OnError = func(err error) { reported = err; runtime.Goexit() }
		})
		for range 2 {
			if err := keys.Refresh(t.Context()); !errors.Is(err, jwt.ErrKeysUnavailable) || !strings.Contains(err.Error(), "Goexit") {
				t.Errorf("Refresh: %v", err)
			}
		}
		if reported == nil {
			t.Error("OnError was not called")
		}
	})
}

// TestRevocationsPanic: a follower whose transport panics reports it and goes on.
func TestRevocationsPanic(t *testing.T) {
	t.Parallel()
	for name, broken := range brokenTransports("text/event-stream") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var reported []error
				feed := newMemoryFeed()
				calls := 0
				follower, err := jwt.FollowRevocations(issuer, func(o *jwt.RevocationOptions) {
					o.HTTPClient = &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
						if calls++; calls == 1 {
							return broken(r)
						}
						return feed.RoundTrip(r)
					})}
					o.OnError = func(err error) {
						mu.Lock()
						defer mu.Unlock()
						reported = append(reported, err)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				defer follower.Stop()
				if err := follower.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if len(reported) != 1 {
					t.Fatalf("OnError was called with %v", reported)
				}
				wantPanic(t, "OnError", reported[0])
			})
		})
	}
}

// TestRevocationsGoexit: a follower whose goroutine is ended says so.
func TestRevocationsGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reported := make(chan error, 1)
		follower, err := jwt.FollowRevocations(issuer, func(o *jwt.RevocationOptions) {
			o.HTTPClient = &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })}
			o.OnError = func(err error) { reported <- err }
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-reported; !errors.Is(err, jwt.ErrRevocationsUnavailable) || !strings.Contains(err.Error(), "Goexit") {
			t.Errorf("OnError: %v", err)
		}
		if err := follower.Ready(t.Context()); !errors.Is(err, jwt.ErrRevocationsUnavailable) {
			t.Errorf("Ready: %v", err)
		}
		follower.Stop()
	})
}

// TestOnErrorPanic: a panic of OnError is logged, and what it reported on goes on.
// Not parallel: it replaces the default logger.
func TestOnErrorPanic(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	down := errors.New("connection refused")
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, down })}
		keys := newRemote(t, "https://idp.example.com/jwks", func(o *jwt.RemoteOptions) {
			o.HTTPClient, o.OnError = client, func(error) { panic("keys") }
		})
		if err := keys.Refresh(t.Context()); !errors.Is(err, down) {
			t.Errorf("Refresh: %v", err)
		}
		follower, err := jwt.FollowRevocations(issuer, func(o *jwt.RevocationOptions) {
			o.HTTPClient, o.OnError = client, func(error) { panic("feed") }
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		follower.Stop()
	})
	for _, want := range []string{"panic=keys", "panic=feed", "panic_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not contain %q:\n%s", want, log.String())
		}
	}
	if n := strings.Count(log.String(), "panic=feed"); n < 2 {
		t.Errorf("the follower reported %d times in a minute", n)
	}
}

// TestZeroValues: values that no constructor made return errors; nothing panics or
// waits for ever.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	raw := sign(accessClaims().json())
	for name, row := range map[string]struct {
		call func() error
		want error
	}{
		"RemoteKeys.Key":          {func() error { _, err := new(jwt.RemoteKeys).Key(ctx, keyID); return err }, jwt.ErrKeysUnavailable},
		"RemoteKeys.Refresh":      {func() error { return new(jwt.RemoteKeys).Refresh(ctx) }, jwt.ErrKeysUnavailable},
		"nil RemoteKeys.Key":      {func() error { _, err := (*jwt.RemoteKeys)(nil).Key(ctx, keyID); return err }, jwt.ErrKeysUnavailable},
		"KeySet.Key":              {func() error { _, err := new(jwt.KeySet).Key(ctx, keyID); return err }, jwt.ErrUnknownKey},
		"Verifier.VerifyAccess":   {func() error { _, err := new(jwt.Verifier).VerifyAccess(ctx, raw); return err }, jwt.ErrKeysUnavailable},
		"Verifier.VerifyID":       {func() error { _, err := new(jwt.Verifier).VerifyID(ctx, raw); return err }, jwt.ErrKeysUnavailable},
		"Revocations.Ready":       {func() error { return new(jwt.Revocations).Ready(ctx) }, jwt.ErrRevocationsUnavailable},
		"Revocations.Stop":        {func() error { new(jwt.Revocations).Stop(); return jwt.ErrRevocationsUnavailable }, jwt.ErrRevocationsUnavailable},
		"Revocations.Revoked":     {func() error { _, err := new(jwt.Revocations).Revoked(ctx, jwt.SessionRef{EventID: "e"}); return err }, jwt.ErrRevocationsUnavailable},
		"nil Revocations.Revoked": {func() error { _, err := (*jwt.Revocations)(nil).Revoked(ctx, jwt.SessionRef{}); return err }, jwt.ErrRevocationsUnavailable},
		"a verifier with RemoteKeys": {func() error {
			_, err := verify(newVerifier(t, func(c *jwt.Config) { c.Keys = new(jwt.RemoteKeys) }), jwt.UseAccess, raw)
			return err
		}, jwt.ErrKeysUnavailable},
		"a verifier with Revocations": {func() error {
			_, err := verify(newVerifier(t, func(c *jwt.Config) { c.Revocations = new(jwt.Revocations) }), jwt.UseAccess, raw)
			return err
		}, jwt.ErrRevocationsUnavailable},
	} {
		if err := row.call(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestNewVerifierRefusesNilPointers(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*jwt.Config){
		"nil *jwt.KeySet":     func(c *jwt.Config) { c.Keys = (*jwt.KeySet)(nil) },
		"nil *jwt.RemoteKeys": func(c *jwt.Config) { c.Keys = (*jwt.RemoteKeys)(nil) },
		"nil *Revocations":    func(c *jwt.Config) { c.Revocations = (*jwt.Revocations)(nil) },
	} {
		config := jwt.Config{Issuer: issuer, ClientIDs: []string{client}, Keys: goodKeys()}
		change(&config)
		if _, err := jwt.NewVerifier(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
