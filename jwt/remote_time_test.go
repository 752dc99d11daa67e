package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// memoryIssuer answers requests without a network, so that a synctest bubble can
// move its clock.
type memoryIssuer struct {
	mu      sync.Mutex
	doc     string
	control string        // Cache-Control
	delay   time.Duration // before the answer
	down    bool
	fetches atomic.Int32
}

func (m *memoryIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	m.fetches.Add(1)
	m.mu.Lock()
	doc, control, delay, down := m.doc, m.control, m.delay, m.down
	m.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if down {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Cache-Control": {control}}, Body: io.NopCloser(strings.NewReader(doc)), Request: r}, nil
}

func (m *memoryIssuer) change(f func(*memoryIssuer)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

// inTime runs f in a bubble with an issuer that publishes the signing key.
func inTime(t *testing.T, f func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys)) {
	t.Parallel()
	document := goodDocument()
	synctest.Test(t, func(t *testing.T) {
		issuer := &memoryIssuer{doc: document}
		f(t, issuer, newRemote(t, "https://idp.example.com/jwks", func(o *jwt.RemoteOptions) { o.HTTPClient = &http.Client{Transport: issuer} }))
	})
}

// expect asks for a key and wants this kind of error, at once unless may is more.
func expect(t *testing.T, keys *jwt.RemoteKeys, id string, want error, may time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := keys.Key(context.Background(), id); !errors.Is(err, want) {
		t.Errorf("key %s: got %v, want %v", id, err, want)
	}
	if took := time.Since(start); took > may {
		t.Errorf("key %s took %v", id, took)
	}
}

// TestTimeFlood: 100,000 unknown keys in a minute cause at most seven fetches, and
// the known key never waits, although each fetch takes a second.
func TestTimeFlood(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		issuer.delay = time.Second
		expect(t, keys, keyID, nil, time.Second)
		var flood sync.WaitGroup
		for i := range 100_000 {
			if i%100 == 0 {
				time.Sleep(58 * time.Millisecond)
				expect(t, keys, keyID, nil, 0)
			}
			if i%1000 != 0 {
				flood.Go(func() { _, _ = keys.Key(context.Background(), fmt.Sprint("k", i)) })
			} else {
				expect(t, keys, fmt.Sprint("k", i), jwt.ErrUnknownKey, time.Second)
			}
		}
		flood.Wait()
		if n := issuer.fetches.Load(); n > 7 || n < 6 {
			t.Errorf("%d fetches in a minute", n)
		}
	})
}

// TestTimeRotation: a new key is accepted within ten seconds, a withdrawn one is
// refused after the next refresh.
func TestTimeRotation(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		expect(t, keys, keyID, nil, 0)
		issuer.change(func(m *memoryIssuer) { m.doc = jwks(jwkOf("new", &otherKey().PublicKey, "")) })
		expect(t, keys, "new", jwt.ErrUnknownKey, 0)
		expect(t, keys, keyID, nil, 0)
		time.Sleep(10 * time.Second)
		expect(t, keys, "new", nil, 0)
		expect(t, keys, keyID, jwt.ErrUnknownKey, 0)
		if n := issuer.fetches.Load(); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestTimeWithdrawn: the verifier refuses the tokens of a withdrawn key after five
// minutes, those in its cache too.
func TestTimeWithdrawn(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		v := newVerifier(t, func(c *jwt.Config) { c.Keys = keys })
		raw := sign(accessClaims().json())
		if _, err := verify(v, "access", raw); err != nil {
			t.Fatal(err)
		}
		issuer.change(func(m *memoryIssuer) { m.doc = `{"keys":[]}` })
		time.Sleep(5*time.Minute - 1)
		if _, err := verify(v, "access", raw); err != nil || issuer.fetches.Load() != 1 {
			t.Errorf("before the refresh: %v, %d fetches", err, issuer.fetches.Load())
		}
		time.Sleep(time.Nanosecond)
		_, _ = verify(v, "access", raw) // finds the refresh due, and starts it
		synctest.Wait()
		if _, err := verify(v, "access", raw); !errors.Is(err, jwt.ErrUnknownKey) {
			t.Errorf("after the refresh: %v", err)
		}
	})
}

