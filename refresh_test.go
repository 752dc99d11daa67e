package latchkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestSingleFlight: a hundred callers with an expired token make one call and
// all get the same tokens.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		t.Run(fmt.Sprint("rotate=", rotate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				p.rotate, p.delay = rotate, 500*time.Millisecond
				c := p.signedIn(t, "alice")
				time.Sleep(2 * time.Hour)
				var group sync.WaitGroup
				seen := make([]Tokens, 100)
				for i := range seen {
					group.Go(func() {
						if i%4 == 3 {
							seen[i], _ = c.FetchTokens(t.Context())
							return
						}
						option := []FetchOption{{}, ForceRefresh(), MinValidity(time.Minute)}[i%4]
						seen[i], _ = fetch(t, c, option).Tokens()
					})
				}
				group.Wait()
				for i := range seen {
					if seen[i].Access == nil || seen[i].Access != seen[0].Access {
						t.Fatalf("caller %d got %v, the first %v", i, seen[i].Access, seen[0].Access)
					}
				}
				if got := p.count(opRefresh); got != 1 {
					t.Errorf("%d refreshes, want 1", got)
				}
			})
		})
	}
}

// TestSharedStore: clients that share a store with locks spend a token once,
// though each sees it expire on its own.
func TestSharedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate, p.delay = true, 500*time.Millisecond
		clients := []*Client{p.signedIn(t, "alice", withStore(kept))}
		for range 9 {
			clients = append(clients, p.newClient(t, withStore(kept)))
		}
		for round := range 20 {
			var group sync.WaitGroup
			for _, c := range clients {
				group.Go(func() { wantTokens(t, fetch(t, c), "alice") })
			}
			group.Wait()
			synctest.Wait()
			time.Sleep(2 * time.Hour)
			if got := p.count(opRefresh); got != round {
				t.Fatalf("%d refreshes after %d rounds", got, round)
			}
		}
		var group sync.WaitGroup
		for _, c := range clients {
			group.Go(func() { wantTokens(t, fetch(t, c, ForceRefresh()), "alice") })
		}
		group.Wait()
		if got := p.count(opRefresh); got != 20 {
			t.Errorf("%d refreshes for the forced round, want 1", got-19)
		}
	})
}

// TestCancel: a caller that gives up is back at once, the refresh goes on, and
// its tokens are kept.
func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.rotate, p.delay = true, 0
		c := p.signedIn(t, "alice")
		time.Sleep(2 * time.Hour)
		p.set(func(p *fakePool) { p.delay = 5 * time.Second })
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			start := time.Now()
			_, err := c.FetchSession(ctx)
			if late := time.Since(start) - 20*time.Millisecond; !errors.Is(err, context.DeadlineExceeded) || late > 10*time.Millisecond {
				t.Fatalf("FetchSession after %v: %v", late, err)
			}
			cancel()
		}
		time.Sleep(5 * time.Second)
		wantTokens(t, fetch(t, c), "alice")
		if got := p.count(opRefresh); got != 1 {
			t.Errorf("%d refreshes, want 1", got)
		}
	})
}

// TestCancelLeavesNothing: callers that cancel leave no goroutine behind.
func TestCancelLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) { // no answer comes before every caller has gone
		p := newFakePool()
		c := p.signedIn(t, "alice")
		p.set(func(p *fakePool) { p.delay = 50 * time.Millisecond })
		stop, _ := c.Subscribe(func(Event) {})
		defer stop()
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				if _, err := c.FetchSession(ctx, ForceRefresh()); !errors.Is(err, context.Canceled) {
					t.Errorf("FetchSession: %v", err)
				}
			})
		}
		group.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.FetchSession(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("FetchSession after Close: %v", err)
		}
	})
}

// TestBlackHole: a service that never answers holds callers for the flight's ten
// seconds at most, and is a network failure.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		p.set(func(p *fakePool) { p.delay = time.Hour })
		start := time.Now()
		_, err := fetch(t, c, ForceRefresh()).Tokens()
		if waited := time.Since(start); !errors.Is(err, ErrNetwork) || waited > 11*time.Second {
			t.Errorf("after %v: %v", waited, err)
		}
		wantTokens(t, fetch(t, c), "alice")
	})
}

// TestLostAnswer: the service rotated the token and the answer was lost. It is
// asked once more, after the store was read again, and no more than that.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		lost := 0
		p.set(func(p *fakePool) {
			p.after = func(op string, answer *http.Response) (*http.Response, error) {
				if op == opRefresh && lost == 0 {
					lost++
					return nil, errLost
				}
				return answer, nil
			}
		})
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		if got := p.count(opRefresh); got != 2 {
			t.Errorf("%d refreshes, want 2", got)
		}
	})
}

