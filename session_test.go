package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
)

// facets is a session as a row of the design's table.
type facets struct {
	SignedIn                           bool
	Sub, Identity, Credentials, Tokens string // "value" or the kind of the error
}

func facetsOf(s *Session) facets {
	f := facets{SignedIn: s.SignedIn(), Sub: "value", Identity: "value", Credentials: "value", Tokens: "value"}
	_, subErr := s.UserSub()
	_, identityErr := s.IdentityID()
	_, credentialsErr := s.Credentials()
	_, tokensErr := s.Tokens()
	for into, err := range map[*string]error{&f.Sub: subErr, &f.Identity: identityErr, &f.Credentials: credentialsErr, &f.Tokens: tokensErr} {
		if err != nil {
			*into = kindName(err)
		}
	}
	return f
}

func kindName(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind.Error()
	}
	return err.Error()
}

// TestSessionTable is the design's table of facets by state.
func TestSessionTable(t *testing.T) {
	t.Parallel()
	offline := func(p *fakePool) {
		p.script = func(string, *http.Request) (*http.Response, error) { return nil, errLost }
	}
	const (
		noPool, out, expired = "no identity pool is configured", "signed out", "session expired"
		guestsOff, network   = "guest access is disabled", "network failure"
		provider             = "no user pool session"
	)
	identityPool := withIdentityPool
	warm := func(prepare func(*fakePool)) func(*testing.T, *Client, *fakePool) {
		return func(t *testing.T, c *Client, p *fakePool) {
			wantCredentials(t, p, fetch(t, c))
			p.set(prepare)
		}
	}
	// down is an identity pool that fails.
	down := func(p *fakePool) {
		p.script = func(op string, _ *http.Request) (*http.Response, error) {
			if op == opIdentity || op == opCredentials {
				return reply(http.StatusServiceUnavailable, "text/html", "<html>"), nil
			}
			return nil, nil
		}
	}
	signOut := func(t *testing.T, c *Client) {
		if _, err := c.SignOut(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		never   bool // nobody signed in
		config  func(*Config)
		prepare func(*testing.T, *Client, *fakePool)
		age     time.Duration
		want    facets
		calls   int // of the refresh
	}{
		{name: "all fresh", want: facets{true, "value", noPool, noPool, "value"}},
		{name: "all fresh, identity pool", config: identityPool(true), want: facets{true, "value", "value", "value", "value"}},
		{name: "expired, refresh works, identity pool", config: identityPool(true), age: 2 * time.Hour, prepare: warm(func(*fakePool) {}),
			want: facets{true, "value", "value", "value", "value"}, calls: 1},
		{name: "identity pool fails", config: identityPool(true), prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.set(down) },
			want: facets{true, "value", "service failure", "service failure", "value"}},
		{name: "identity pool fails, credentials good", config: identityPool(true), age: 57 * time.Minute, prepare: warm(down),
			want: facets{true, "value", "value", "value", "value"}, calls: 1},
		{name: "identity pool fails, credentials expired", config: identityPool(true), age: 2 * time.Hour, prepare: warm(down),
			want: facets{true, "value", "value", "service failure", "value"}, calls: 1},
		{name: "offline, tokens expired, credentials good", config: identityPool(true), age: 80 * time.Minute,
			prepare: func(t *testing.T, c *Client, p *fakePool) { p.identity.life = 2 * time.Hour; warm(offline)(t, c, p) },
			want:    facets{true, "value", "value", "value", network}, calls: 2},
		{name: "offline, all expired", config: identityPool(true), age: 2 * time.Hour, prepare: warm(offline),
			want: facets{true, "value", "value", network, network}, calls: 2},
		{name: "offline, cold", config: identityPool(true), age: 2 * time.Hour, prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.set(offline) },
			want: facets{true, "value", network, network, network}, calls: 2},
		{name: "expired, refresh works", age: 2 * time.Hour, want: facets{true, "value", noPool, noPool, "value"}, calls: 1},
		{name: "offline, expired", age: 2 * time.Hour, want: facets{true, "value", noPool, noPool, network}, calls: 2,
			prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.set(offline) }},
		{name: "offline, still good", age: 58 * time.Minute, want: facets{true, "value", noPool, noPool, "value"}, calls: 2,
			prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.set(offline) }},
		{name: "refresh refused", age: 2 * time.Hour, config: identityPool(true), want: facets{false, expired, expired, expired, expired}, calls: 1,
			prepare: func(_ *testing.T, _ *Client, p *fakePool) {
				p.set(func(p *fakePool) { p.users["alice"].exception = "UserNotFoundException" })
			}},
		{name: "signed out", prepare: func(t *testing.T, c *Client, _ *fakePool) { signOut(t, c) }, want: facets{false, out, noPool, noPool, out}},
		{name: "signed out, guests on", config: identityPool(true), prepare: func(t *testing.T, c *Client, _ *fakePool) { signOut(t, c) },
			want: facets{false, out, "value", "value", out}},
		{name: "never signed in, guests on", never: true, config: identityPool(true), want: facets{false, out, "value", "value", out}},
		{name: "guests on, identity pool fails", never: true, config: identityPool(true),
			prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.set(down) },
			want:    facets{false, out, "service failure", "service failure", out}},
		{name: "guests on, identity pool has none", never: true, config: identityPool(true),
			prepare: func(_ *testing.T, _ *Client, p *fakePool) { p.identity.noGuests = true },
			want:    facets{false, out, guestsOff, guestsOff, out}},
		{name: "federated", never: true, config: identityPool(false), age: 2 * time.Hour,
			prepare: func(t *testing.T, c *Client, _ *fakePool) { federate(t, c, "accounts.example.com", "carol") },
			want:    facets{false, provider, "value", "value", provider}},
		{name: "signed out, guests off, identity pool", config: identityPool(false), prepare: func(t *testing.T, c *Client, _ *fakePool) { signOut(t, c) },
			want: facets{false, out, guestsOff, guestsOff, out}},
		{name: "no user pool, guests on", never: true, want: facets{false, out, "value", "value", out},
			config: func(c *Config) {
				c.UserPoolID, c.ClientID, c.IdentityPoolID, c.AllowGuests = "", "", testIdentityPool, true
			}},
		{name: "never signed in, guests off", never: true, config: identityPool(false), want: facets{false, out, guestsOff, guestsOff, out}},
		{name: "never signed in, no identity pool", never: true, want: facets{false, out, noPool, noPool, out}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				config := tt.config
				if config == nil {
					config = func(*Config) {}
				}
				c := p.newClient(t, config)
				if !tt.never {
					signIn(t, c, "alice")
				}
				if tt.prepare != nil {
					tt.prepare(t, c, p)
				}
				time.Sleep(tt.age)
				session := fetch(t, c)
				if diff := cmp.Diff(tt.want, facetsOf(session)); diff != "" {
					t.Errorf("facets (-want +got):\n%s", diff)
				}
				synctest.Wait()
				time.Sleep(time.Second) // lets a refresh behind try again
				if got := p.count(opRefresh); got < min(tt.calls, 1) || got > tt.calls {
					t.Errorf("%d refreshes, want %d", got, tt.calls)
				}
			})
		})
	}
}

