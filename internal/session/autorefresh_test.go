package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/store"
)

// TestKeepFreshNeverShowsDueTokens checks a day with an automatic refresh, at every minute:
// tokens and keys are fresh, and each is renewed about once an hour.
func TestKeepFreshNeverShowsDueTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, identities := &testPool{}, &fakeIdentityPool{}
		e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
		establish(t, e, p)
		if _, err := keys(t, e, Want{}); err != nil {
			t.Fatal(err)
		}
		identities.taken()
		stop, err := e.KeepFresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		for minute := range 24 * 60 {
			time.Sleep(time.Minute)
			if now := time.Now(); !e.Current().Fresh(now) {
				t.Fatalf("minute %d: tokens fresh %t, keys fresh %t", minute, e.Current().TokensFresh(now), e.Current().CredentialsFresh(now))
			}
		}
		if tokens, issued := p.count(), len(identities.taken()); tokens < 24 || tokens > 27 || issued < 24 || issued > 27 {
			t.Errorf("%d refreshes of tokens and %d of keys in a day", tokens, issued)
		}
	})
}

// TestKeepFreshFollowsSignIns checks that an automatic refresh begins with a sign-in, ends
// with stop, and that keys are not asked for before a caller has.
func TestKeepFreshFollowsSignIns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, identities := &testPool{}, &fakeIdentityPool{}
		e := newEngine(t, withIdentities(store.NewMemory(), p, identities))
		stop, err := e.KeepFresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		establish(t, e, p)
		time.Sleep(time.Hour)
		if p.count() != 1 {
			t.Errorf("%d refreshes in the hour after the sign-in", p.count())
		}
		wantSteps(t, identities)
		stop()
		stop()
		before := p.count()
		time.Sleep(3 * time.Hour)
		if p.count() != before {
			t.Error("it goes on after stop")
		}
	})
}

// TestKeepFreshRests checks a service that fails, and one whose tokens are due as soon as
// they come: neither is asked without pauses.
func TestKeepFreshRests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refuse      func(store.Record) (cognito.Grant, error)
		answer      func(cognito.Grant) (cognito.Grant, error)
		least, most int
	}{
		"down": {refuse: func(store.Record) (cognito.Grant, error) { return cognito.Grant{}, errDown }, least: 40, most: 62},
		"old tokens": {answer: func(g cognito.Grant) (cognito.Grant, error) {
			g.When.Service = g.Pair.Issued
			g.Pair.Issued, g.Pair.Life = g.Pair.Issued.Add(-9*time.Minute-50*time.Second), 10*time.Minute
			return g, nil // the tokens of an answer that is repeated
		}, least: 100, most: 3 * 3600 / 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &testPool{}
				e := signedIn(t, p, store.NewMemory())
				stop, err := e.KeepFresh(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
				time.Sleep(59 * time.Minute)
				p.mu.Lock()
				p.calls, p.refuse, p.answer = 0, test.refuse, test.answer
				p.mu.Unlock()
				time.Sleep(3 * time.Hour)
				if got := p.count(); got > test.most || got < test.least {
					t.Errorf("%d calls in three hours, want %d to %d", got, test.least, test.most)
				}
				p.mu.Lock()
				p.refuse, p.answer = nil, nil
				p.mu.Unlock()
				time.Sleep(10 * time.Minute)
				if !e.Current().TokensFresh(time.Now()) {
					t.Error("not fresh when the service works again")
				}
			})
		})
	}
}

// TestScheduleIsAhead draws lives and moments: what is fresh for longer than the lead is
// not renewed, what is due is, no two tries are closer than the rest, and another sign-in
// does not wait for the rest of the one before.
func TestScheduleIsAhead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.IntRange(5, 24*60).Draw(t, "life")) * time.Minute
		left := time.Duration(rapid.Int64Range(-int64(life), int64(life)).Draw(t, "left"))
		now := time.Now()
		w := expiry.New(now, life, left, 0)
		var c schedule
		tries := 0
		renew := func(least time.Duration) {
			if tries++; least <= w.Left(now)-time.Second {
				t.Fatalf("tokens that last %v will do, though %v are left", least, w.Left(now))
			}
		}
		pause := c.refreshIfDue(1, now, &w, 0, renew)
		if pause <= 0 {
			t.Fatalf("it looks again after %v", pause)
		}
		due := w.UntilDue(now)
		switch ahead := (w.Expiry - w.Due) / leadShare; {
		case due <= -time.Second && tries != 1:
			t.Fatalf("due for %v and not renewed", -due)
		case due > ahead+time.Second && tries != 0:
			t.Fatalf("fresh for %v and renewed", due)
		case due > ahead+time.Second && (pause > due || pause < due-ahead-time.Second):
			t.Fatalf("it looks again after %v, due in %v", pause, due)
		}
		if tries == 0 {
			return
		}
		if again := c.refreshIfDue(1, now, &w, 0, renew); tries != 1 || again > max(life/restShare, firstBackoff) {
			t.Fatalf("%d tries; the next after %v", tries, again)
		}
		if c.refreshIfDue(2, now, &w, 0, renew); tries != 2 && w.UntilDue(now) <= -time.Second {
			t.Fatal("another sign-in rests")
		}
		if wait := c.refreshIfDue(3, now, &w, time.Minute, renew); wait < time.Minute {
			t.Fatalf("it looks again after %v, before the backoff ends", wait)
		}
	})
}

// TestScheduleDrawsItsLead checks that clients which started together do not come back
// together: each draws how far it is ahead, once for the same tokens.
func TestScheduleDrawsItsLead(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := expiry.New(now, time.Hour, time.Hour, 0)
	none := func(time.Duration) { t.Error("fresh tokens are renewed") }
	pauses := map[time.Duration]bool{}
	for range 20 {
		var c schedule
		c.refreshIfDue(1, now, &w, 0, none)
		lead := c.lead
		if c.refreshIfDue(1, now, &w, 0, none); c.lead != lead || lead >= (w.Expiry-w.Due)/leadShare {
			t.Errorf("the lead is %v and then %v", lead, c.lead)
		}
		pauses[lead] = true
		changed := false
		for i := range 20 {
			c.refreshIfDue(1, now.Add(time.Duration(i+1)*time.Nanosecond), &w, 0, none)
			changed = changed || c.lead != lead
		}
		if !changed {
			t.Error("other tokens have the same lead")
		}
	}
	if len(pauses) < 2 {
		t.Errorf("twenty schedules have one lead")
	}
}

// TestStopWaits checks that no refresh is begun after stop has returned, and that it does
// not wait for one in progress longer than its context.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &testPool{}
		e := signedIn(t, p, store.NewMemory())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stop, err := e.KeepFresh(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.before = func() { time.Sleep(5 * time.Second) }
		for e.flights.inProgress(flightKey{tokensFlight, alice, e.owner.present()}) == nil {
			time.Sleep(time.Second)
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("stop took %v", took)
		}
		time.Sleep(time.Minute)
		if p.count() != 1 || !e.Current().TokensFresh(time.Now()) {
			t.Errorf("%d refreshes; the one in progress must be kept", p.count())
		}
	})
}