// TestBackoff: an outage is asked about less and less often, Retry-After is
// honored, and nobody whose token is still good waits.
func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		c := p.signedIn(t, "alice")
		fail := func(retryAfter string) func(*fakePool) {
			return func(p *fakePool) {
				p.script = func(string, *http.Request) (*http.Response, error) {
					answer := reply(503, "text/html", "<html>")
					answer.Header.Set("Retry-After", retryAfter)
					return answer, nil
				}
			}
		}
		p.set(fail(""))
		time.Sleep(55*time.Minute + 31*time.Second)
		for range 240 { // four minutes
			start := time.Now()
			wantTokens(t, fetch(t, c), "alice")
			if waited := time.Since(start); waited != 0 {
				t.Fatalf("waited %v with a good token", waited)
			}
			time.Sleep(time.Second)
		}
		// 3 tries each, after about 1, 2, 4, 8, 16, 32, 60, 60 seconds.
		if got := p.count(opRefresh); got < 15 || got > 30 {
			t.Errorf("%d calls in four minutes of outage", got)
		}
		p.set(fail("120"))
		time.Sleep(2 * time.Minute)
		_, err := fetch(t, c).Tokens()
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != ErrService || e.RetryAfter != 2*time.Minute {
			t.Fatalf("Tokens: %v", err)
		}
		before := p.count(opRefresh)
		for range 119 {
			time.Sleep(time.Second)
			if _, err := fetch(t, c, ForceRefresh()).Tokens(); !errors.Is(err, ErrService) {
				t.Fatalf("Tokens: %v", err)
			}
		}
		if got := p.count(opRefresh); got != before {
			t.Errorf("%d calls although the service asked for patience", got-before)
		}
		p.set(func(p *fakePool) { p.script = nil })
		time.Sleep(2 * time.Second)
		wantTokens(t, fetch(t, c), "alice")
	})
}

// TestRefreshRequest: what a refresh sends.
func TestRefreshRequest(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	kept := store.NewMemory()
	c := p.signedIn(t, "alice", withStore(kept), func(cfg *Config) { cfg.ClientSecret = NewSecret("the-client-secret") })
	change(t, kept, func(r *store.Record) { r.Device = &store.Device{Key: "us-east-1_device"} })
	wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
	want := map[string]string{
		"ClientId": testClient, "RefreshToken": "refresh-alice-2", "ClientSecret": "the-client-secret", "DeviceKey": "us-east-1_device",
	}
	if diff := cmp.Diff(want, map[string]string(p.sent(opRefresh))); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func aliceAccount() store.Account {
	return store.Account{Scope: Config{UserPoolID: testPool, ClientID: testClient}.scope(), Username: "alice"}
}

// change edits alice's record behind the clients' backs, as another process would.
func change(t testing.TB, s store.Store, edit func(*store.Record)) {
	t.Helper()
	r, err := s.Load(context.Background(), aliceAccount())
	if err != nil {
		t.Fatal(err)
	}
	edit(&r)
	r.Generation++
	if err := s.Save(context.Background(), r, r.Generation-1); err != nil {
		t.Fatal(err)
	}
}

// TestRefusalAndStore: a refusal is believed only if the store holds nothing newer.
func TestRefusalAndStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		a := p.signedIn(t, "alice", withStore(kept))
		b := p.newClient(t, withStore(kept))
		fetch(t, b)
		// a's call is held while b, whose store has no locks for this test,
		// spends the token.
		unlocked := p.newClient(t, withStore(struct{ store.Store }{kept}))
		fetch(t, unlocked)
		p.set(func(p *fakePool) {
			held := false
			p.script = func(op string, _ *http.Request) (*http.Response, error) {
				p.mu.Lock()
				first := op == opRefresh && !held
				held = held || first
				p.mu.Unlock()
				if first {
					time.Sleep(time.Second)
				}
				return nil, nil
			}
		})
		var group sync.WaitGroup
		group.Go(func() { wantTokens(t, fetch(t, a, ForceRefresh()), "alice") })
		time.Sleep(100 * time.Millisecond)
		wantTokens(t, fetch(t, unlocked, ForceRefresh()), "alice")
		group.Wait()
		for _, c := range []*Client{a, b, unlocked} {
			wantTokens(t, fetch(t, c), "alice")
		}
		// With nothing newer in the store, the same refusal is the end.
		change(t, kept, func(r *store.Record) { r.Tokens.Refresh = NewSecret("refresh-alice-2") })
		if _, err := fetch(t, a, ForceRefresh()).Tokens(); !errors.Is(err, ErrSessionExpired) {
			t.Errorf("Tokens: %v", err)
		}
	})
}