// TestExpiredSessionStays: the end of a session is told again and again, with no
// call, also by a client that is made later.
func TestExpiredSessionStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept))
		p.set(func(p *fakePool) { p.users["alice"].exception = "UserNotFoundException" })
		fetch(t, c, ForceRefresh())
		for _, client := range []*Client{c, p.newClient(t, withStore(kept))} {
			for range 3 {
				time.Sleep(5 * time.Second)
				_, err := fetch(t, client, ForceRefresh()).Tokens()
				if !errors.Is(err, ErrSessionExpired) || !errors.Is(err, ErrUserNotFound) || errors.Is(err, ErrNotAuthorized) {
					t.Fatalf("Tokens: %v", err)
				}
				if _, err := client.CurrentUser(t.Context()); !errors.Is(err, ErrSessionExpired) {
					t.Fatalf("CurrentUser: %v", err)
				}
			}
		}
		if got := p.count(opRefresh); got != 1 {
			t.Errorf("%d refreshes, want 1", got)
		}
		p.set(func(p *fakePool) { p.users["alice"].exception = "" })
		signIn(t, c, "alice")
		wantTokens(t, fetch(t, c), "alice")
	})
}

// TestFresh checks when tokens are refreshed, to the second.
func TestFresh(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		life   time.Duration
		ahead  time.Duration
		age    time.Duration
		option FetchOption
		calls  int
	}{
		{name: "early", life: time.Hour, age: 54 * time.Minute},
		{name: "five minutes before the end", life: time.Hour, age: 55*time.Minute + 31*time.Second, calls: 1},
		{name: "a tenth of a short life", life: 5 * time.Minute, age: 4 * time.Minute},
		{name: "past a tenth of a short life", life: 5 * time.Minute, age: 4*time.Minute + 34*time.Second, calls: 1},
		{name: "configured", life: time.Hour, ahead: 20 * time.Minute, age: 39 * time.Minute},
		{name: "configured, due", life: time.Hour, ahead: 20 * time.Minute, age: 42*time.Minute + time.Second, calls: 1},
		{name: "more than half a life ahead is half", life: time.Hour, ahead: 3 * time.Hour, age: 29 * time.Minute},
		{name: "enough for the caller", life: time.Hour, age: 20 * time.Minute, option: MinValidity(39 * time.Minute)},
		{name: "not enough for the caller", life: time.Hour, age: 20 * time.Minute, option: MinValidity(41 * time.Minute), calls: 1},
		{name: "more than there is", life: time.Hour, age: 3 * time.Minute, option: MinValidity(3 * time.Hour)},
		{name: "forced", life: time.Hour, age: time.Second, option: ForceRefresh(), calls: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.life = tt.life
				c := p.signedIn(t, "alice", func(cfg *Config) { cfg.RefreshAhead = tt.ahead })
				time.Sleep(tt.age)
				wantTokens(t, fetch(t, c, tt.option), "alice")
				synctest.Wait()
				for range 5 {
					wantTokens(t, fetch(t, c), "alice") // and no more than that
					synctest.Wait()
				}
				if got := p.count(opRefresh); got != tt.calls {
					t.Errorf("%d refreshes, want %d", got, tt.calls)
				}
			})
		})
	}
}

