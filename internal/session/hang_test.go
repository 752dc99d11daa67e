package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestHangingPool checks a pool that does not answer: it hides neither good tokens nor that
// no user is signed in, and holds a caller no longer than its context or the renewal.
func TestHangingPool(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		user     bool
		deadline time.Duration
		want     Want
		took     time.Duration
		whole    error // of the call
	}{
		"user":                       {true, 3 * time.Second, Want{}, 3 * time.Second, nil},
		"user, no deadline":          {true, 0, Want{}, flightTime, nil},
		"user, tokens alone":         {true, 3 * time.Second, Want{TokensOnly: true}, 0, nil},
		"user, credentials alone":    {true, 3 * time.Second, Want{CredentialsOnly: true}, 3 * time.Second, context.DeadlineExceeded},
		"guest":                      {false, 3 * time.Second, Want{}, 3 * time.Second, nil},
		"guest, no deadline":         {false, 0, Want{}, flightTime, nil},
		"guest, credentials, no end": {false, 0, Want{CredentialsOnly: true}, flightTime, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, identities := &testPool{}, &fakeIdentityPool{}
				identities.before = func(ctx context.Context) error {
					<-ctx.Done()
					return &fault.Fault{Kind: fault.Network, Class: fault.Unreached, Err: context.Cause(ctx), Retryable: true}
				}
				e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
				if test.user {
					establish(t, e, p)
				}
				ctx := t.Context()
				if test.deadline > 0 {
					bounded, cancel := context.WithTimeout(ctx, test.deadline)
					defer cancel()
					ctx = bounded
				}
				began := time.Now()
				v, err := e.Fetch(ctx, test.want)
				if !errors.Is(err, test.whole) || time.Since(began) != test.took {
					t.Fatalf("%v after %v, want %v after %v", err, time.Since(began), test.whole, test.took)
				}
				if v == nil {
					return
				}
				if _, err := v.Tokens(); (err == nil) != test.user || !test.user && !errors.Is(err, fault.SignedOut) {
					t.Errorf("tokens: %v", err)
				}
				if _, err := v.Credentials(); err == nil {
					t.Error("credentials without a pool")
				}
			})
		})
	}
}

// TestHangingServiceHidesNothing checks a service that does not answer: a caller stops
// waiting at its own deadline, the refresh goes on, and its tokens are kept.
func TestHangingServiceHidesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := &testPool{}, newScriptedStore()
		e := signedIn(t, p, kept)
		time.Sleep(2 * time.Hour)
		p.before = func() { time.Sleep(5 * time.Second) }
		bounded, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := e.Fetch(bounded, Want{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		wantTokens(t, e, Want{})
		if p.count() != 1 || time.Since(began) != 5*time.Second || inStore(t, e, kept).Tokens.Refresh.Reveal() != p.refresh {
			t.Errorf("%d refreshes, after %v", p.count(), time.Since(began))
		}
	})
}