// TestRefreshOfAccountNamedBySub: Amplify JS files a session under USERNAME of the
// challenge, which may be the sub. It refreshes as well, and takes no other user's
// tokens.
func TestRefreshOfAccountNamedBySub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.signedIn(t, "alice", withStore(kept))
		record, err := kept.Load(t.Context(), aliceAccount())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sub-of-alice", "sub-of-bob"} {
			record.Account.Username = name
			if err := errors.Join(kept.Save(t.Context(), record, 0), kept.SetActive(t.Context(), record.Account)); err != nil {
				t.Fatal(err)
			}
			session := fetch(t, p.newClient(t, withStore(kept)), ForceRefresh())
			if name == record.Sub {
				wantTokens(t, session, "alice")
			} else if _, err := session.Tokens(); !errors.Is(err, ErrWrongAccount) {
				t.Errorf("Tokens of %s: %v", name, err)
			}
		}
	})
}

// TestWrongTokens: an answer with somebody else's tokens is thrown away.
func TestWrongTokens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(p *fakePool, claims map[string]any)
		kind   error
	}{
		{"another user", func(_ *fakePool, c map[string]any) { c["sub"], c["username"] = "sub-of-bob", "bob" }, ErrWrongAccount},
		{"another user of that name", func(_ *fakePool, c map[string]any) { c["sub"] = "sub-of-another-alice" }, ErrWrongAccount},
		{"another client", func(_ *fakePool, c map[string]any) { c["client_id"] = "another" }, ErrWrongAccount},
		{"another pool", func(_ *fakePool, c map[string]any) { c["iss"] = "https://example.com/us-east-1_Other0001" }, ErrWrongAccount},
		{"an ID token for an access token", func(_ *fakePool, c map[string]any) { c["token_use"] = "id" }, ErrService},
		{"no expiry", func(_ *fakePool, c map[string]any) { delete(c, "exp") }, ErrService},
		{"no user", func(_ *fakePool, c map[string]any) { delete(c, "username") }, ErrService},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				c := p.signedIn(t, "alice")
				before := wantTokens(t, fetch(t, c), "alice")
				seen := &recorder{}
				c.Subscribe(seen.add)
				p.set(func(p *fakePool) {
					p.script = func(string, *http.Request) (*http.Response, error) {
						now := time.Now()
						claims := map[string]any{
							"sub": "sub-of-alice", "username": "alice", "iss": p.issuer, "client_id": testClient, "token_use": "access",
							"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
						}
						tt.change(p, claims)
						return reply(200, "application/json", `{"AuthenticationResult":{"AccessToken":"`+signless(claims)+`","RefreshToken":"stolen"}}`), nil
					}
				})
				if _, err := fetch(t, c, ForceRefresh()).Tokens(); !errors.Is(err, tt.kind) {
					t.Errorf("Tokens: %v, want %v", err, tt.kind)
				}
				synctest.Wait()
				if after := wantTokens(t, fetch(t, c), "alice"); after.Access != before.Access {
					t.Error("the tokens were replaced")
				}
				if diff := cmp.Diff([]string{"RefreshFailed"}, seen.names()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// brokenStore fails on command.
type brokenStore struct {
	*store.Memory
	save, load, active atomic.Bool
	damaged            atomic.Bool // the next Load sets the record aside
}

var errDisk = errors.New("no space left on device")

func (s *brokenStore) Save(ctx context.Context, r store.Record, previous uint64) error {
	if s.save.Load() {
		return errDisk
	}
	return s.Memory.Save(ctx, r, previous)
}

func (s *brokenStore) Load(ctx context.Context, a store.Account) (store.Record, error) {
	if s.load.Load() {
		return store.Record{}, errDisk
	}
	if s.damaged.Swap(false) {
		return store.Record{}, errors.Join(&store.DamagedError{Account: a, Path: "session.json", Err: errDisk}, s.Delete(ctx, a))
	}
	return s.Memory.Load(ctx, a)
}

func (s *brokenStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if s.active.Load() {
		return store.Account{}, errDisk
	}
	return s.Memory.Active(ctx, scope)
}

// TestStoreFails: a caller gets its tokens although the store is broken, and what
// could not be stored is stored later.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.rotate = true
		kept := &brokenStore{Memory: store.NewMemory()}
		c := p.signedIn(t, "alice", withStore(kept))
		var failures []error
		c.Subscribe(func(e Event) { failures = append(failures, e.Err) })
		kept.save.Store(true)
		for range 3 {
			time.Sleep(2 * time.Hour)
			wantTokens(t, fetch(t, c), "alice")
		}
		kept.load.Store(true)
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		if got := p.count(opRefresh); got != 4 {
			t.Errorf("%d refreshes, want 4", got)
		}
		synctest.Wait()
		if len(failures) != 4 || !errors.Is(failures[0], ErrStore) || !errors.Is(failures[0], errDisk) {
			t.Errorf("events carry %v", failures)
		}
		kept.save.Store(false)
		kept.load.Store(false)
		time.Sleep(2 * time.Minute) // the backoff of the store
		later := p.newClient(t, withStore(kept))
		if got, want := wantTokens(t, fetch(t, later), "alice"), wantTokens(t, fetch(t, c), "alice"); got.Access.Raw() != want.Access.Raw() {
			t.Error("the store holds other tokens")
		}
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// TestStoreUnreadable: a store that cannot be read at the start is an error, not
// a sign-out; a damaged record is reported once, with its file.
func TestStoreUnreadable(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	kept := &brokenStore{Memory: store.NewMemory()}
	p.signedIn(t, "alice", withStore(kept))
	c := p.newClient(t, withStore(kept))
	kept.load.Store(true)
	for range 2 {
		if _, err := c.FetchSession(t.Context()); !errors.Is(err, ErrStore) || !errors.Is(err, errDisk) {
			t.Fatalf("FetchSession: %v", err)
		}
	}
	if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrStore) {
		t.Fatalf("CurrentUser: %v", err)
	}
	kept.load.Store(false)
	wantTokens(t, fetch(t, c), "alice")

	damaged := p.newClient(t, withStore(&damagedOnce{Memory: kept.Memory}))
	_, err := damaged.FetchSession(t.Context())
	if e, ok := errors.AsType[*store.DamagedError](err); !ok || !errors.Is(err, ErrStore) || e.Path != "session.json" || !strings.Contains(err.Error(), "session.json") {
		t.Fatalf("FetchSession: %v", err)
	}
	if _, err := fetch(t, damaged).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens: %v", err)
	}
}