// TestDueIsServed: a caller with a token that has not expired does not wait for
// the refresh behind it, however slow.
func TestDueIsServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		before := wantTokens(t, fetch(t, c), "alice")
		time.Sleep(57 * time.Minute)
		p.set(func(p *fakePool) { p.delay = 3 * time.Second })
		start := time.Now()
		during := wantTokens(t, fetch(t, c), "alice")
		if waited := time.Since(start); waited != 0 || during.Access != before.Access {
			t.Errorf("waited %v for tokens %v", waited, during.Access)
		}
		time.Sleep(4 * time.Second)
		if after := wantTokens(t, fetch(t, c), "alice"); after.Access == before.Access {
			t.Error("the refresh behind left no new tokens")
		}
		if got := p.count(opRefresh); got != 1 {
			t.Errorf("%d refreshes, want 1", got)
		}
	})
}

// TestClocks: a clock that is wrong costs one refresh at most and nobody's session.
func TestClocks(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{
		time.Hour, -time.Hour, 25 * time.Hour, -25 * time.Hour, 100 * 365 * 24 * time.Hour, -30 * 365 * 24 * time.Hour,
	} {
		t.Run(fmt.Sprint("service ", offset), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				p.offset = offset
				c := p.signedIn(t, "alice", withStore(kept))
				for range 50 { // of five minutes: four hours
					wantTokens(t, fetch(t, c), "alice")
					wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
					synctest.Wait()
					time.Sleep(5 * time.Minute)
				}
				if got := p.count(opRefresh); got > 6 {
					t.Errorf("%d refreshes in four hours", got)
				}
			})
		})
	}
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, 80 * 365 * 24 * time.Hour, -50 * 365 * 24 * time.Hour} {
		t.Run(fmt.Sprint("our clock jumps ", jump), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				time.Sleep(100 * 365 * 24 * time.Hour) // room for a service in the past
				c := p.signedIn(t, "alice", withStore(kept))
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				// A clock that was set by jump finds a record that is off by -jump.
				shift(t, kept, -jump)
				p.offset = -jump
				for range 10 {
					wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
					synctest.Wait()
				}
				if got := p.count(opRefresh); got > 1 {
					t.Errorf("%d refreshes, want one at most", got)
				}
			})
		})
	}
}

// shift moves a stored record's times, as if it had been written by another clock.
func shift(t *testing.T, s *store.Memory, by time.Duration) {
	t.Helper()
	account := aliceAccount()
	r, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	r.Tokens.ReceivedAt = r.Tokens.ReceivedAt.Add(by)
	p := newFakePool()
	p.offset = by
	r.Tokens.Access = NewSecret(p.token(p.users["alice"], "origin-1", "access"))
	r.Tokens.ID = NewSecret(p.token(p.users["alice"], "origin-1", "id"))
	r.Generation++
	if err := s.Save(t.Context(), r, r.Generation-1); err != nil {
		t.Fatal(err)
	}
}

func TestSessionPrinting(t *testing.T) {
	t.Parallel()
	c := newFakePool().signedIn(t, "alice")
	session := fetch(t, c)
	tokens := wantTokens(t, session, "alice")
	for _, text := range []string{fmt.Sprint(session), fmt.Sprintf("%+v", session), fmt.Sprintf("%#v", *session), session.LogValue().String()} {
		if strings.Contains(text, tokens.Access.Raw()) || strings.Contains(text, "refresh-alice") {
			t.Errorf("a token is printed: %s", text)
		}
	}
	if !strings.HasPrefix(session.String(), "alice until ") {
		t.Errorf("String() = %q", session)
	}
	var none *Session
	if none.String() != "no session" {
		t.Errorf("nil prints as %q", none)
	}
}

func TestHotPathAllocates(t *testing.T) {
	c := newFakePool().signedIn(t, "alice")
	ctx := context.Background()
	for name, call := range map[string]func(){
		"plain":       func() { _, _ = c.FetchSession(ctx) },
		"tokens only": func() { _, _ = c.FetchTokens(ctx) },
		"facets":      func() { s, _ := c.FetchSession(ctx); _, _ = s.Tokens(); _, _ = s.UserSub() },
	} {
		if got := testing.AllocsPerRun(100, call); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

var sink any

func BenchmarkFetchSession(b *testing.B) {
	c := newFakePool().signedIn(b, "alice")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.FetchSession(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetchSessionParallel(b *testing.B) {
	c := newFakePool().signedIn(b, "alice")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.FetchSession(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkClock is what BenchmarkFetchSession is measured against.
func BenchmarkClock(b *testing.B) {
	var now time.Time
	for b.Loop() {
		now = time.Now()
	}
	sink = now
}
