package jwt_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// same reports whether two verifications gave the same value, that is a cache hit.
func sameToken(t *testing.T, v *jwt.Verifier, raw string) bool {
	t.Helper()
	first, err := v.VerifyAccess(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.VerifyAccess(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return first == second
}

func TestCacheHits(t *testing.T) {
	t.Parallel()
	raw := sign(accessClaims().json())
	for size, hit := range map[int]bool{0: true, 1: true, 1000: true, -1: false} {
		v := newVerifier(t, func(c *jwt.Config) { c.CacheSize = size })
		if got := sameToken(t, v, raw); got != hit {
			t.Errorf("CacheSize %d: hit %v, want %v", size, got, hit)
		}
	}
}

// TestCacheKeepsUsesApart: a remembered ID token is no access token, and no other
// verifier knows it.
func TestCacheKeepsUsesApart(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	id, access := sign(idClaims().json()), sign(accessClaims().json())
	for range 3 {
		if _, err := v.VerifyID(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := v.VerifyAccess(context.Background(), access); err != nil {
			t.Fatal(err)
		}
		if _, err := v.VerifyAccess(context.Background(), id); !errors.Is(err, jwt.ErrUse) {
			t.Errorf("ID token as access token: %v", err)
		}
		if _, err := v.VerifyID(context.Background(), access); !errors.Is(err, jwt.ErrUse) {
			t.Errorf("access token as ID token: %v", err)
		}
	}
	otherClient := newVerifier(t, func(c *jwt.Config) { c.ClientIDs = []string{"other"} })
	if _, err := otherClient.VerifyAccess(context.Background(), access); !errors.Is(err, jwt.ErrClient) {
		t.Errorf("another client's verifier: %v", err)
	}
	otherIssuer := newVerifier(t, func(c *jwt.Config) { c.Issuer = "https://other" })
	if _, err := otherIssuer.VerifyAccess(context.Background(), access); !errors.Is(err, jwt.ErrIssuer) {
		t.Errorf("another issuer's verifier: %v", err)
	}
}

// TestCacheExpiry: a remembered token expires to the second, and stays refused even
// when it comes again.
func TestCacheExpiry(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	set(clock)
	v := newVerifier(t, func(c *jwt.Config) { c.Now = func() time.Time { return *now.Load() } })
	raw := sign(accessClaims().json())
	if !sameToken(t, v, raw) {
		t.Fatal("not remembered")
	}
	set(clock.Add(30*time.Minute - time.Nanosecond))
	if !sameToken(t, v, raw) {
		t.Error("forgotten before it expired")
	}
	set(clock.Add(30 * time.Minute))
	for range 2 {
		if _, err := v.VerifyAccess(context.Background(), raw); !errors.Is(err, jwt.ErrExpired) {
			t.Errorf("expired: %v", err)
		}
	}
	set(clock.Add(-time.Hour))
	if _, err := v.VerifyAccess(context.Background(), raw); !errors.Is(err, jwt.ErrNotYetValid) {
		t.Errorf("with the clock set back: %v", err)
	}
}

// TestCacheFailuresNotKept: a refusal is not remembered, and neither is a failure
// of the keys.
func TestCacheFailuresNotKept(t *testing.T) {
	t.Parallel()
	var answer atomic.Pointer[error]
	v := newVerifier(t, func(c *jwt.Config) {
		c.Keys = keyFunc(func(string) (*rsa.PublicKey, error) {
			if err := answer.Load(); err != nil {
				return nil, *err
			}
			return &signingKey().PublicKey, nil
		})
	})
	raw := sign(accessClaims().json())
	down := errors.New("down")
	answer.Store(&down)
	if _, err := v.VerifyAccess(context.Background(), raw); !errors.Is(err, jwt.ErrKeysUnavailable) || !errors.Is(err, down) {
		t.Errorf("keys down: %v", err)
	}
	answer.Store(nil)
	if !sameToken(t, v, raw) {
		t.Error("not remembered")
	}
	answer.Store(&down)
	if _, err := v.VerifyAccess(context.Background(), raw); !errors.Is(err, jwt.ErrKeysUnavailable) {
		t.Errorf("keys down, token remembered: %v", err)
	}
}

// TestCacheKeyReplaced: when the key id means another key, the old key's tokens end.
// A source that makes equal keys anew at each call does not disturb the cache.
func TestCacheKeyReplaced(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[rsa.PublicKey]
	current.Store(&signingKey().PublicKey)
	v := newVerifier(t, func(c *jwt.Config) {
		c.Keys = keyFunc(func(string) (*rsa.PublicKey, error) {
			fresh := *current.Load()
			return &fresh, nil
		})
	})
	raw := sign(accessClaims().json())
	if !sameToken(t, v, raw) {
		t.Error("not remembered")
	}
	current.Store(&otherKey().PublicKey)
	for range 2 {
		if _, err := v.VerifyAccess(context.Background(), raw); !errors.Is(err, jwt.ErrSignature) {
			t.Errorf("under another key: %v", err)
		}
	}
	current.Store(&signingKey().PublicKey)
	if _, err := v.VerifyAccess(context.Background(), raw); err != nil {
		t.Error(err)
	}
}

// TestCacheOverflow: more tokens than slots; each answer must still be the token's own,
// from many goroutines at once.
func TestCacheOverflow(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, func(c *jwt.Config) { c.CacheSize = 8 })
	raws := make([]string, 40)
	for i := range raws {
		raws[i] = sign(accessClaims().with("sub", fmt.Sprint("user-", i)).json())
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for round := range 100 {
				i := (worker*7 + round*3) % len(raws)
				tok, err := v.VerifyAccess(context.Background(), raws[i])
				if err != nil || tok.Subject() != fmt.Sprint("user-", i) || tok.Raw() != raws[i] {
					t.Errorf("token %d: %v, %v", i, tok, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestAllocations holds the promises of the hot paths.
func TestAllocations(t *testing.T) {
	v := newVerifier(t, nil)
	raw := typicalAccess()
	if size := len(raw); size < 1330 || size > 1410 {
		t.Errorf("the token has %d bytes; a typical one has 1370", size)
	}
	tok, err := v.VerifyAccess(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		most float64
		f    func()
	}{
		"verify, remembered": {0, func() { _, _ = v.VerifyAccess(context.Background(), raw) }},
		"decode":             {3, func() { _, _ = jwt.Decode(raw) }},
		"claims":             {0, func() { _, _, _, _ = tok.Subject(), tok.Expiry(), tok.HasScope("openid"), tok.HasGroup("admins") }},
	} {
		if got := testing.AllocsPerRun(100, row.f); got > row.most {
			t.Errorf("%s: %v allocations, want at most %v", name, got, row.most)
		}
	}
}