// damagedOnce finds its record damaged and sets it aside, as a store of files does.
type damagedOnce struct {
	*store.Memory
	aside atomic.Bool
}

func (s *damagedOnce) Load(_ context.Context, a store.Account) (store.Record, error) {
	if s.aside.Swap(true) {
		return store.Record{}, store.ErrNotFound
	}
	return store.Record{}, &store.DamagedError{Account: a, Path: "session.json", Err: errors.New("cut short")}
}

// TestRemoteSignOut: what another process did to the session is found at the
// next refresh, and told as what it is.
func TestRemoteSignOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		a := p.signedIn(t, "alice", withStore(kept))
		b := p.newClient(t, withStore(kept))
		seen := &recorder{}
		b.Subscribe(seen.add)
		wantTokens(t, fetch(t, b), "alice")
		if _, err := a.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t, b, ForceRefresh()).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("Tokens: %v", err)
		}
		time.Sleep(2 * time.Second)
		signIn(t, a, "alice")
		wantTokens(t, fetch(t, b), "alice")
		if err := kept.Delete(t.Context(), aliceAccount()); err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t, b, ForceRefresh()).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("Tokens: %v", err)
		}
		synctest.Wait()
		want := []string{"Restored", "SignedOut:remote", "Restored:remote", "SignedOut:remote"}
		if diff := cmp.Diff(want, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if got := p.count(opRefresh); got != 0 {
			t.Errorf("%d refreshes, want none", got)
		}
	})
}

// TestNoRefreshToken checks that a session without a refresh token lasts as long as its
// tokens, whose end does not end it.
func TestNoRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept))
		change(t, kept, func(r *store.Record) { r.Tokens.Refresh = Secret{} })
		time.Sleep(2 * time.Hour)
		session := fetch(t, c)
		if _, err := session.Tokens(); !errors.Is(err, ErrNeedsSignIn) || !session.SignedIn() {
			t.Errorf("Tokens: %v", err)
		}
		if got := p.count(opRefresh); got != 0 {
			t.Errorf("%d refreshes, want none", got)
		}
	})
}

// TestLogsHoldNoSecrets runs through a session's troubles with everything logged.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newFakePool()
		c := p.signedIn(t, "alice", func(cfg *Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.ClientSecret = NewSecret("the-client-secret")
		})
		p.set(func(p *fakePool) {
			p.script = func(string, *http.Request) (*http.Response, error) {
				return exception("InvalidParameterException", "1 validation error detected: Value 'refresh-alice-2' at 'refreshToken' failed to satisfy constraint"), nil
			}
		})
		_, err := fetch(t, c, ForceRefresh()).Tokens()
		if err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		for _, text := range []string{log.String(), err.Error(), fmt.Sprintf("%#v", err), fmt.Sprintf("%+v", c.cfg)} {
			for _, secret := range []string{"refresh-alice", testSecret, "the-client-secret", "eyJ"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in %q", secret, text)
				}
			}
		}
		if !strings.Contains(log.String(), "Value '[redacted]' at 'refreshToken'") {
			t.Errorf("log: %s", log.String())
		}
	})
}