// TestTimeIssuerDown: known keys serve for a day, without ever waiting and with few
// attempts; unknown ones are "unavailable", not refused for good.
func TestTimeIssuerDown(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		expect(t, keys, keyID, nil, 0)
		time.Sleep(5 * time.Minute)
		issuer.change(func(m *memoryIssuer) { m.down, m.delay = true, 20*time.Second })
		for range 24 * 60 * 6 {
			expect(t, keys, keyID, nil, 0)
			time.Sleep(10*time.Second - time.Millisecond)
		}
		if n := issuer.fetches.Load(); n < 600 || n > 24*60+1 {
			t.Errorf("%d attempts in a day", n)
		}
		expect(t, keys, "other", jwt.ErrKeysUnavailable, 10*time.Second)
		time.Sleep(2 * time.Minute)
		expect(t, keys, keyID, jwt.ErrKeysUnavailable, 10*time.Second)
		issuer.change(func(m *memoryIssuer) { m.down, m.delay = false, 0 })
		time.Sleep(10 * time.Second)
		expect(t, keys, keyID, nil, 0)
	})
}

// TestTimeSlow: while a refresh takes long the old keys serve; its end replaces them.
func TestTimeSlow(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		expect(t, keys, keyID, nil, 0)
		issuer.change(func(m *memoryIssuer) { m.delay, m.doc = 9*time.Second, `{"keys":[]}` })
		time.Sleep(5 * time.Minute)
		for range 9 {
			expect(t, keys, keyID, nil, 0)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		expect(t, keys, keyID, jwt.ErrUnknownKey, 0)
		if n := issuer.fetches.Load(); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestTimeColdStart: with no keys at all the first failure is soon tried again.
func TestTimeColdStart(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		issuer.down = true
		start := time.Now()
		var attempts []time.Duration
		for before := int32(0); time.Since(start) < 30*time.Second; time.Sleep(500 * time.Millisecond) {
			expect(t, keys, keyID, jwt.ErrKeysUnavailable, 0)
			if n := issuer.fetches.Load(); n > before {
				before = n
				attempts = append(attempts, time.Since(start))
			}
		}
		if got := fmt.Sprint(attempts); got != "[0s 2s 12s 22s]" {
			t.Errorf("attempts at %s", got)
		}
	})
}

// TestTimeHangingIssuer: the pause after a failure begins when the fetch has ended, so
// that most calls with unknown ids are answered at once although each fetch hangs.
func TestTimeHangingIssuer(t *testing.T) {
	for pause, want := range map[time.Duration]string{0: "[0s 12s 32s 52s]", 30 * time.Second: "[0s 40s]"} {
		t.Run(pause.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issuer := &memoryIssuer{delay: time.Minute}
				keys := newRemote(t, "https://idp.example.com/jwks", func(o *jwt.RemoteOptions) {
					o.HTTPClient, o.FailurePause = &http.Client{Transport: issuer}, pause
				})
				start := time.Now()
				var attempts []time.Duration
				for time.Since(start) < time.Minute {
					before, begun := issuer.fetches.Load(), time.Since(start)
					expect(t, keys, keyID, jwt.ErrKeysUnavailable, 10*time.Second)
					if issuer.fetches.Load() > before {
						attempts = append(attempts, begun)
					}
					time.Sleep(500 * time.Millisecond)
				}
				if got := fmt.Sprint(attempts); got != want {
					t.Errorf("attempts at %s, want %s", got, want)
				}
			})
		})
	}
}

// TestTimeMaxAge: the server's max-age counts between five minutes and a day.
func TestTimeMaxAge(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"": 5 * time.Minute, "no-store": 5 * time.Minute, "max-age=0": 5 * time.Minute, "max-age=x": 5 * time.Minute, "max-age": 5 * time.Minute,
		"max-age=-1": 5 * time.Minute, "s-maxage=7200": 5 * time.Minute,
		"max-age=3600": time.Hour, "public, MAX-AGE=3600, must-revalidate": time.Hour, `max-age="3600"`: time.Hour,
		"max-age=864000": 24 * time.Hour, "max-age=99999999999999999999": 5 * time.Minute,
	} {
		t.Run(control, func(t *testing.T) {
			inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
				issuer.control = control
				expect(t, keys, keyID, nil, 0)
				time.Sleep(want - 1)
				expect(t, keys, keyID, nil, 0)
				synctest.Wait()
				if n := issuer.fetches.Load(); n != 1 {
					t.Errorf("%d fetches before %v", n, want)
				}
				time.Sleep(time.Nanosecond)
				expect(t, keys, keyID, nil, 0)
				synctest.Wait()
				if n := issuer.fetches.Load(); n != 2 {
					t.Errorf("%d fetches after %v", n, want)
				}
			})
		})
	}
}

// TestTimeNothingRuns: without calls there are no fetches.
func TestTimeNothingRuns(t *testing.T) {
	inTime(t, func(t *testing.T, issuer *memoryIssuer, keys *jwt.RemoteKeys) {
		expect(t, keys, keyID, nil, 0)
		time.Sleep(23 * time.Hour)
		if n := issuer.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		expect(t, keys, keyID, nil, 0)
		synctest.Wait()
		if n := issuer.fetches.Load(); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}
