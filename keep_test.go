package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"go.uber.org/goleak"
)

// TestKeep: the session is fresh at every moment though nobody asks for it, at
// the price of one refresh for each life of its tokens.
func TestKeep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		life, ahead time.Duration
		rotate      bool
		least, most int // refreshes in a day
	}{
		{life: time.Hour, least: 24, most: 28},
		{life: time.Hour, ahead: 45 * time.Minute, rotate: true, least: 46, most: 60}, // counts as 30 minutes
		{life: 5 * time.Minute, rotate: true, least: 288, most: 340},
		{life: 24 * time.Hour, least: 1, most: 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.life, " ", tt.ahead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.life, p.rotate, p.delay = tt.life, tt.rotate, 200*time.Millisecond
				c := p.newClient(t, func(cfg *Config) { cfg.RefreshAhead = tt.ahead })
				defer keep(t, c)()
				signIn(t, c, "alice")
				for range 24 * 60 {
					time.Sleep(time.Minute)
					if !c.engine.Current().TokensFresh(time.Now()) {
						t.Fatalf("tokens are due at %v", time.Now())
					}
				}
				if got := p.count(opRefresh); got < tt.least || got > tt.most {
					t.Errorf("%d refreshes in a day, want %d to %d", got, tt.least, tt.most)
				}
			})
		})
	}
}

// TestUnused: without a keeper nobody refreshes a session that is not used.
func TestUnused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		c.Subscribe(func(Event) {})
		time.Sleep(30 * 24 * time.Hour)
		if got := p.count(opRefresh); got != 0 {
			t.Errorf("%d refreshes, want none", got)
		}
	})
}

// TestKeepOutage: a keeper asks less and less often while the service is down,
// honors Retry-After, and has the session fresh again soon after.
func TestKeepOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		defer keep(t, c)()
		time.Sleep(50 * time.Minute)
		p.set(failing(opRefresh, func() (*http.Response, error) { return nil, errLost }))
		time.Sleep(8 * time.Hour)
		if got := p.count(opRefresh); got < 100 || got > 1100 {
			t.Errorf("%d calls in eight hours of outage", got)
		}
		p.set(healthy)
		time.Sleep(5 * time.Minute)
		if !c.engine.Current().TokensFresh(time.Now()) {
			t.Error("tokens are not fresh after the outage")
		}
		p.set(failing(opRefresh, func() (*http.Response, error) {
			answer := reply(503, "text/html", "<html>")
			answer.Header.Set("Retry-After", "240")
			return answer, nil
		}))
		time.Sleep(50 * time.Minute)
		before := p.count(opRefresh)
		time.Sleep(time.Hour)
		if got := p.count(opRefresh) - before; got > 16 {
			t.Errorf("%d calls in an hour in which the service asked for patience", got)
		}
	})
}

// TestKeepOldTokens: a service that answers with tokens which are due at once is
// not asked again and again.
func TestKeepOldTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.life = 5 * time.Minute
		c := p.signedIn(t, "alice")
		defer keep(t, c)()
		p.set(func(p *fakePool) {
			p.offset = -9 * time.Minute // what it answers was made long ago
			p.after = func(_ string, answer *http.Response) (*http.Response, error) {
				answer.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
				return answer, nil
			}
		})
		time.Sleep(2 * time.Hour)
		if got := p.count(opRefresh); got < 100 || got > 2*60*4 { // one in 15 s at most
			t.Errorf("%d refreshes in two hours", got)
		}
	})
}

// TestKeepTogether: keepers that share a store refresh once for all.
func TestKeepTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate, p.delay = true, 100*time.Millisecond
		p.signedIn(t, "alice", withStore(kept))
		for range 10 {
			defer keep(t, p.newClient(t, withStore(kept)))()
		}
		time.Sleep(24 * time.Hour)
		if got := p.count(opRefresh); got < 24 || got > 40 {
			t.Errorf("%d refreshes in a day", got)
		}
	})
}

// TestKeepWaits: a keeper finds who signs in elsewhere, and rests while nobody is
// signed in.
func TestKeepWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept))
		defer keep(t, c)()
		time.Sleep(time.Hour)
		other := p.signedIn(t, "alice", withStore(kept))
		time.Sleep(3 * time.Hour)
		if got := p.count(opRefresh); got < 3 || got > 4 {
			t.Errorf("%d refreshes in three hours", got)
		}
		if _, err := other.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := p.count(opRefresh)
		time.Sleep(24 * time.Hour)
		if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) || p.count(opRefresh) != before {
			t.Errorf("Tokens: %v after %d refreshes", err, p.count(opRefresh)-before)
		}
	})
}

// TestKeepStops: by stop, by its context and by Close, and nothing is left.
func TestKeepStops(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for name, end := range map[string]func(c *Client, stop, cancel func()){
		"stop":    func(_ *Client, stop, _ func()) { stop(); stop() },
		"context": func(_ *Client, stop, cancel func()) { cancel(); stop() },
		"close":   func(c *Client, _, _ func()) { _ = c.Close() },
		"after close": func(c *Client, stop, _ func()) {
			_ = c.Close()
			if _, err := c.KeepFresh(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("KeepFresh after Close: %v", err)
			}
			stop()
		},
	} {
		c := newFakePool().signedIn(t, "alice")
		ctx, cancel := context.WithCancel(t.Context())
		stop, err := c.KeepFresh(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		end(c, stop, cancel)
		cancel()
	}
}
