package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// TestViewOfCall checks the name of the call in a View, and that the View of the state does
// not change with it.
func TestViewOfCall(t *testing.T) {
	t.Parallel()
	s := testReader.state(stored(sessionRecord(time.Now(), true)), time.Now(), nil)
	of := s.View().Of("FetchTokens")
	if of.Op() != "FetchTokens" || s.View().Op() != "FetchSession" || of.Username() != "alice" || of.identityID != s.view.identityID {
		t.Errorf("%q and %q", of.Op(), s.View().Op())
	}
	if (*View)(nil).Of("FetchTokens") != nil {
		t.Error("no View became one")
	}
}

// TestViewOfDrift checks that the drift is shown for a session that is over too: a program
// can tell that its clock is wrong.
func TestViewOfDrift(t *testing.T) {
	t.Parallel()
	r := sessionRecord(time.Now(), false)
	r.Drift = time.Hour
	for name, record := range map[string]store.Record{"live": r, "ended": tombstone(r, "TokenRevokedException", ""), "signed out": tombstone(r, SignedOutReason, "")} {
		if got := testReader.state(stored(record), time.Now(), nil).View().ClockDrift(); got != time.Hour {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCredentialsLeft checks how long keys are said to last.
func TestCredentialsLeft(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := testReader.state(stored(sessionRecord(now.Add(-20*time.Minute), true)), now, nil)
	if left := s.CredentialsLeft(now); left > 40*time.Minute || left < 39*time.Minute {
		t.Errorf("%v are left of an hour after 20 minutes", left)
	}
	if left := testReader.state(stored(sessionRecord(now, false)), now, nil).CredentialsLeft(now); left > 0 {
		t.Errorf("%v are left of none", left)
	}
}

// TestDiscardIsBounded checks the revocation of a sign-in that failed: its caller's context
// does not end it, and a service that hangs holds it for five seconds.
func TestDiscardIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &testPool{}
		e := newEngine(t, Config{Store: store.NewMemory(), UserPool: p})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		var seen error
		p.revoke = func(ctx context.Context, _ store.Secret) error {
			seen = ctx.Err()
			<-ctx.Done()
			return fault.OfClass("", fault.Unreached, "")
		}
		began := time.Now()
		e.Discard(ended, store.NewSecret("r"))
		if got := p.revocations(); len(got) != 1 || seen != nil || time.Since(began) != revokeTime {
			t.Errorf("%q revoked under %v, after %v", got, seen, time.Since(began))
		}
	})
}
